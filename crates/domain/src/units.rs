//! Units and conversions. Quantities are scaled integers; a float appears only where a format writes decimals.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// Makes a wrapped unit with the arithmetic that amounts have.
macro_rules! unit {
    ($(#[$outer:meta])* $name:ident) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// The difference, or zero if `other` is more.
            pub fn saturating_sub(self, other: Self) -> Self {
                $name(self.0.saturating_sub(other.0))
            }
        }

        impl Add for $name {
            type Output = $name;
            fn add(self, other: Self) -> Self {
                $name(self.0.saturating_add(other.0))
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                amounts.fold($name(0), Add::add)
            }
        }
    };
}

unit! {
    /// Quarters of a TEU (twenty-foot equivalent unit): 4 for 20 ft, 8 for 40 ft, 9 for 45 ft.
    TeuQuarters
}
unit! {
    /// Tenths of a metre, for lengths along quays and trains.
    Decimetres
}
unit! {
    /// Hundredths of a metre, for draughts, levels and vessels.
    Centimetres
}
unit! {
    /// Kilograms.
    Kilograms
}

impl fmt::Display for TeuQuarters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, quarters) = (self.0 / 4, self.0 % 4);
        let decimals = ["", ".25", ".5", ".75"][quarters as usize];
        write!(f, "{whole}{decimals} TEU")
    }
}

impl fmt::Display for Decimetres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} m", self.0 / 10, self.0 % 10)
    }
}

impl fmt::Display for Centimetres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} m", self.0 / 100, self.0 % 100)
    }
}

impl fmt::Display for Kilograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} t", self.0 / 1000, self.0 % 1000)
    }
}

impl Decimetres {
    /// From metres, to the nearest; None below zero, above what fits, and for what is no number.
    pub fn from_metres(metres: f64) -> Option<Self> {
        scaled(metres, 10.0).map(Decimetres)
    }
}

impl Centimetres {
    /// From metres, to the nearest; None below zero, above what fits, and for what is no number.
    pub fn from_metres(metres: f64) -> Option<Self> {
        scaled(metres, 100.0).map(Centimetres)
    }
}

impl From<Decimetres> for Centimetres {
    fn from(length: Decimetres) -> Self {
        Centimetres(length.0.saturating_mul(10))
    }
}

fn scaled(value: f64, factor: f64) -> Option<u32> {
    let amount = (value * factor).round();
    (amount >= 0.0 && amount <= f64::from(u32::MAX)).then_some(amount as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_in_the_units_that_people_use() {
        assert_eq!(TeuQuarters(9).to_string(), "2.25 TEU");
        assert_eq!(TeuQuarters(8).to_string(), "2 TEU");
        assert_eq!(Decimetres(6803).to_string(), "680.3 m");
        assert_eq!(Centimetres(280).to_string(), "2.80 m");
        assert_eq!(Kilograms(30_480).to_string(), "30.480 t");
    }

    #[test]
    fn metres_are_rounded_and_nonsense_is_none() {
        assert_eq!(Centimetres::from_metres(12.5), Some(Centimetres(1250)));
        assert_eq!(Decimetres::from_metres(245.45), Some(Decimetres(2455)));
        for wrong in [-0.1, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(Centimetres::from_metres(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn amounts_add_and_stop_at_their_ends() {
        let sum: TeuQuarters = [TeuQuarters(4), TeuQuarters(9)].into_iter().sum();
        assert_eq!(sum, TeuQuarters(13));
        assert_eq!(
            TeuQuarters(3).saturating_sub(TeuQuarters(4)),
            TeuQuarters(0)
        );
        assert_eq!(Kilograms(u32::MAX) + Kilograms(1), Kilograms(u32::MAX));
    }
}
