//! How many requests one caller may make: counted by Cloudflare close to the caller, before anything is read or written.
//!
//! The counts are Cloudflare's Workers rate limiting binding: free of any wait, but of one location each and not exact
//! (developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit). So they keep a flood off; what must hold exactly,
//! such as how many sign-ups there are in an hour, is a matter of the registry.
//!
//! A key is what is counted by: the network that a caller's address is of, whatever he shows. Nobody's token is looked at
//! before he is counted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;

use crate::clock::Clock;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Sign-ups from one address, those that are refused included: each may cost a check of Turnstile. What is not a
    /// sign-up at all, for something in it is malformed, and dry runs count as requests only.
    SignUps,
    /// Requests from one address, whoever asks.
    Requests,
}

/// So many in so long. `wrangler.toml` has the same numbers; a test sees to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name in headers.
    pub name: &'static str,
    /// The binding that counts.
    pub binding: &'static str,
    /// Most of them in one window.
    pub quota: u32,
    /// Seconds that a window lasts: 10 or 60, Cloudflare takes no other.
    pub window_seconds: u32,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SignUps, Self::Requests];

    /// Its numbers.
    pub const fn policy(self) -> Policy {
        match self {
            Self::SignUps => Policy { name: "sign-ups", binding: "SIGNUP_RATE_LIMITER", quota: 10, window_seconds: 60 },
            Self::Requests => {
                Policy { name: "requests", binding: "REQUEST_RATE_LIMITER", quota: 300, window_seconds: 60 }
            }
        }
    }

    /// Whether to go on when nothing could be counted. Whoever reads or changes what is his has a token, and is not to
    /// be locked out by a counter. A sign-up costs money and can wait a minute.
    const fn is_open_without_count(self) -> bool {
        matches!(self, Self::Requests)
    }
}

impl Policy {
    /// The value of `RateLimit-Policy`: `"sign-ups";q=10;w=60` (draft-ietf-httpapi-ratelimit-headers-11, 2026-05-23).
    pub fn header(self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota, self.window_seconds)
    }

    /// The value of `RateLimit` in a refusal: nothing is left. When the window ends is not known; no later than in a
    /// whole one, which is the value of `Retry-After`, too. While there is something left, nobody knows how much:
    /// without a refusal there is no such header.
    pub fn header_when_used_up(self) -> String {
        format!("\"{}\";r=0;t={}", self.name, self.window_seconds)
    }
}

/// What came of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Within the limit.
    Within,
    /// Beyond it.
    Beyond,
    /// Nobody knows: the counter failed.
    Unknown,
}

/// Why a caller has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// He was too often here.
    #[error("more than {} {} in {} seconds from one network, refused ones included", .0.quota, .0.name, .0.window_seconds)]
    TooMany(Policy),
    /// He could not be counted, and this is nothing that goes uncounted.
    #[error("{} cannot be counted now", .0.name)]
    Uncounted(Policy),
}

/// Counts.
pub trait RateLimiter: Send + Sync {
    /// Counts one more of `key`, and says where that leads. Each call counts, also one that is beyond the limit or whose
    /// answer gets lost. Two limits count apart.
    fn count<'a>(&'a self, limit: Limit, key: &'a str) -> BoxFuture<'a, Count>;
}

/// Counts one more of `key`; an error if the request is to go no further.
pub async fn admit(limiter: &dyn RateLimiter, limit: Limit, key: &str) -> Result<(), Refusal> {
    match limiter.count(limit, key).await {
        Count::Within => Ok(()),
        Count::Unknown if limit.is_open_without_count() => Ok(()),
        Count::Unknown => Err(Refusal::Uncounted(limit.policy())),
        Count::Beyond => Err(Refusal::TooMany(limit.policy())),
    }
}

/// Counts in memory by a clock, for tests: in windows that begin at whole multiples of their length, exactly.
pub struct MemoryRateLimiter {
    clock: Arc<dyn Clock>,
    is_broken: AtomicBool,
    /// The window of the last count, and how many there were in it.
    counts: Mutex<HashMap<(Limit, String), (i64, u32)>>,
}

impl MemoryRateLimiter {
    /// Nobody has been counted yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, is_broken: AtomicBool::new(false), counts: Mutex::default() }
    }

    /// From now on nothing can be counted, or again.
    pub fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }
}

impl RateLimiter for MemoryRateLimiter {
    fn count<'a>(&'a self, limit: Limit, key: &'a str) -> BoxFuture<'a, Count> {
        let policy = limit.policy();
        let count = if self.is_broken.load(Ordering::SeqCst) {
            Count::Unknown
        } else {
            let window = self.clock.now().0.div_euclid(i64::from(policy.window_seconds) * 1_000);
            let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let (last, count) = counts.entry((limit, key.to_owned())).or_insert((window, 0));
            if *last != window {
                (*last, *count) = (window, 0);
            }
            *count = count.saturating_add(1);
            if *count > policy.quota { Count::Beyond } else { Count::Within }
        };
        Box::pin(std::future::ready(count))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn limiter() -> (Arc<ManualClock>, MemoryRateLimiter) {
        let clock = Arc::new(ManualClock::at(Timestamp(1_793_534_400_000)));
        (clock.clone(), MemoryRateLimiter::new(clock))
    }

    fn ask(limiter: &MemoryRateLimiter, limit: Limit, key: &str) -> Result<(), Refusal> {
        admit(limiter, limit, key).now_or_never().unwrap()
    }

    #[test]
    fn who_comes_too_often_has_to_wait_for_the_next_window() {
        let (clock, limiter) = limiter();
        let policy = Limit::SignUps.policy();
        for _ in 0..policy.quota {
            assert_eq!(ask(&limiter, Limit::SignUps, "192.0.2.1"), Ok(()));
        }
        assert_eq!(ask(&limiter, Limit::SignUps, "192.0.2.1"), Err(Refusal::TooMany(policy)));
        clock.advance_ms(i64::from(policy.window_seconds) * 1_000 - 1);
        assert_eq!(ask(&limiter, Limit::SignUps, "192.0.2.1"), Err(Refusal::TooMany(policy)));
        clock.advance_ms(1);
        assert_eq!(ask(&limiter, Limit::SignUps, "192.0.2.1"), Ok(()));
    }

    #[test]
    fn callers_and_limits_are_counted_apart() {
        let (_, limiter) = limiter();
        for _ in 0..Limit::SignUps.policy().quota {
            assert_eq!(ask(&limiter, Limit::SignUps, "192.0.2.1"), Ok(()));
        }
        assert_eq!(ask(&limiter, Limit::SignUps, "192.0.2.2"), Ok(()));
        assert_eq!(ask(&limiter, Limit::Requests, "192.0.2.1"), Ok(()));
        assert!(ask(&limiter, Limit::SignUps, "192.0.2.1").is_err());
    }

    #[test]
    fn without_a_counter_nobody_signs_up_and_everybody_else_goes_on() {
        let (_, limiter) = limiter();
        limiter.set_broken(true);
        let refusal = ask(&limiter, Limit::SignUps, "192.0.2.1").unwrap_err();
        assert_eq!(refusal, Refusal::Uncounted(Limit::SignUps.policy()));
        assert_eq!(refusal.to_string(), "sign-ups cannot be counted now");
        for _ in 0..=Limit::Requests.policy().quota {
            assert_eq!(ask(&limiter, Limit::Requests, "tok_1"), Ok(()));
        }
        limiter.set_broken(false);
        assert_eq!(ask(&limiter, Limit::SignUps, "192.0.2.1"), Ok(()));
    }

    #[test]
    fn a_policy_is_told_as_the_draft_has_it() {
        let policy = Limit::SignUps.policy();
        assert_eq!(policy.header(), "\"sign-ups\";q=10;w=60");
        assert_eq!(policy.header_when_used_up(), "\"sign-ups\";r=0;t=60");
        assert_eq!(
            Refusal::TooMany(policy).to_string(),
            "more than 10 sign-ups in 60 seconds from one network, refused ones included"
        );
    }

    #[test]
    fn the_configuration_binds_every_limit_with_its_numbers() {
        let configuration = include_str!("../wrangler.toml");
        let bindings: Vec<&str> = configuration.split("[[ratelimits]]").skip(1).collect();
        assert_eq!(bindings.len(), Limit::ALL.len());
        let mut namespaces = Vec::new();
        for policy in Limit::ALL.map(Limit::policy) {
            assert!([10, 60].contains(&policy.window_seconds));
            let name = format!("name = \"{}\"\n", policy.binding);
            let binding = bindings.iter().find(|binding| binding.contains(&name)).unwrap();
            let numbers = format!("simple = {{ limit = {}, period = {} }}\n", policy.quota, policy.window_seconds);
            assert!(binding.contains(&numbers), "{numbers} in {binding}");
            namespaces.push(binding.lines().find(|line| line.starts_with("namespace_id = ")).unwrap());
        }
        assert_ne!(namespaces[0], namespaces[1], "limits of one namespace count together");
    }
}
