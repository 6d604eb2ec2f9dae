//! How much a caller wants something: the weights of `Accept` and `Accept-Encoding` (RFC 9110, section 12.4.2).

use http::header::{HeaderMap, HeaderName};

/// What is wanted without saying how much.
pub const WHOLLY: u16 = 1_000;

/// One element of such a header: what it names, and how much it is wanted, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'h> {
    pub named: &'h str,
    pub weight: u16,
}

/// Reads all lines of a header as one list. What is no text is passed over.
pub fn wishes<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = Wish<'h>> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|element| {
        let mut parts = element.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Wish { named, weight: weight.map_or(WHOLLY, thousandths) }
    })
}

/// A weight, `0` to `1` with up to three digits, in thousandths; what is none counts as nothing.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let is_fraction = fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    match whole {
        "1" if is_fraction => WHOLLY,
        "0" if is_fraction => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_nothing_to_one_with_three_digits() {
        for (text, weight) in [
            ("1", 1_000),
            ("1.000", 1_000),
            ("0", 0),
            ("0.5", 500),
            ("0.001", 1),
            ("0.25", 250),
            ("0.0001", 0),
            ("2", 0),
            ("-1", 0),
            ("", 0),
            ("nonsense", 0),
            ("0.x", 0),
            ("NaN", 0),
        ] {
            assert_eq!(thousandths(text), weight, "{text:?}");
        }
    }
}
