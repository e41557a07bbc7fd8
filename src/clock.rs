//! Time, as a parameter.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// The last millisecond of the year 9999, beyond which RFC 3339 does not go.
const LAST_MS: u64 = 253_402_300_799_999;

/// A day in milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads an RFC 3339 time in UTC such as `2026-01-01T00:00:00.000Z`; what is finer than a millisecond is cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let since_epoch = humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_millis()).ok().map(Self)
    }

    /// This time and `ms` milliseconds more; stops at the end of the range instead of wrapping.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with milliseconds; the number itself for a time before 1970 or beyond the year 9999.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0) {
            Ok(ms @ ..=LAST_MS) => humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).fmt(f),
            _ => self.0.fmt(f),
        }
    }
}

/// Where the time comes from. Nothing in the plane asks the system clock by itself.
pub trait Clock: Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// Lets at least `ms` milliseconds pass.
    fn sleep(&self, ms: i64) -> BoxFuture<'_, ()>;
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves the clock by `ms`; a negative value moves it back.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    /// Moves the clock itself, and lets whatever else is under way have a turn.
    fn sleep(&self, ms: i64) -> BoxFuture<'_, ()> {
        let mut has_moved = false;
        Box::pin(poll_fn(move |context| {
            if std::mem::replace(&mut has_moved, true) {
                return Poll::Ready(());
            }
            self.advance_ms(ms);
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds_and_read_back() {
        let time = Timestamp(1_767_225_600_007);
        assert_eq!(time.to_string(), "2026-01-01T00:00:00.007Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        assert_eq!(Timestamp::parse("2026-01-01T00:00:00.0079+00:00"), Some(time));
        assert_eq!(Timestamp::parse("2026-01-01T00:00:00.007999999Z"), Some(time));
        assert_eq!(Timestamp::parse("2026-01-01T00:00:00Z"), Some(Timestamp(1_767_225_600_000)));
    }

    #[test]
    fn a_time_that_no_calendar_of_ours_has_is_written_as_its_number() {
        let last = Timestamp(253_402_300_799_999);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        for time in [last.plus_ms(1), Timestamp(-1), Timestamp(i64::MAX)] {
            assert_eq!(time.to_string(), time.0.to_string());
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "2026-01-01", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "yesterday"] {
            assert_eq!(Timestamp::parse(text), None, "{text:?}");
        }
    }
}
