//! Limits and amounts as an operator writes them: `workers=600, cron_triggers=400`.

use super::limit::{Amounts, Limit};

/// Why a setting cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a list such as \"workers=3, cron_triggers=1\", each at most once, with whole numbers; known are \
     workers, cron_triggers, durable_object_classes, buckets, memory_gib, vcpu, disk_gb"
)]
pub struct Unreadable;

/// `default` with what `text` says in place of its own.
pub fn read(text: &str, default: Amounts) -> Result<Amounts, Unreadable> {
    let mut amounts = default;
    let mut seen = [None; Limit::ALL.len()];
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (name, number) = item.split_once('=').ok_or(Unreadable)?;
        let limit = Limit::ALL.into_iter().find(|limit| limit.as_str() == name.trim()).ok_or(Unreadable)?;
        if seen.contains(&Some(limit)) {
            return Err(Unreadable);
        }
        // One place for each limit, and no limit twice: there is a free one.
        *seen.iter_mut().find(|place| place.is_none()).ok_or(Unreadable)? = Some(limit);
        let number = number.trim();
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let units: u32 = if digits { number.parse().map_err(|_| Unreadable)? } else { return Err(Unreadable) };
        amounts.set(limit, units.into());
    }
    Ok(amounts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_named_takes_the_place_of_the_default_and_the_rest_stays() {
        let amounts = read(" workers = 600,cron_triggers=0, memory_gib=2,vcpu=3 ,", Amounts::DOCUMENTED).unwrap();
        let expected = Amounts {
            workers: 600,
            cron_triggers: 0,
            memory_quarter_gib: 8,
            vcpu_sixteenths: 48,
            ..Amounts::DOCUMENTED
        };
        assert_eq!(amounts, expected);
        assert_eq!(read("", Amounts::NONE), Ok(Amounts::NONE));
    }

    #[test]
    fn anything_else_is_refused_and_the_complaint_has_every_name() {
        for text in [
            "workers",
            "workers=",
            "workers=-1",
            "workers=1.5",
            "Workers=1",
            "cpus=1",
            "workers=1 2",
            "workers=99999999999",
        ] {
            assert_eq!(read(text, Amounts::NONE), Err(Unreadable), "{text:?}");
        }
        assert_eq!(read("workers=1, workers=1", Amounts::NONE), Err(Unreadable));
        assert!(Limit::ALL.iter().all(|limit| Unreadable.to_string().contains(limit.as_str())));
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_makes_it_fall_over(text in "\\PC{0,40}|([a-z_]{1,9}=[0-9]{0,12},?){0,9}") {
            let _ = read(&text, Amounts::DOCUMENTED);
        }
    }
}
