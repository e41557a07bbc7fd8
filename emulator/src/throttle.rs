//! Cloudflare's limit on calls: so many in a window, and over it nothing at all for a while.

/// So many calls in a window. Cloudflare's own (fundamentals, "Rate limits", 2026-04-20): 1,200 in 5 minutes, then 5 minutes of 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls that a window allows.
    pub calls: u32,
    /// Length of the window, from its first call, in milliseconds.
    pub window_ms: i64,
    /// How long everything is refused once the window is overdrawn, in milliseconds.
    pub block_ms: i64,
}

impl RateLimit {
    /// What Cloudflare documents.
    pub const CLOUDFLARE: Self = Self { calls: 1200, window_ms: 300_000, block_ms: 300_000 };
}

/// Where the account stands.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    window_start: Option<i64>,
    used: u32,
    blocked_until: Option<i64>,
}

/// What the limit says to a call.
pub(crate) enum Verdict {
    /// Pass, with so many calls left and so many seconds until the window starts again.
    Pass { left: u32, reset: i64 },
    /// Refuse; try again after so many seconds.
    Refuse { retry_after: i64 },
}

impl Throttle {
    pub(crate) fn take(&mut self, limit: RateLimit, now: i64) -> Verdict {
        if let Some(until) = self.blocked_until {
            if now < until {
                return Verdict::Refuse { retry_after: seconds(until - now) };
            }
            *self = Self::default();
        }
        let start = match self.window_start {
            Some(start) if now - start < limit.window_ms => start,
            _ => {
                self.used = 0;
                now
            }
        };
        self.window_start = Some(start);
        if self.used >= limit.calls {
            self.blocked_until = Some(now + limit.block_ms);
            return Verdict::Refuse { retry_after: seconds(limit.block_ms) };
        }
        self.used += 1;
        Verdict::Pass { left: limit.calls - self.used, reset: seconds(start + limit.window_ms - now) }
    }
}

/// Whole seconds, rounded up: a client that waits that long must find the way free.
fn seconds(ms: i64) -> i64 {
    ms.max(0).saturating_add(999) / 1000
}
