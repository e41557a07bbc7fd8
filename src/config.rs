//! The plane's settings, read and checked once. Half a configuration is refused with the names of what is missing.

use std::str::FromStr;

use crate::access;
use crate::capacity::{Account, Amounts, setting};
use crate::cloudflare::ApiToken;
use crate::reconcile::budget::{Budget, LEAST_CALLS};
use crate::tenant::{ResourceKind, TenantName};
use crate::turnstile::Keys;
use crate::vault::SealingKey;

/// Who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignupMode {
    /// Whoever asks.
    Open,
    /// Whoever shows a code that the operator made.
    Invite,
    /// Nobody but the operator.
    Closed,
}

impl FromStr for SignupMode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "open" => Ok(Self::Open),
            "invite" => Ok(Self::Invite),
            "closed" => Ok(Self::Closed),
            _ => Err("SIGNUP_MODE must be open, invite or closed".to_owned()),
        }
    }
}

/// What becomes of a resource under the plane's names that is on nobody's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// It is reported, and deleted when an operator says so.
    Report,
    /// It is deleted after its quarantine if it carries the plane's own mark; all else is reported.
    Delete,
}

impl FromStr for Orphans {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "report" => Ok(Self::Report),
            "delete" => Ok(Self::Delete),
            _ => Err("ORPHANS must be report or delete".to_owned()),
        }
    }
}

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Up to the API's version: `https://api.cloudflare.com/client/v4`.
    pub api_base_url: String,
    /// R2's S3 API, up to the bucket: `https://<account id>.r2.cloudflarestorage.com`.
    pub r2_s3_url: String,
    /// The Cloudflare account that tenants live in.
    pub account_id: String,
    /// The plane's own API token.
    pub api_token: ApiToken,
    /// Seals tenants' secrets until they are pushed.
    pub sealing_key: SealingKey,
    /// Who may sign up.
    pub signup_mode: SignupMode,
    /// A tenant's address, with `{script}` for the name of its Worker.
    pub tenant_url: String,
    /// What names of resources start with.
    pub prefixes: Prefixes,
    /// The plane's share of the account's calls.
    pub budget: Budget,
    /// How long a sign-up is a trial, in days; `None`: for ever.
    pub trial_days: Option<i64>,
    /// What becomes of resources on nobody's ledger.
    pub orphans: Orphans,
    /// How much of the account tenants may take.
    pub account: Account,
    /// How many sign-ups are taken.
    pub signup_limits: SignupLimits,
    /// The challenge that has to be solved to sign up; `None`: there is none.
    pub turnstile: Option<Keys>,
    /// Who may see and change what is not theirs; `None`: nobody.
    pub access: Option<access::Settings>,
}

/// Limits on sign-ups that the plane sets itself, besides those of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignupLimits {
    /// Sign-ups in an hour, of all people together.
    pub per_hour: u32,
    /// Tenants in all; `None`: as many as the account has room for.
    pub tenants: Option<u32>,
    /// Tenants of one owner.
    pub tenants_per_owner: u32,
}

impl Default for SignupLimits {
    fn default() -> Self {
        Self { per_hour: 30, tenants: None, tenants_per_owner: 3 }
    }
}

/// What comes before the tenant's name in each name in Cloudflare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes {
    /// Of Worker scripts.
    pub script: String,
    /// Of R2 buckets.
    pub bucket: String,
    /// Of container applications.
    pub application: String,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self { script: "paramita-cloud-".into(), bucket: "moltbot-data-".into(), application: "moltbot-".into() }
    }
}

impl Prefixes {
    /// The name of every resource of a tenant. Route and schedule go by their script's name.
    pub fn names_for(&self, tenant: &TenantName) -> Vec<(ResourceKind, String)> {
        let name = |kind| match kind {
            ResourceKind::Bucket => format!("{}{tenant}", self.bucket),
            ResourceKind::Application => format!("{}{tenant}", self.application),
            ResourceKind::Script | ResourceKind::Route | ResourceKind::Schedule => format!("{}{tenant}", self.script),
        };
        ResourceKind::ALL.into_iter().map(|kind| (kind, name(kind))).collect()
    }
}

/// Everything that is wrong with the settings. Names variables, never their values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plane is not configured: {}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

/// Longest prefix that keeps the longest tenant name within a DNS label of 63 characters.
const MAX_PREFIX: usize = 63 - crate::tenant::name::MAX_LENGTH;

impl Config {
    /// Reads the settings from `variable`, which gives a variable's or a secret's value by name. An empty value counts
    /// as none. Complains about everything at once.
    pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut wrong = Vec::new();
        let get = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut required = |name: &str, what: &str| {
            get(name).unwrap_or_else(|| {
                wrong.push(format!("{name} is missing ({what})"));
                String::new()
            })
        };
        let account_id = required("CLOUDFLARE_ACCOUNT_ID", "the id of the account that tenants live in");
        let api_token = required("CLOUDFLARE_API_TOKEN", "a secret: the plane's own API token");
        let sealing_key = required("SEALING_KEY", "a secret: openssl rand -base64 32");
        let tenant_url = required("TENANT_URL", "such as https://{script}.<your subdomain>.workers.dev/");

        let signup_mode = match get("SIGNUP_MODE").as_deref().unwrap_or("invite").parse() {
            Ok(mode) => Some(mode),
            Err(complaint) => {
                wrong.push(complaint);
                None
            }
        };
        let orphans = get("ORPHANS").as_deref().unwrap_or("report").parse().unwrap_or_else(|complaint| {
            wrong.push(complaint);
            Orphans::Report
        });
        let key = if sealing_key.is_empty() { None } else { SealingKey::parse(&sealing_key).ok() };
        if key.is_none() && !sealing_key.is_empty() {
            wrong.push("SEALING_KEY must be base64 of 32 bytes; make one with: openssl rand -base64 32".into());
        }
        if !tenant_url.is_empty() && !tenant_url.contains("{script}") {
            wrong.push("TENANT_URL must contain {script}, which becomes the name of the tenant's Worker".into());
        }
        let defaults = Prefixes::default();
        let prefixes = Prefixes {
            script: get("SCRIPT_PREFIX").unwrap_or(defaults.script),
            bucket: get("BUCKET_PREFIX").unwrap_or(defaults.bucket),
            application: get("APPLICATION_PREFIX").unwrap_or(defaults.application),
        };
        for (name, prefix) in [
            ("SCRIPT_PREFIX", &prefixes.script),
            ("BUCKET_PREFIX", &prefixes.bucket),
            ("APPLICATION_PREFIX", &prefixes.application),
        ] {
            let is_label =
                prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            let starts_with_letter = prefix.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
            if !is_label || !starts_with_letter || prefix.len() > MAX_PREFIX {
                wrong.push(format!(
                    "{name} must be 1 to {MAX_PREFIX} lower-case letters, digits and hyphens, starting with a letter"
                ));
            }
        }
        let mut number = |name: &str, range: std::ops::RangeInclusive<i64>| {
            let text = get(name)?;
            let number = text.parse().ok().filter(|number| range.contains(number));
            if number.is_none() {
                wrong.push(format!("{name} must be a whole number from {} to {}", range.start(), range.end()));
            }
            number
        };
        let budget = Budget::default();
        let calls =
            number("API_BUDGET_CALLS", i64::from(LEAST_CALLS)..=1_200).and_then(|calls| u32::try_from(calls).ok());
        let window_ms = number("API_BUDGET_SECONDS", 1..=300).map(|seconds| seconds * 1_000);
        let budget = Budget { calls: calls.unwrap_or(budget.calls), window_ms: window_ms.unwrap_or(budget.window_ms) };
        let trial_days = number("TRIAL_DAYS", 1..=3_650);
        let mut count = |name: &str, most| number(name, 1..=most).and_then(|count| u32::try_from(count).ok());
        let signup_limits = SignupLimits::default();
        let signup_limits = SignupLimits {
            per_hour: count("SIGNUPS_PER_HOUR", 10_000).unwrap_or(signup_limits.per_hour),
            tenants: count("MAX_TENANTS", 1_000_000),
            tenants_per_owner: count("MAX_TENANTS_PER_OWNER", 10_000).unwrap_or(signup_limits.tenants_per_owner),
        };
        let mut amounts = |name: &str, default| {
            setting::read(&get(name).unwrap_or_default(), default).unwrap_or_else(|error| {
                wrong.push(format!("{name} {error}"));
                default
            })
        };
        let account = Account {
            limits: amounts("ACCOUNT_LIMITS", Amounts::DOCUMENTED),
            in_use: amounts("ACCOUNT_IN_USE", Amounts::NONE),
        };
        let turnstile = Keys::read(get).unwrap_or_else(|complaint| {
            wrong.push(complaint.to_owned());
            None
        });
        if turnstile.as_ref().is_some_and(Keys::keep_nobody_off) {
            wrong.push("TURNSTILE_SECRET_KEY is one of Cloudflare's for tests, which keeps nobody off".to_owned());
        }
        let access = access::Settings::read(&get, &mut wrong);
        match (signup_mode, key) {
            (Some(signup_mode), Some(sealing_key)) if wrong.is_empty() => Ok(Self {
                api_base_url: get("CLOUDFLARE_API_BASE_URL")
                    .unwrap_or_else(|| "https://api.cloudflare.com/client/v4".to_owned()),
                r2_s3_url: get("R2_S3_URL")
                    .unwrap_or_else(|| "https://{account}.r2.cloudflarestorage.com".to_owned())
                    .replace("{account}", &account_id),
                account_id,
                api_token: ApiToken::new(api_token),
                sealing_key,
                signup_mode,
                tenant_url,
                prefixes,
                budget,
                trial_days,
                orphans,
                account,
                signup_limits,
                turnstile,
                access,
            }),
            _ => Err(ConfigError(wrong)),
        }
    }

    /// The address of the tenant whose Worker is `script`.
    pub fn url_of(&self, script: &str) -> String {
        self.tenant_url.replace("{script}", script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(changes: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let mut all = std::collections::HashMap::from([
            ("CLOUDFLARE_ACCOUNT_ID".to_owned(), "0123".to_owned()),
            ("CLOUDFLARE_API_TOKEN".to_owned(), "planted-token".to_owned()),
            ("SEALING_KEY".to_owned(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
            ("TENANT_URL".to_owned(), "https://{script}.example.workers.dev/".to_owned()),
        ]);
        all.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        move |name| all.get(name).cloned()
    }

    #[test]
    fn sign_up_needs_an_invitation_unless_said_otherwise() {
        assert_eq!(Config::read(&variables(&[])).unwrap().signup_mode, SignupMode::Invite);
        let open = Config::read(&variables(&[("SIGNUP_MODE", "open")])).unwrap();
        assert_eq!(open.signup_mode, SignupMode::Open);
    }

    #[test]
    fn r2_is_found_where_cloudflare_has_it_unless_said_otherwise() {
        let standard = Config::read(&variables(&[])).unwrap();
        assert_eq!(standard.r2_s3_url, "https://0123.r2.cloudflarestorage.com");
        let other = Config::read(&variables(&[("R2_S3_URL", "http://localhost:8788/s3/{account}")])).unwrap();
        assert_eq!(other.r2_s3_url, "http://localhost:8788/s3/0123");
    }

    #[test]
    fn few_may_sign_up_unless_said_otherwise() {
        let standard = Config::read(&variables(&[("MAX_TENANTS", "")])).unwrap();
        assert_eq!(standard.signup_limits, SignupLimits { per_hour: 30, tenants: None, tenants_per_owner: 3 });
        let changes = [("SIGNUPS_PER_HOUR", "500"), ("MAX_TENANTS", "200"), ("MAX_TENANTS_PER_OWNER", "1")];
        let other = Config::read(&variables(&changes)).unwrap();
        assert_eq!(other.signup_limits, SignupLimits { per_hour: 500, tenants: Some(200), tenants_per_owner: 1 });
    }

    #[test]
    fn the_account_is_as_cloudflare_documents_it_unless_said_otherwise() {
        assert_eq!(Config::read(&variables(&[])).unwrap().account, Account::default());
        let changes = [("ACCOUNT_LIMITS", "workers=1000"), ("ACCOUNT_IN_USE", "workers=3, cron_triggers=2")];
        let account = Config::read(&variables(&changes)).unwrap().account;
        assert_eq!(account.limits, Amounts { workers: 1_000, ..Amounts::DOCUMENTED });
        assert_eq!(account.in_use, Amounts { workers: 3, cron_triggers: 2, ..Amounts::NONE });
    }

    #[test]
    fn a_challenge_that_keeps_nobody_off_is_refused_where_it_would_matter() {
        let test_keys = [
            ("TURNSTILE_SITE_KEY", "1x00000000000000000000AA"),
            ("TURNSTILE_SECRET_KEY", "1x0000000000000000000000000000000AA"),
        ];
        let ConfigError(wrong) = Config::read(&variables(&test_keys)).unwrap_err();
        assert!(matches!(wrong.as_slice(), [only] if only.starts_with("TURNSTILE_SECRET_KEY is one")), "{wrong:?}");
        let stand_in = ("TURNSTILE_VERIFY_URL", "http://localhost:8788/turnstile/v0/siteverify");
        let config = Config::read(&variables(&[test_keys[0], test_keys[1], stand_in])).unwrap();
        assert!(config.turnstile.unwrap().are_for_tests());
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let ConfigError(wrong) = Config::read(&|_| None).unwrap_err();
        for name in ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "SEALING_KEY", "TENANT_URL"] {
            assert!(wrong.iter().any(|complaint| complaint.starts_with(name)), "{name} in {wrong:?}");
        }
    }

    #[test]
    fn bad_values_are_refused_without_showing_them() {
        let bad = [
            ("SEALING_KEY", "planted-but-short"),
            ("TENANT_URL", "https://example.com/"),
            ("SIGNUP_MODE", "planted-mode"),
            ("ORPHANS", "planted-fate"),
            ("BUCKET_PREFIX", "Bad_"),
            ("SCRIPT_PREFIX", "a-very-long-prefix-for-a-label-"),
            ("SIGNUPS_PER_HOUR", "0"),
            ("MAX_TENANTS", "many"),
            ("MAX_TENANTS_PER_OWNER", "-1"),
            ("ACCOUNT_LIMITS", "planted=1"),
            ("ACCOUNT_IN_USE", "workers"),
            ("TURNSTILE_SECRET_KEY", "planted-without-its-other-half"),
        ];
        let error = Config::read(&variables(&bad)).unwrap_err();
        assert_eq!(error.0.len(), bad.len(), "{error}");
        assert!(!error.to_string().contains("planted"));
    }

    #[test]
    fn half_a_configuration_of_access_is_refused_and_none_is_a_plane_without_operators() {
        assert_eq!(Config::read(&variables(&[])).unwrap().access, None);
        let half = [("ACCESS_AUD", "an-audience"), ("ACCESS_OPERATORS", " ")];
        let ConfigError(wrong) = Config::read(&variables(&half)).unwrap_err();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        let whole =
            [half[0], ("ACCESS_TEAM_URL", "https://team.cloudflareaccess.com"), ("ACCESS_OPERATORS", "@example.com")];
        assert!(Config::read(&variables(&whole)).unwrap().access.is_some());
    }

    #[test]
    fn the_configuration_prints_without_its_secrets() {
        let printed = format!("{:?}", Config::read(&variables(&[])).unwrap());
        assert!(!printed.contains("planted") && !printed.contains("AAEC"), "{printed}");
    }

    #[test]
    fn a_tenant_is_named_in_cloudflare_as_in_the_guide() {
        let names = Prefixes::default().names_for(&TenantName::parse("alice").unwrap());
        assert!(names.contains(&(ResourceKind::Bucket, "moltbot-data-alice".into())));
        assert!(names.contains(&(ResourceKind::Script, "paramita-cloud-alice".into())));
        assert!(names.contains(&(ResourceKind::Application, "moltbot-alice".into())));
    }
}
