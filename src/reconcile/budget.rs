//! How many calls the plane makes to the Cloudflare API. Pure.
//!
//! Cloudflare takes 1,200 calls in five minutes from one token, then refuses every call for the next five
//! (developers.cloudflare.com/fundamentals/api/reference/limits). All tenants share the allowance, so calls are booked
//! before they are made, in one row of the database: a token bucket in the form of the time until which everything booked
//! is paid for at the steady pace (the generic cell rate algorithm). A booking may be that far ahead of the present as
//! the burst allows; what is beyond is told when its turn comes. Bookings are served in the order in which they were
//! made, so nobody starves.

/// The plane's share of the account's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most calls in any window. What is left of Cloudflare's limit is for people.
    pub calls: u32,
    /// The window in milliseconds.
    pub window_ms: i64,
}

/// A booked call that is not made for so long after its turn is forfeit: piled up, such calls would be made all at once.
pub const BOOKING_HOLDS_MS: i64 = 30_000;

/// Most calls that a round books at a time, so that one tenant with much to do does not hold up all others.
const CALLS_AT_A_TIME: u32 = 60;

/// The smallest budget: a fifth of it is more than any stage of a plan needs.
pub const LEAST_CALLS: u32 = 50;

/// How long the plane keeps still when Cloudflare refuses with 429 and does not say for how long: as long as its block
/// lasts.
pub const BLOCK_S: u32 = 300;

impl Default for Budget {
    fn default() -> Self {
        Self { calls: 1_000, window_ms: 300_000 }
    }
}

impl Budget {
    /// A fifth may be made at once, so that a few sign-ups need not wait; the rest flows steadily.
    fn burst(self) -> i64 {
        i64::from(self.calls / 5).max(1)
    }

    /// How long `calls` calls take at the steady pace, in milliseconds, rounded up.
    pub fn cost_ms(self, calls: u32) -> i64 {
        let steady = (i64::from(self.calls) - self.burst()).max(1);
        let cost = i64::from(calls).saturating_mul(self.window_ms);
        cost.saturating_add(steady - 1) / steady
    }

    /// How many calls could be made at `now_ms` at once, when what is booked is paid for at `booked_until_ms`.
    pub fn calls_left(self, booked_until_ms: i64, now_ms: i64) -> u32 {
        let free_ms = self.burst_ms().saturating_sub(booked_until_ms.saturating_sub(now_ms).max(0)).max(0);
        let steady = (i64::from(self.calls) - self.burst()).max(1);
        let calls = free_ms.saturating_mul(steady).checked_div(self.window_ms).unwrap_or_default();
        u32::try_from(calls).unwrap_or(u32::MAX)
    }

    /// Most calls to be booked at a time; more than a burst at once would overrun the window.
    pub fn calls_at_a_time(self) -> u32 {
        CALLS_AT_A_TIME.min(self.calls / 5)
    }

    /// How far bookings may run ahead of the present, in milliseconds.
    pub fn burst_ms(self) -> i64 {
        self.cost_ms(u32::try_from(self.burst()).unwrap_or(u32::MAX))
    }

    /// The same for what nobody waits for, so that it never takes what a sign-up needs.
    pub fn background_burst_ms(self) -> i64 {
        self.burst_ms() / 2
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Books like the database does.
    fn book(booked_until: &mut i64, budget: Budget, calls: u32, now: i64) -> i64 {
        *booked_until = (*booked_until).max(now) + budget.cost_ms(calls);
        (*booked_until - budget.burst_ms()).max(now)
    }

    proptest! {
        #[test]
        fn what_is_left_can_be_made_at_once_and_one_more_cannot(ahead in -1_000i64..100_000, calls in LEAST_CALLS..1_200) {
            let budget = Budget { calls, window_ms: 30_000 };
            let (now, booked_until) = (1_000_000, 1_000_000 + ahead);
            let left = budget.calls_left(booked_until, now);
            if left > 0 {
                prop_assert_eq!(book(&mut booked_until.clone(), budget, left, now), now);
            }
            prop_assert!(book(&mut booked_until.clone(), budget, left + 1, now) > now);
        }
    }

    #[test]
    fn a_fifth_at_once_and_then_a_steady_flow() {
        let budget = Budget::default();
        let mut booked = 0;
        assert_eq!(book(&mut booked, budget, 200, 1_000), 1_000);
        // 800 more in the rest of the five minutes.
        assert_eq!(book(&mut booked, budget, 1, 1_000), 1_375);
        assert_eq!(budget.cost_ms(800), 300_000);
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_calls_than_the_budget(
            calls in LEAST_CALLS..1_200,
            bookings in proptest::collection::vec((1u32..=10, 0i64..2_000), 1..300),
        ) {
            let budget = Budget { calls, window_ms: 30_000 };
            let (mut booked, mut now) = (0, 1_000_000);
            let mut made: Vec<(i64, u32)> = Vec::new();
            for (count, later) in bookings {
                now += later;
                let at = book(&mut booked, budget, count, now);
                prop_assert!(made.last().is_none_or(|(last, _)| at >= *last), "served in order");
                made.push((at, count));
            }
            for (start, _) in &made {
                let in_window = made.iter().filter(|(at, _)| (*start..start + budget.window_ms).contains(at));
                prop_assert!(in_window.map(|(_, count)| count).sum::<u32>() <= calls);
            }
        }
    }
}
