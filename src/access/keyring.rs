//! The team's keys, kept for a while.
//!
//! What must hold:
//!
//! - **No key outlives its word for long.** What was fetched is asked for again after [`MAX_LIFETIME_MS`] at the latest,
//!   and forgotten after [`MAX_AGE_MS`], when it could not be had again.
//! - **A rotation logs nobody out.** A key that is not known is asked for at once. Tokens of the key before it go on,
//!   since Cloudflare lists that as well, for seven days.
//! - **Strangers cannot have the plane make calls.** A name that nobody knows costs a call once in [`PAUSE_MS`], however
//!   many ask by however many names.
//! - **No request waits for another.** The runtime ends a request that awaits what another one owns. So whoever needs
//!   keys fetches them himself, and the lock is held for no longer than a look.
//!
//! Kept in the memory of the isolate and nowhere else. The Cache API would share the keys between isolates, but "for
//! Workers fronted by Cloudflare Access, the Cache API is not currently available"
//! (<https://developers.cloudflare.com/workers/runtime-apis/cache/>), and neither is it on workers.dev; what it would
//! save is one call within Cloudflare for each isolate that an operator comes upon.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{Request, Response, StatusCode};

use super::keys::{self, PublicKey};
use super::{Invalid, Refusal, Settings};
use crate::clock::{Clock, Timestamp};
use crate::cloudflare::Transport;
use crate::log::{Level, Logger};

/// Longest time for which fetched keys are taken as they are. An answer may ask for less, by `max-age`.
pub const MAX_LIFETIME_MS: i64 = 60 * 60 * 1_000;

/// How old keys may get when they cannot be fetched again. Within the seven days for which a former key is good, so that
/// no key is taken here that Access has given up.
pub const MAX_AGE_MS: i64 = 24 * 60 * 60 * 1_000;

/// Least time between two fetches for names that are not known, and between two for keys that are not fresh.
pub const PAUSE_MS: i64 = 60 * 1_000;

/// Most fetches in [`PAUSE_MS`] while there are no keys: the first requests of an isolate come together, and none of them
/// may wait for another's.
pub const MOST_FIRST_FETCHES: u32 = 5;

/// Fetches and keeps the keys. Shared by all requests of an isolate; holds data only, nothing that belongs to a request.
pub struct Keyring {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

impl Keyring {
    /// No keys yet. `transport` reaches the team within a few seconds or gives up.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, clock, cache: Mutex::default() }
    }

    /// The team's key of this name.
    pub async fn key(&self, log: &Logger, settings: &Settings, kid: &str) -> Result<PublicKey, Refusal> {
        let answer = self.cache().look(kid, self.clock.now());
        match answer {
            Answer::Have(key) => Ok(key),
            Answer::Not(refusal) => Err(refusal),
            Answer::Fetch => {
                let fetched = self.fetch(log, &settings.certs_url()).await;
                let now = self.clock.now();
                let mut cache = self.cache();
                if let Some((keys, lifetime_ms)) = fetched {
                    cache.put(keys, lifetime_ms, now);
                }
                cache.settle(kid, now)
            }
        }
    }

    /// The keys and for how long they are good, in milliseconds; `None` if they could not be had. Leaves a line in the log.
    async fn fetch(&self, log: &Logger, certs_url: &str) -> Option<(Vec<PublicKey>, i64)> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = certs_url.parse().ok()?;
        let stopwatch = log.start();
        let (outcome, status, fetched) = match self.transport.send(request).await {
            Err(_) => ("no_reply", None, None),
            Ok(response) if response.status() != StatusCode::OK => ("refused", Some(response.status()), None),
            Ok(response) => match keys::read(response.body()) {
                None => ("unreadable", Some(response.status()), None),
                Some(keys) => ("ok", Some(response.status()), Some((keys, lifetime_ms(&response)))),
            },
        };
        let level = if fetched.is_some() { Level::Info } else { Level::Error };
        let line = log.line(level, "access_keys").with("outcome", outcome);
        log.write(&line.with("status", status.map(|status| status.as_u16())).with("ms", stopwatch.ms()));
        fetched
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By `max-age`, from one minute to [`MAX_LIFETIME_MS`].
fn lifetime_ms(response: &Response<Bytes>) -> i64 {
    let cache_control = response.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let max_age = cache_control.split(',').find_map(|directive| directive.trim().strip_prefix("max-age="));
    let asked_ms = max_age.and_then(|seconds| seconds.parse::<i64>().ok()).map(|seconds| seconds.saturating_mul(1_000));
    asked_ms.unwrap_or(MAX_LIFETIME_MS).clamp(PAUSE_MS, MAX_LIFETIME_MS)
}

/// What a look into the cache says.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Have(PublicKey),
    Not(Refusal),
    /// The keys are to be fetched now, by whoever gets this answer.
    Fetch,
}

/// What is kept, and the rules of when to fetch. Knows neither network nor clock.
#[derive(Default)]
struct Cache {
    keys: Vec<PublicKey>,
    fetched_at: Timestamp,
    /// When the keys are to be asked for again.
    fresh_until: Timestamp,
    /// Fetches for want of keys, or because they are not fresh any more.
    renewals: Pace,
    /// Fetches for a name that is not among the keys.
    searches: Pace,
    /// Whether the fetch that began last has brought keys.
    succeeded: bool,
}

impl Cache {
    fn look(&mut self, kid: &str, now: Timestamp) -> Answer {
        // A clock that is set back makes keys older, never younger.
        if now.0.abs_diff(self.fetched_at.0) > MAX_AGE_MS.unsigned_abs() {
            self.keys.clear();
        }
        let key = self.find(kid);
        let is_fresh = now < self.fresh_until && now >= self.fetched_at;
        let may_fetch = match &key {
            Some(_) if is_fresh => false,
            Some(_) => self.renewals.begin(1, now),
            None if self.keys.is_empty() => self.renewals.begin(MOST_FIRST_FETCHES, now),
            None => self.searches.begin(1, now),
        };
        if may_fetch {
            self.succeeded = false;
            return Answer::Fetch;
        }
        match key {
            Some(key) => Answer::Have(key),
            None => Answer::Not(self.unknown()),
        }
    }

    fn put(&mut self, keys: Vec<PublicKey>, lifetime_ms: i64, now: Timestamp) {
        (self.keys, self.fetched_at, self.fresh_until) = (keys, now, now.plus_ms(lifetime_ms));
        self.succeeded = true;
    }

    /// After a fetch for a name, whatever became of it.
    fn settle(&mut self, kid: &str, now: Timestamp) -> Result<PublicKey, Refusal> {
        self.find(kid).ok_or_else(|| {
            // Even the first fetch of an isolate was for a stranger then.
            self.searches.begin(1, now);
            self.unknown()
        })
    }

    /// When the last fetch has failed or is under way, nobody can say that there is no such key.
    fn unknown(&self) -> Refusal {
        if self.succeeded { Invalid::UnknownKey.into() } else { Refusal::KeysUnavailable }
    }

    fn find(&self, kid: &str) -> Option<PublicKey> {
        self.keys.iter().find(|key| key.kid == kid).cloned()
    }
}

/// So many in [`PAUSE_MS`], and no more.
#[derive(Default)]
struct Pace {
    since: Option<Timestamp>,
    begun: u32,
}

impl Pace {
    /// Whether another one may begin; if so, it has begun.
    fn begin(&mut self, most: u32, now: Timestamp) -> bool {
        if self.since.is_none_or(|since| now.0.abs_diff(since.0) >= PAUSE_MS.unsigned_abs()) {
            *self = Self { since: Some(now), begun: 0 };
        }
        let may = self.begun < most;
        if may {
            self.begun += 1;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(kid: &str) -> PublicKey {
        PublicKey { kid: kid.into(), n: String::new(), e: String::new() }
    }

    const START: Timestamp = Timestamp(1_793_534_400_000);
    const UNKNOWN: Answer = Answer::Not(Refusal::Invalid(Invalid::UnknownKey));
    const UNAVAILABLE: Answer = Answer::Not(Refusal::KeysUnavailable);

    fn have(kid: &str) -> Answer {
        Answer::Have(key(kid))
    }

    /// A cache with the keys a and b, fetched at the start for an hour.
    fn warm() -> Cache {
        let mut cache = Cache::default();
        assert_eq!(cache.look("a", START), Answer::Fetch);
        cache.put(vec![key("a"), key("b")], MAX_LIFETIME_MS, START);
        cache
    }

    #[test]
    fn what_is_known_and_fresh_costs_no_fetch() {
        let mut cache = warm();
        for ms in [0, 1, MAX_LIFETIME_MS - 1] {
            assert_eq!(cache.look("b", START.plus_ms(ms)), have("b"));
        }
        assert_eq!(cache.look("b", START.plus_ms(MAX_LIFETIME_MS)), Answer::Fetch);
    }

    #[test]
    fn an_unknown_name_costs_one_fetch_a_minute_for_all_together() {
        let mut cache = warm();
        assert_eq!(cache.look("x", START), Answer::Fetch);
        assert_eq!(cache.look("y", START), UNAVAILABLE, "nobody knows before that fetch has ended");
        assert_eq!(cache.look("a", START), have("a"));
        cache.put(vec![key("a"), key("b")], MAX_LIFETIME_MS, START.plus_ms(500));
        assert_eq!(cache.settle("x", START.plus_ms(500)), Err(Invalid::UnknownKey.into()));
        assert_eq!(cache.look("x", START.plus_ms(PAUSE_MS - 1)), UNKNOWN);
        assert_eq!(cache.look("y", START.plus_ms(PAUSE_MS)), Answer::Fetch);
    }

    #[test]
    fn the_first_fetch_counts_if_it_was_for_a_stranger() {
        let mut cache = Cache::default();
        assert_eq!(cache.look("x", START), Answer::Fetch);
        cache.put(vec![key("a")], MAX_LIFETIME_MS, START);
        assert_eq!(cache.settle("x", START), Err(Invalid::UnknownKey.into()));
        assert_eq!(cache.look("y", START.plus_ms(PAUSE_MS - 1)), UNKNOWN);
    }

    #[test]
    fn a_new_key_is_found_at_once_even_if_the_others_were_fetched_just_before() {
        let mut cache = warm();
        assert_eq!(cache.look("c", START.plus_ms(1)), Answer::Fetch);
        cache.put(vec![key("b"), key("c")], MAX_LIFETIME_MS, START.plus_ms(2));
        assert_eq!(cache.settle("c", START.plus_ms(2)), Ok(key("c")));
        assert_eq!(cache.look("b", START.plus_ms(2)), have("b"));
        assert_eq!(cache.look("a", START.plus_ms(2)), UNKNOWN, "rotated away");
    }

    #[test]
    fn while_one_fetches_others_go_on_with_what_there_is() {
        let mut cache = warm();
        let stale = START.plus_ms(MAX_LIFETIME_MS);
        assert_eq!(cache.look("a", stale), Answer::Fetch);
        assert_eq!(cache.look("a", stale), have("a"));
    }

    #[test]
    fn keys_that_cannot_be_fetched_again_are_good_for_a_day() {
        let mut cache = warm();
        for hour in 1..=24 {
            let now = START.plus_ms(hour * MAX_LIFETIME_MS);
            assert_eq!(cache.look("a", now), Answer::Fetch, "{hour}");
            assert_eq!(cache.settle("a", now), Ok(key("a")), "{hour}");
            assert_eq!(cache.look("a", now), have("a"), "{hour}");
        }
        let end = START.plus_ms(MAX_AGE_MS + 1);
        assert_eq!(cache.look("a", end), Answer::Fetch);
        assert_eq!(cache.settle("a", START), Err(Refusal::KeysUnavailable));
    }

    #[test]
    fn the_first_requests_fetch_each_for_itself_but_not_without_end() {
        let mut cache = Cache::default();
        for _ in 0..MOST_FIRST_FETCHES {
            assert_eq!(cache.look("a", START), Answer::Fetch);
        }
        assert_eq!(cache.look("a", START.plus_ms(PAUSE_MS - 1)), UNAVAILABLE);
        assert_eq!(cache.look("a", START.plus_ms(PAUSE_MS)), Answer::Fetch);
    }

    #[test]
    fn a_clock_that_is_set_back_neither_keeps_keys_nor_stops_fetches() {
        let mut cache = warm();
        assert_eq!(cache.look("a", START.plus_ms(-PAUSE_MS)), Answer::Fetch);
        assert_eq!(warm().look("a", START.plus_ms(-MAX_AGE_MS - 1)), Answer::Fetch);
        let mut cache = warm();
        cache.look("a", START.plus_ms(-MAX_AGE_MS - 1));
        assert_eq!(cache.settle("a", START), Err(Refusal::KeysUnavailable));
    }

    #[test]
    fn an_answer_may_shorten_the_time_but_not_prolong_it() {
        let asked = |text: &str| {
            let mut response = Response::new(Bytes::new());
            response.headers_mut().insert(CACHE_CONTROL, text.parse().unwrap());
            lifetime_ms(&response)
        };
        assert_eq!(asked("public, max-age=900"), 900_000);
        assert_eq!(asked("max-age=0"), PAUSE_MS);
        for no_less in ["max-age=14400", "public", "max-age=x", "max-age=9223372036854775807", "s-maxage=5"] {
            assert_eq!(asked(no_less), MAX_LIFETIME_MS, "{no_less}");
        }
        assert_eq!(asked("max-age=-9223372036854775808"), PAUSE_MS);
    }

    proptest! {
        /// Whoever asks for whatever, whenever: a minute passes between one fetch for strangers and the next, and between
        /// one renewal and the next.
        #[test]
        fn neither_strangers_nor_failures_cause_more_than_one_fetch_a_minute_each(
            asks in proptest::collection::vec((0..20_000_i64, "[abxyz]", any::<bool>(), 0..200_000_i64), 1..200),
        ) {
            let (mut cache, mut now) = (warm(), START);
            let mut last = [START.plus_ms(-PAUSE_MS); 2];
            for (pause_ms, kid, arrives, lifetime_ms) in asks {
                now = now.plus_ms(pause_ms);
                if cache.look(&kid, now) == Answer::Fetch {
                    let last = &mut last[usize::from("ab".contains(&kid))];
                    prop_assert!(now.0 - last.0 >= PAUSE_MS);
                    *last = now;
                    if arrives {
                        cache.put(vec![key("a"), key("b")], lifetime_ms, now);
                    }
                    let _ = cache.settle(&kid, now);
                }
            }
        }
    }
}
