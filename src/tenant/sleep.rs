//! How long a container waits without work before it sleeps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest wait that can be asked for: seven days, in seconds. Beyond it, `never` says what is meant.
pub const MAX_SECONDS: u32 = 7 * 24 * 60 * 60;

/// When an idle container goes to sleep; asleep it costs nothing. Kept as it was written: `90m` stays `90m`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SleepAfter {
    /// It does not.
    Never,
    /// After so long.
    Idle {
        /// How many units.
        amount: u32,
        /// `s`, `m` or `h`.
        unit: char,
    },
}

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be \"never\" or a whole number of seconds, minutes or hours such as \"30s\", \"10m\", \"1h\", at most 7 days"
)]
pub struct SleepError;

impl SleepAfter {
    /// Reads `never`, `30s`, `10m`, `1h`.
    pub fn parse(text: &str) -> Result<Self, SleepError> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let unit = text.chars().last().ok_or(SleepError)?;
        let seconds_each = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            _ => return Err(SleepError),
        };
        let digits = text.get(..text.len() - 1).ok_or(SleepError)?;
        let plain = !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        let amount: u32 = if plain { digits.parse().map_err(|_| SleepError)? } else { return Err(SleepError) };
        match amount.checked_mul(seconds_each) {
            Some(seconds) if seconds <= MAX_SECONDS => Ok(Self::Idle { amount, unit }),
            _ => Err(SleepError),
        }
    }
}

impl fmt::Display for SleepAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Idle { amount, unit } => write!(f, "{amount}{unit}"),
        }
    }
}

impl TryFrom<String> for SleepAfter {
    type Error = SleepError;
    fn try_from(text: String) -> Result<Self, SleepError> {
        Self::parse(&text)
    }
}

impl From<SleepAfter> for String {
    fn from(sleep: SleepAfter) -> Self {
        sleep.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_keep_the_spelling_they_came_with() {
        for text in ["never", "30s", "10m", "1h", "90m", "168h", "604800s"] {
            assert_eq!(SleepAfter::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "m", "10", "0s", "010m", "-1m", "1.5h", "1d", "169h", "99999999999h", "1 h", "Never", "１h", "1ｈ"]
        {
            assert_eq!(SleepAfter::parse(text), Err(SleepError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_back_the_same(text in "\\PC{0,12}") {
            if let Ok(sleep) = SleepAfter::parse(&text) {
                prop_assert_eq!(sleep.to_string(), text);
            }
        }
    }
}
