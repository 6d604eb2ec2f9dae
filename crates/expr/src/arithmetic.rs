//! Arithmetic that comes to the same on both engines and in memory.
//!
//! Integers, moments and durations are computed exactly, and what is beyond their range is NULL, as is what is divided by
//! zero. Doubles are computed as IEEE 754 says, on operands whose size leaves no room for an overflow or an underflow, which
//! one engine fails on: beyond [`GREATEST`], and nearer to zero than [`LEAST`], the result is NULL.

use std::ops::RangeInclusive;

use mainstay_record::time::{Date, MAX_DURATION_SECONDS, TIME_RANGE_US, Timestamp};

/// What becomes of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArithmeticOp {
    Add,
    Subtract,
    Multiply,
    /// Of integers: towards zero.
    Divide,
    /// Of integers alone: with the sign of the left.
    Remainder,
}

/// What the result of arithmetic is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Numbers {
    /// 64 bits.
    Integer,
    /// A moment that a timestamp may hold, in microseconds.
    Time,
    /// A duration that protobuf allows, in microseconds.
    Duration,
    Double,
}

/// The greatest size of an operand of floating-point arithmetic.
pub const GREATEST: f64 = 1e150;
/// The least size of one that is not zero.
pub const LEAST: f64 = 1e-150;

impl Numbers {
    /// The least and the greatest integer; of doubles there is none.
    pub fn range(self) -> RangeInclusive<i64> {
        const LONGEST: i64 = MAX_DURATION_SECONDS * 1_000_000;
        match self {
            Numbers::Integer | Numbers::Double => i64::MIN..=i64::MAX,
            Numbers::Time => TIME_RANGE_US,
            Numbers::Duration => -LONGEST..=LONGEST,
        }
    }

    /// The integer, where it is one of these.
    pub fn fit(self, number: i128) -> Option<i64> {
        i64::try_from(number).ok().filter(|number| self.range().contains(number))
    }
}

/// Computes integers.
pub fn integers(op: ArithmeticOp, left: i64, right: i64, within: Numbers) -> Option<i64> {
    let (a, b) = (i128::from(left), i128::from(right));
    let quotient = || (b != 0).then(|| a / b).and_then(|quotient| within.fit(quotient));
    match op {
        ArithmeticOp::Add => within.fit(a + b),
        ArithmeticOp::Subtract => within.fit(a - b),
        ArithmeticOp::Multiply => within.fit(a * b),
        ArithmeticOp::Divide => quotient(),
        // As CEL has it, where the quotient is no 64-bit integer, there is no remainder either.
        ArithmeticOp::Remainder => quotient().and_then(|_| within.fit(a % b)),
    }
}

/// Computes doubles.
pub fn doubles(op: ArithmeticOp, left: f64, right: f64) -> Option<f64> {
    let fits = |operand: f64| operand == 0.0 || (LEAST..=GREATEST).contains(&operand.abs());
    if !fits(left) || !fits(right) {
        return None;
    }
    match op {
        ArithmeticOp::Add => Some(left + right),
        ArithmeticOp::Subtract => Some(left - right),
        ArithmeticOp::Multiply => Some(left * right),
        ArithmeticOp::Divide => (right != 0.0).then(|| left / right),
        ArithmeticOp::Remainder => None,
    }
}

/// The date in UTC of a moment, as dates are stored.
pub fn date_of(micros: i64) -> Option<i64> {
    Timestamp::from_micros(micros).date().map(Date::number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_among_the_numbers_is_nothing() {
        use ArithmeticOp::{Add, Divide, Multiply, Remainder, Subtract};
        let computed = |op, a, b| integers(op, a, b, Numbers::Integer);
        assert_eq!(computed(Add, i64::MAX, 0), Some(i64::MAX));
        assert_eq!(computed(Add, i64::MAX, 1), None);
        assert_eq!(computed(Subtract, 0, i64::MIN), None);
        assert_eq!(computed(Multiply, i64::MAX, 2), None);
        assert_eq!((computed(Divide, -7, 2), computed(Remainder, -7, 2)), (Some(-3), Some(-1)));
        assert_eq!((computed(Divide, 7, 0), computed(Remainder, 7, 0)), (None, None));
        assert_eq!((computed(Divide, i64::MIN, -1), computed(Remainder, i64::MIN, -1)), (None, None));
        assert_eq!(integers(Add, *TIME_RANGE_US.end(), 1, Numbers::Time), None);
        assert_eq!(integers(Subtract, 0, 1, Numbers::Time), Some(-1));
    }

    #[test]
    fn doubles_that_an_engine_would_fail_on_are_nothing() {
        use ArithmeticOp::{Add, Divide, Multiply};
        assert_eq!(doubles(Multiply, 0.1, 3.0), Some(0.1 * 3.0));
        assert_eq!(doubles(Divide, 1.0, 0.0), None);
        assert_eq!(doubles(Add, f64::INFINITY, 1.0), None);
        assert_eq!(doubles(Multiply, 1e300, 1.0), None);
        assert_eq!(doubles(Multiply, 1e-300, 1.0), None);
        assert!(doubles(Divide, 1e150, 1e-150).is_some_and(f64::is_finite));
    }

    #[test]
    fn a_moment_lies_on_the_day_that_begins_before_it() {
        assert_eq!(date_of(0), Some(19_700_101));
        assert_eq!(date_of(-1), Some(19_691_231));
        assert_eq!(date_of(*TIME_RANGE_US.start()), Some(10_101));
        assert_eq!(date_of(*TIME_RANGE_US.end()), Some(99_991_231));
        assert_eq!(date_of(*TIME_RANGE_US.end() + 1), None);
    }
}
