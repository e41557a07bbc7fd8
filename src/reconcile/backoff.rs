//! When a tenant wants its next round after one that did not get it all the way. Pure.

use crate::tenant::Phase;

/// First wait: what Cloudflare needs to show what was just made is a few seconds
/// (right after an upload others poll for a container's namespace every 3 s).
const FIRST_MS: i64 = 3_000;

/// Longest wait of a tenant that somebody waits for.
const LONGEST_MS: i64 = 10 * 60 * 1_000;

/// Longest wait of a deletion. It never gives up, and nobody waits for it.
const LONGEST_DELETING_MS: i64 = 60 * 60 * 1_000;

/// How long to wait after `attempts` rounds that did not get it all the way (1 is the first). Doubles up to a limit, and is
/// no shorter than what Cloudflare asks for (`retry_after_s`); up to a quarter of the former is added by `chance`, so that
/// tenants stopped by one outage do not all come back at once.
pub fn wait_ms(attempts: u32, phase: Phase, retry_after_s: Option<u32>, chance: u8) -> i64 {
    let longest = if phase == Phase::Deleting { LONGEST_DELETING_MS } else { LONGEST_MS };
    let doublings = attempts.saturating_sub(1).min(20);
    let full = FIRST_MS.saturating_mul(1 << doublings).min(longest);
    full.max(i64::from(retry_after_s.unwrap_or(0)) * 1_000) + full / 4 * i64::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let waits: Vec<i64> = (1..=10).map(|attempts| wait_ms(attempts, Phase::Pending, None, 0) / 1_000).collect();
        assert_eq!(waits, [3, 6, 12, 24, 48, 96, 192, 384, 600, 600]);
        assert_eq!(wait_ms(u32::MAX, Phase::Deleting, None, 0), LONGEST_DELETING_MS);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_cloudflare_asks_for_nor_endless(
            attempts in any::<u32>(), asked in proptest::option::of(0u32..100_000), chance in any::<u8>(),
        ) {
            let wait = wait_ms(attempts, Phase::Updating, asked, chance);
            prop_assert!(wait >= i64::from(asked.unwrap_or(0)) * 1_000);
            prop_assert!(wait >= FIRST_MS);
            prop_assert!(wait <= LONGEST_MS.max(i64::from(asked.unwrap_or(0)) * 1_000) + LONGEST_MS / 4);
        }
    }
}
