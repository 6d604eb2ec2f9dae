//! Pauses that differ a little each time.

use std::time::Duration;

/// A pause that is shorter or longer by up to a tenth, drawn by chance.
pub(super) fn about(pause: Duration) -> Duration {
    let drawn = u16::from_be_bytes(mainstay_keys::random().unwrap_or_default());
    pause.mul_f64(0.9 + 0.2 * f64::from(drawn) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_differs_by_a_tenth_at_most() {
        let pauses: Vec<Duration> = (0..1_000).map(|_| about(Duration::from_secs(100))).collect();
        let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*least >= Duration::from_secs(90) && *most <= Duration::from_secs(110), "{least:?} {most:?}");
        assert!(*most - *least > Duration::from_secs(10), "{least:?} {most:?}");
    }
}
