//! How long, how much, how many.

use paramita::capacity::{Amounts, Limit, setting};
use paramita::cost::{HoursPerDay, Money, Percent, Preset};
use paramita::tenant::SleepAfter;
use paramita::tenant::sleep::MAX_SECONDS;

use crate::{assert_is_said, text};

/// A duration is kept as it was written, and is one that the plane's own arithmetic agrees with.
pub fn durations(data: &[u8]) {
    let text = text(data);
    match SleepAfter::parse(text) {
        Ok(sleep) => {
            assert_eq!(sleep.to_string(), text);
            if let SleepAfter::Idle { amount, unit } = sleep {
                let each = u64::from(match unit {
                    'h' => 3_600_u32,
                    'm' => 60,
                    _ => 1,
                });
                assert!((1..=u64::from(MAX_SECONDS)).contains(&(u64::from(amount) * each)), "{text}");
            }
            let json = serde_json::to_string(&sleep).unwrap_or_default();
            assert_eq!(serde_json::from_str::<SleepAfter>(&json).ok(), Some(sleep), "{json}");
        }
        Err(error) => assert_is_said(&error.to_string(), 200),
    }
}

/// Whole numbers of a range, and presets.
pub fn numbers(data: &[u8]) {
    let text = text(data);
    let wide = Some(text).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    // As many zeros in front as one likes.
    let wide = wide.map(|text| text.trim_start_matches('0')).filter(|text| text.len() < 18);
    let number = wide.map(|text| text.parse::<u64>().unwrap_or(0));
    let within = |most| number.filter(|number| *number <= most);
    for (read, most) in
        [(Percent::parse(text).map(Percent::get), 100), (HoursPerDay::parse(text).map(HoursPerDay::get), 24)]
    {
        assert_eq!(read.ok().map(u64::from), within(most), "{text}");
        if let Err(error) = read {
            assert_is_said(&error.to_string(), 100);
        }
    }
    match Preset::parse(text) {
        Ok(preset) => assert_eq!(preset.to_string(), text),
        Err(error) => assert_is_said(&error.to_string(), 100),
    }
}

/// An amount of money is written as exactly what it is, and rounded no further than half a unit.
pub fn money(data: &[u8]) {
    let mut bytes = [0; 16];
    for (byte, given) in bytes.iter_mut().zip(data) {
        *byte = *given;
    }
    let pico = u128::from_le_bytes(bytes);
    let money = Money::from_pico(pico);
    let read = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or_default();
        assert!((2..=12).contains(&fraction.len()), "{text}");
        let whole: u128 = whole.parse().unwrap_or(u128::MAX);
        whole.saturating_mul(1_000_000_000_000).saturating_add(format!("{fraction:0<12}").parse().unwrap_or(u128::MAX))
    };
    assert_eq!(read(&money.exact()), pico);
    let off = read(&money.rounded(2)).abs_diff(pico);
    assert!(off <= 5_000_000_000, "{off} off {pico}");
    assert!(money + money >= money && Money::ZERO - money == Money::ZERO && money.times(3) >= money);
}

/// Limits of an account: those that are named, and no others.
pub fn capacity(data: &[u8]) {
    let text = text(data);
    match setting::read(text, Amounts::DOCUMENTED) {
        Ok(amounts) => {
            let named = |limit: Limit| text.split([',', '=']).any(|word| word.trim() == limit.as_str());
            let kept = setting::read(text, Amounts::NONE);
            for limit in Limit::ALL {
                let alone = Amounts::DOCUMENTED;
                let is_default = amounts.of(limit) == alone.of(limit);
                assert!(named(limit) || is_default, "{limit:?} changed by {text}");
                assert_eq!(kept.map(|kept| named(limit) && kept.of(limit) == amounts.of(limit)), Ok(named(limit)));
            }
        }
        Err(error) => assert_is_said(&error.to_string(), 250),
    }
}
