//! Amounts of US dollars.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use serde::{Serialize, Serializer};

const PICO_PER_DOLLAR: u128 = 1_000_000_000_000;

/// An amount in pico-dollars (10⁻¹² $), the unit in which every price below is whole. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money {
    pico: u128,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self { pico: 0 };

    /// `pico` pico-dollars.
    pub const fn from_pico(pico: u128) -> Self {
        Self { pico }
    }

    /// `quantity` units at this price each.
    pub const fn times(self, quantity: u128) -> Self {
        Self { pico: self.pico.saturating_mul(quantity) }
    }

    /// The amount in whole cents, half rounded up.
    pub fn cents(self) -> u64 {
        let cent = PICO_PER_DOLLAR / 100;
        u64::try_from(self.pico.saturating_add(cent / 2) / cent).unwrap_or(u64::MAX)
    }

    /// The exact amount as a decimal number of dollars with at least two digits after the point: `27.47628`, `5.00`.
    pub fn exact(self) -> String {
        let fraction = format!("{:012}", self.pico % PICO_PER_DOLLAR);
        let trimmed = fraction.trim_end_matches('0');
        let digits = trimmed.len().max(2);
        format!("{}.{}", self.pico / PICO_PER_DOLLAR, fraction.get(..digits).unwrap_or(&fraction))
    }

    /// The amount with `digits` (1 to 12) after the point, half rounded up: what people read.
    pub fn rounded(self, digits: u32) -> String {
        let unit = 10u128.pow(12 - digits.clamp(1, 12));
        let units = self.pico.saturating_add(unit / 2) / unit;
        let per_dollar = PICO_PER_DOLLAR / unit;
        format!("{}.{:0width$}", units / per_dollar, units % per_dollar, width = digits.clamp(1, 12) as usize)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { pico: self.pico.saturating_add(other.pico) }
    }
}

impl Sub for Money {
    type Output = Self;
    /// Stops at zero.
    fn sub(self, other: Self) -> Self {
        Self { pico: self.pico.saturating_sub(other.pico) }
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.rounded(2))
    }
}

impl Serialize for Money {
    /// As the exact decimal text: a JSON number would be read as a float.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.exact())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(Money::from_pico(27_476_280_000_000).exact(), "27.47628");
        assert_eq!(Money::from_pico(27_476_280_000_000).rounded(3), "27.476");
        assert_eq!(Money::from_pico(5_000_000_000_000).exact(), "5.00");
        assert_eq!(Money::from_pico(1_995_000_000_000).to_string(), "$2.00");
        assert_eq!(Money::from_pico(1).exact(), "0.000000000001");
        assert_eq!(Money::ZERO.exact(), "0.00");
    }

    proptest! {
        #[test]
        fn the_exact_text_loses_nothing(pico in 0..u128::from(u64::MAX)) {
            let text = Money::from_pico(pico).exact();
            let (whole, fraction) = text.split_once('.').unwrap();
            let back = whole.parse::<u128>().unwrap() * PICO_PER_DOLLAR
                + format!("{fraction:0<12}").parse::<u128>().unwrap();
            prop_assert_eq!(back, pico);
        }
    }
}
