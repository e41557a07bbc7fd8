//! How much more, or less, something costs.

use std::fmt;

use serde::{Serialize, Serializer};

use super::money::Money;

/// What has to be added to one amount to get another. The only money here that can be below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// So much more; nothing, if the two are the same.
    More(Money),
    /// So much less; never nothing.
    Less(Money),
}

impl Difference {
    /// From `before` to `after`.
    pub fn between(before: Money, after: Money) -> Self {
        if after < before { Self::Less(before - after) } else { Self::More(after - before) }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Less(_) => "-",
            Self::More(_) => "",
        }
    }

    fn amount(self) -> Money {
        match self {
            Self::More(amount) | Self::Less(amount) => amount,
        }
    }
}

impl Difference {
    /// As a sentence of a month's bill: `$13.88 more a month`.
    pub fn in_words(self) -> String {
        match self {
            _ if self.amount().rounded(2) == "0.00" => "The price stays as it is".to_owned(),
            Self::More(amount) => format!("{amount} more a month"),
            Self::Less(amount) => format!("{amount} less a month"),
        }
    }
}

impl fmt::Display for Difference {
    /// As people read it: `+$13.88`, `-$13.88`, `$0.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds_to_nothing = self.amount().rounded(2) == "0.00";
        let sign = match self {
            _ if rounds_to_nothing => "",
            Self::More(_) => "+",
            Self::Less(_) => "-",
        };
        write!(f, "{sign}{}", self.amount())
    }
}

impl Serialize for Difference {
    /// As the exact decimal text, like [`Money`]: `13.87584`, `-13.87584`, `0.00`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}{}", self.sign(), self.amount().exact()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dollars(pico: u128) -> Money {
        Money::from_pico(pico)
    }

    #[test]
    fn a_difference_has_a_sign_unless_there_is_none() {
        let (small, large) = (dollars(27_476_280_000_000), dollars(41_352_120_000_000));
        let read = |before, after| {
            let difference = Difference::between(before, after);
            (difference.to_string(), serde_json::to_value(difference).unwrap().as_str().unwrap().to_owned())
        };
        assert_eq!(read(small, large), ("+$13.88".into(), "13.87584".into()));
        assert_eq!(read(large, small), ("-$13.88".into(), "-13.87584".into()));
        assert_eq!(read(small, small), ("$0.00".into(), "0.00".into()));
        assert_eq!(read(dollars(1), dollars(0)), ("$0.00".into(), "-0.000000000001".into()));
    }

    proptest! {
        #[test]
        fn a_difference_leads_from_one_to_the_other_and_back(before in any::<u64>(), after in any::<u64>()) {
            let (before, after) = (dollars(before.into()), dollars(after.into()));
            match Difference::between(before, after) {
                Difference::More(amount) => prop_assert_eq!(before + amount, after),
                Difference::Less(amount) => {
                    prop_assert!(amount > Money::ZERO);
                    prop_assert_eq!(after + amount, before);
                }
            }
        }
    }
}
