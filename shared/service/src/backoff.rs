//! The one retry policy: exponential backoff with full jitter.

use std::time::Duration;

use galaxy_core::entropy;
use rand::RngExt;

/// Waits between tries: each drawn from zero up to a ceiling that doubles from `min` to `max`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    min: Duration,
    max: Duration,
}

impl Backoff {
    /// `min` is the first ceiling, `max` the last; `min` is cut to `max` if it is larger.
    pub const fn new(min: Duration, max: Duration) -> Self {
        let min = if min.as_nanos() < max.as_nanos() {
            min
        } else {
            max
        };
        Self { min, max }
    }

    /// The ceiling of the wait after `attempt` failures, counted from 1.
    pub fn ceiling(self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(30);
        self.min.saturating_mul(1 << doublings).min(self.max)
    }

    /// The wait after `attempt` failures: somewhere between half the ceiling and the ceiling, so that retries
    /// neither gather in one instant nor come at once.
    pub fn delay(self, attempt: u32) -> Duration {
        self.ceiling(attempt)
            .mul_f64(entropy::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_and_stops_at_its_maximum() {
        let backoff = Backoff::new(Duration::from_secs(10), Duration::from_mins(1));
        let ceilings: Vec<_> = (1..=5).map(|n| backoff.ceiling(n).as_secs()).collect();
        assert_eq!(ceilings, [10, 20, 40, 60, 60]);
        assert_eq!(backoff.ceiling(u32::MAX).as_secs(), 60);
        assert!((1..100).all(|n| backoff.delay(n) <= backoff.ceiling(n)));
    }
}
