//! Numbers that are compared with 32-bit floats.

/// The number that a `float` field holds where it is given this one: what it shows as `0.1` is stored as the double
/// nearest to it with 24 binary digits, so a constant must be rounded in the same way to be found.
///
/// A number beyond all floats stays as it is: such a field refuses it, so nothing is equal to it, infinity included.
pub(crate) fn narrowed(number: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what a float is for")]
    let float = number as f32;
    // Adding a positive zero turns −0 into 0, which is how it is stored.
    if float.is_infinite() && number.is_finite() { number } else { f64::from(float) + 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_rounded_as_a_float_field_rounds_it() {
        assert_eq!(narrowed(0.1).to_bits(), f64::from(0.1_f32).to_bits());
        assert_eq!(narrowed(16_777_217.0), 16_777_216.0);
        assert_eq!(narrowed(f64::from(f32::MAX)), f64::from(f32::MAX));
        assert_eq!(narrowed(1e300), 1e300);
        assert_eq!(narrowed(f64::INFINITY), f64::INFINITY);
        assert!(narrowed(-1e-300).is_sign_positive());
    }
}
