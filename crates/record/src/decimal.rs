//! `google.type.Decimal` as a text that sorts as the numbers do.

use std::fmt::Write as _;

/// How many significant digits a decimal has at most.
pub const MAX_DECIMAL_DIGITS: usize = 100;
/// The largest power of ten that the first digit of a decimal stands for, in either direction.
pub const MAX_DECIMAL_EXPONENT: i32 = 1_000;

/// Digits before or behind the point up to which no exponent is written.
const MAX_PLAIN: i32 = 40;
/// Makes exponents positive, so that they sort as texts.
const BIAS: i32 = 5_000;
/// What keys begin with: numbers below zero, zero, and above.
const BELOW: char = '<';
const ZERO: char = '=';
const ABOVE: char = '>';
/// Behind the digits of a number below zero: of two that begin alike the longer one is smaller.
const END: char = '~';

/// Why something is no decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("is not a decimal such as \"-12.50\" or \"1.5E9\"")]
    NoDecimal,
    #[error("has more than {MAX_DECIMAL_DIGITS} significant digits")]
    Digits,
    #[error("is beyond 1E{MAX_DECIMAL_EXPONENT} or nearer to zero than 1E-{MAX_DECIMAL_EXPONENT}")]
    Exponent,
}

/// An exact decimal number: `negative`, then `0.DIGITS` times ten to the `exponent`, without zeros at either end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decimal {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Decimal {
    /// Reads a decimal as google/type/decimal.proto writes it; nothing at all is zero.
    ///
    /// # Errors
    /// Fails on another text, and on more digits or a larger exponent than are stored.
    pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (significand, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((significand, exponent)) => (significand, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_empty = whole.is_empty() && fraction.is_empty();
        if !is_digits(whole) || !is_digits(fraction) || (is_empty && !text.is_empty()) {
            return Err(DecimalError::NoDecimal);
        }
        let shift = exponent.map_or(Ok(0), read_exponent)?;
        let all = [whole, fraction].concat();
        let digits = all.trim_start_matches('0');
        let leading = all.len() - digits.len();
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return Ok(Decimal::default());
        }
        if digits.len() > MAX_DECIMAL_DIGITS {
            return Err(DecimalError::Digits);
        }
        let before_point = i64::try_from(whole.len()).ok().zip(i64::try_from(leading).ok());
        let exponent = before_point.map(|(whole, leading)| whole - leading + shift);
        let limit = i64::from(MAX_DECIMAL_EXPONENT);
        let exponent = exponent.filter(|exponent| (1 - limit..=1 + limit).contains(exponent));
        let exponent = exponent.and_then(|exponent| i32::try_from(exponent).ok()).ok_or(DecimalError::Exponent)?;
        Ok(Decimal { negative: text.starts_with('-'), digits: digits.to_owned(), exponent })
    }

    /// The text that is stored: as texts sort by their bytes, so do the numbers.
    pub fn key(&self) -> String {
        if self.digits.is_empty() {
            return ZERO.to_string();
        }
        let exponent = self.exponent + BIAS;
        if !self.negative {
            return format!("{ABOVE}{exponent:04}.{}", self.digits);
        }
        let digits: String = self.digits.bytes().map(|digit| char::from(b'9' - (digit - b'0'))).collect();
        format!("{BELOW}{:04}.{digits}{END}", 9_999 - exponent)
    }

    /// Reads a text that is stored.
    pub fn from_key(key: &str) -> Option<Decimal> {
        let mut rest = key.chars();
        let negative = match rest.next()? {
            ZERO => return rest.next().is_none().then(Decimal::default),
            ABOVE => false,
            BELOW => true,
            _ => return None,
        };
        let (exponent, digits) = rest.as_str().split_once('.')?;
        let exponent: i32 = exponent.parse().ok()?;
        let digits = if negative { digits.strip_suffix(END)? } else { digits };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if !negative {
            return Some(Decimal { negative, digits: digits.to_owned(), exponent: exponent - BIAS });
        }
        let digits = digits.bytes().map(|digit| char::from(b'9' - (digit - b'0'))).collect();
        Some(Decimal { negative, digits, exponent: 9_999 - exponent - BIAS })
    }
}

/// The number in one spelling: no zeros that say nothing, and an exponent only where there would be many of them.
impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.digits.is_empty() {
            return f.write_char('0');
        }
        if self.negative {
            f.write_char('-')?;
        }
        let count = i32::try_from(self.digits.len()).unwrap_or(i32::MAX);
        let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
        match self.exponent {
            exponent if !(-MAX_PLAIN..=MAX_PLAIN).contains(&exponent) => {
                let (first, rest) = self.digits.split_at(1);
                let point = if rest.is_empty() { "" } else { "." };
                write!(f, "{first}{point}{rest}E{}", exponent - 1)
            }
            exponent if exponent <= 0 => write!(f, "0.{}{}", zeros(-exponent), self.digits),
            exponent if exponent >= count => write!(f, "{}{}", self.digits, zeros(exponent - count)),
            exponent => {
                let (whole, fraction) = self.digits.split_at(usize::try_from(exponent).unwrap_or_default());
                write!(f, "{whole}.{fraction}")
            }
        }
    }
}

/// The digits behind an `E`. What no number can have is beyond what is stored.
fn read_exponent(text: &str) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecimalError::NoDecimal);
    }
    let number: i64 = digits.parse().unwrap_or(i64::from(u32::MAX)).min(i64::from(u32::MAX));
    Ok(if text.starts_with('-') { -number } else { number })
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        Decimal::parse(text).map_or_else(|error| error.to_string(), |decimal| decimal.to_string())
    }

    #[test]
    fn a_decimal_is_shown_in_one_spelling() {
        for (text, shown) in [
            ("", "0"),
            ("0", "0"),
            ("-0.000", "0"),
            ("0E9", "0"),
            ("2.50", "2.5"),
            ("+2.5", "2.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-012.30", "-12.3"),
            ("2.5E8", "250000000"),
            ("2.5e-1", "0.25"),
            ("1E39", "1000000000000000000000000000000000000000"),
            ("1E40", "1E40"),
            ("1234.5E50", "1.2345E53"),
            ("1E-41", "0.00000000000000000000000000000000000000001"),
            ("1E-42", "1E-42"),
            ("1E1000", "1E1000"),
            ("-9.99E-1000", "-9.99E-1000"),
        ] {
            assert_eq!(read(text), shown, "{text}");
            assert_eq!(read(shown), shown, "what is shown is read");
        }
    }

    #[test]
    fn what_is_no_decimal_or_too_large_is_refused() {
        for text in
            ["a", ".", "+", "1.2.3", "1e", "e5", "1 ", " 1", "1,5", "0x1", "Infinity", "NaN", "--1", "1e1.5", "٣"]
        {
            assert_eq!(Decimal::parse(text), Err(DecimalError::NoDecimal), "{text}");
        }
        for text in ["1E1001", "1E-1001", "10E1000", "1E99999999999999999999", "1E-99999999999999999999"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Exponent), "{text}");
        }
        assert!(Decimal::parse(&"9".repeat(MAX_DECIMAL_DIGITS)).is_ok());
        assert_eq!(Decimal::parse(&"9".repeat(MAX_DECIMAL_DIGITS + 1)), Err(DecimalError::Digits));
        assert!(Decimal::parse(&format!("1{}", "0".repeat(900))).is_ok(), "zeros at the end are no digits");
    }

    /// Compares two decimals with at most eight digits on either side of the point as integers.
    fn compared(left: (i64, u32), right: (i64, u32)) -> Ordering {
        let scaled = |(number, scale): (i64, u32)| i128::from(number) * 10i128.pow(8 - scale);
        scaled(left).cmp(&scaled(right))
    }

    fn written((number, scale): (i64, u32)) -> String {
        format!("{number}E-{scale}")
    }

    proptest! {
        #[test]
        fn keys_sort_as_the_numbers_do(
            left in (-2_000_000i64..2_000_000, 0u32..=8), right in (-2_000i64..2_000, 0u32..=8)
        ) {
            let [one, other] = [left, right].map(|it| Decimal::parse(&written(it)).unwrap());
            prop_assert_eq!(one.key().cmp(&other.key()), compared(left, right), "{} {}", one, other);
            prop_assert_eq!(Decimal::from_key(&one.key()), Some(one.clone()));
            prop_assert_eq!(Decimal::parse(&one.to_string()), Ok(one));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+]?[0-9.]{0,12}([eE][-+]?[0-9]{0,5})?") {
            if let Ok(decimal) = Decimal::parse(&text) {
                prop_assert_eq!(Decimal::from_key(&decimal.key()), Some(decimal.clone()));
                prop_assert_eq!(Decimal::parse(&decimal.to_string()), Ok(decimal));
            }
        }
    }
}
