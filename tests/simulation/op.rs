//! What can happen to a plane. A list of these and a seed are a whole run; printed, they are the code that repeats it.

/// A name that tenants sign up under, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    Alice,
    Bob,
    Carol,
    Dora,
    Eve,
    Fay,
}

/// Which of the two releases there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    Guide,
    Moltworker,
}

/// A secret that owners set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Anthropic,
    Audience,
    Telegram,
    Gateway,
}

/// What strikes one call, or one batch of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    RequestLost,
    ReplyLost,
    /// 429, with this `Retry-After`.
    TooManyRequests(u64),
    ServerError,
    /// A firewall's block page.
    Blocked,
    /// The call takes so many seconds, and then acts. The plane gives a call up after a minute.
    Slow(u64),
    /// A read answers as before the last write that changed its answer.
    Stale,
    /// The database does it, and the answer is lost.
    AnswerLost,
    /// The database does nothing of it.
    BatchRefused,
}

/// What outside there is one of for each tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    Bucket,
    Script,
    Application,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Somebody signs up; the name may be taken.
    SignUp {
        who: Who,
        with_secrets: bool,
    },
    /// Two sign up under one name at once.
    SignUpTwice {
        who: Who,
    },
    Resize {
        who: Who,
        size: u8,
    },
    Instances {
        who: Who,
        count: u8,
    },
    /// 0: never.
    Sleep {
        who: Who,
        minutes: u8,
    },
    SetSecret {
        who: Who,
        key: Key,
    },
    UnsetSecret {
        who: Who,
        key: Key,
    },
    /// A change that changes nothing: another try for a tenant that has failed.
    TryAgain {
        who: Who,
    },
    Delete {
        who: Who,
        grace_days: u8,
    },
    Suspend {
        who: Who,
    },
    Resume {
        who: Who,
    },
    Undelete {
        who: Who,
    },
    /// From now on this is what the tenant is deployed from.
    Upgrade {
        who: Who,
        shape: Shape,
    },
    /// From now on this is what sign-ups get.
    Publish {
        shape: Shape,
    },

    /// The queue delivers up to so many of the nudges whose time has come.
    Deliver {
        most: u8,
    },
    /// The queue delivers one nudge to two consumers at once.
    DeliverTwice,
    /// The queue loses everything.
    LoseNudges,
    Tick,
    /// The queue delivers a nudge, and its round gets so far for now.
    Start {
        polls: u8,
    },
    /// The cron fires, and its rounds get so far for now.
    StartTick {
        polls: u8,
    },
    /// Whatever is under way gets on, in any order.
    Go {
        polls: u8,
    },
    /// Whatever is under way is gone in the middle.
    Vanish,

    /// After `skip` more calls (or batches) this one strikes.
    Fault {
        trouble: Trouble,
        skip: u8,
    },
    Wait {
        seconds: u32,
    },
    /// The plane's clock is off by so much from now on.
    Skew {
        ms: i64,
    },

    /// The tenant's container writes an object.
    Write {
        who: Who,
    },
    /// The operator's hand removes something of a tenant's.
    Remove {
        who: Who,
        thing: Thing,
    },
    /// The operator's hand deploys something else over a tenant's script.
    Overwrite {
        who: Who,
    },
    /// A stranger makes something under a name that no tenant has.
    Stranger {
        who: Who,
        thing: Thing,
    },
    /// The strangers remove what they made under this name.
    StrangersLeave {
        who: Who,
    },
}

impl Who {
    pub const ALL: [Self; 6] = [Self::Alice, Self::Bob, Self::Carol, Self::Dora, Self::Eve, Self::Fay];

    pub fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            // One name begins with another, and one looks like a part of another's resources.
            Self::Bob => "alice-2",
            Self::Carol => "data-alice",
            Self::Dora => "d",
            Self::Eve => "e-v-e",
            Self::Fay => "0123456789-0123456789-0123456789-012345f",
        }
    }

    /// What a thing of this tenant's goes by in Cloudflare.
    pub fn thing(self, thing: Thing) -> String {
        let prefix = match thing {
            Thing::Bucket => "moltbot-data-",
            Thing::Script => "paramita-cloud-",
            Thing::Application => "moltbot-",
        };
        format!("{prefix}{}", self.name())
    }
}

impl Thing {
    pub const ALL: [Self; 3] = [Self::Bucket, Self::Script, Self::Application];

    /// The ledger's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Script => "script",
            Self::Application => "application",
        }
    }
}

impl Shape {
    /// The secret that the plane makes.
    pub fn gateway(self) -> &'static str {
        match self {
            Self::Guide => "CLAWDBOT_GATEWAY_TOKEN",
            Self::Moltworker => "MOLTBOT_GATEWAY_TOKEN",
        }
    }
}

impl Key {
    pub fn name(self, shape: Shape) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Audience => "CF_ACCESS_AUD",
            Self::Telegram => "TELEGRAM_BOT_TOKEN",
            Self::Gateway => shape.gateway(),
        }
    }
}

impl Trouble {
    /// The word for it in reports.
    pub fn kind(self) -> &'static str {
        match self {
            Self::RequestLost => "request lost",
            Self::ReplyLost => "reply lost",
            Self::TooManyRequests(_) => "429",
            Self::ServerError => "500",
            Self::Blocked => "403 page",
            Self::Slow(_) => "slow",
            Self::Stale => "stale read",
            Self::AnswerLost => "database answer lost",
            Self::BatchRefused => "database batch refused",
        }
    }
}

impl Op {
    /// The word for it in reports: the variant's name.
    pub fn kind(self) -> String {
        let text = format!("{self:?}");
        text.split(' ').next().unwrap_or_default().to_owned()
    }
}
