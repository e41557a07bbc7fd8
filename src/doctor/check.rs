//! What is looked at.

/// A line of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Cloudflare takes the plane's token, and will for a while.
    ApiToken,
    /// The token may do with Workers what the plane does.
    Workers,
    /// The token may do so with R2, and the account has it.
    R2,
    /// The token may do so with containers, and the account has them.
    Containers,
    /// The account has a workers.dev subdomain, and tenants' addresses are below it.
    Subdomain,
    /// There is room in the account.
    Limits,
    /// The database has the tables that this version reads and writes.
    Migrations,
    /// The cron trigger comes, and its jobs succeed.
    Cron,
    /// Whoever wants a round gets one: nudges arrive.
    Rounds,
    /// Sign-ups have something to be deployed from, and it is whole.
    Release,
    /// What is sealed opens.
    SealingKey,
    /// The plane's clock goes right.
    Clock,
    /// Access is in front of the operators' pages, by the application that the settings name.
    Access,
    /// The team's keys can be had.
    AccessKeys,
    /// Somebody may change things.
    Operators,
    /// Robots are kept off where anybody may sign up.
    SignUps,
}

/// Lines that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What Cloudflare lets the plane do.
    Account,
    /// The plane's own parts.
    Plane,
    /// Who may come in.
    Door,
}

impl Check {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 16] = [
        Self::ApiToken,
        Self::Workers,
        Self::R2,
        Self::Containers,
        Self::Subdomain,
        Self::Migrations,
        Self::Limits,
        Self::Cron,
        Self::Rounds,
        Self::Release,
        Self::SealingKey,
        Self::Clock,
        Self::Access,
        Self::AccessKeys,
        Self::Operators,
        Self::SignUps,
    ];

    /// Its name in answers, which never changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiToken => "api_token",
            Self::Workers => "workers",
            Self::R2 => "r2",
            Self::Containers => "containers",
            Self::Subdomain => "subdomain",
            Self::Limits => "limits",
            Self::Migrations => "migrations",
            Self::Cron => "cron",
            Self::Rounds => "rounds",
            Self::Release => "release",
            Self::SealingKey => "sealing_key",
            Self::Clock => "clock",
            Self::Access => "access",
            Self::AccessKeys => "access_keys",
            Self::Operators => "operators",
            Self::SignUps => "sign_ups",
        }
    }

    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::ApiToken => "API token",
            Self::Workers => "Workers",
            Self::R2 => "R2",
            Self::Containers => "Containers",
            Self::Subdomain => "workers.dev subdomain",
            Self::Limits => "Room in the account",
            Self::Migrations => "Database migrations",
            Self::Cron => "Cron trigger",
            Self::Rounds => "Queue and rounds",
            Self::Release => "Release",
            Self::SealingKey => "Sealing key",
            Self::Clock => "Clock",
            Self::Access => "Cloudflare Access",
            Self::AccessKeys => "Keys of Access",
            Self::Operators => "Operators",
            Self::SignUps => "Sign-ups",
        }
    }

    /// With which it stands.
    pub fn group(self) -> Group {
        match self {
            Self::ApiToken | Self::Workers | Self::R2 | Self::Containers | Self::Subdomain | Self::Limits => {
                Group::Account
            }
            Self::Migrations | Self::Cron | Self::Rounds | Self::Release | Self::SealingKey | Self::Clock => {
                Group::Plane
            }
            Self::Access | Self::AccessKeys | Self::Operators | Self::SignUps => Group::Door,
        }
    }

    /// The one page that helps; empty if there is none.
    pub fn help(self) -> &'static str {
        match self {
            Self::ApiToken | Self::Workers => {
                "https://developers.cloudflare.com/fundamentals/api/get-started/account-owned-tokens/"
            }
            Self::R2 => "https://developers.cloudflare.com/r2/get-started/",
            Self::Containers => "https://developers.cloudflare.com/containers/pricing/",
            Self::Subdomain => "https://developers.cloudflare.com/workers/configuration/routing/workers-dev/",
            Self::Limits => "https://developers.cloudflare.com/workers/platform/limits/",
            Self::Migrations => "https://developers.cloudflare.com/d1/reference/migrations/",
            Self::Cron => "https://developers.cloudflare.com/workers/configuration/cron-triggers/",
            Self::Rounds => "https://developers.cloudflare.com/queues/configuration/configure-queues/",
            Self::SealingKey => "https://developers.cloudflare.com/workers/configuration/secrets/",
            Self::Access => {
                "https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/self-hosted-public-app/"
            }
            Self::AccessKeys => {
                "https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/"
            }
            Self::SignUps => "https://developers.cloudflare.com/turnstile/",
            Self::Release | Self::Clock | Self::Operators => "",
        }
    }
}

impl Group {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Account, Self::Plane, Self::Door];

    /// As people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Account => "The Cloudflare account",
            Self::Plane => "The plane",
            Self::Door => "Who may come in",
        }
    }
}
