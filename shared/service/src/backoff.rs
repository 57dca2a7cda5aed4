//! The one retry policy: exponential backoff with equal jitter, that is, half of each wait is fixed and half is random.

use std::time::Duration;

use galaxy_core::entropy;
use rand::RngExt;

/// Waits between attempts: each is drawn between half of a ceiling and the ceiling, which doubles from `min` to `max`.
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

    /// The wait after `attempt` failures: evenly distributed between half the ceiling and the ceiling. The random half keeps
    /// clients from retrying at the same time, the fixed half keeps a retry from following at once.
    pub fn delay(self, attempt: u32) -> Duration {
        self.ceiling(attempt)
            .mul_f64(entropy::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ceiling_doubles_and_stops_at_its_maximum() {
        let backoff = Backoff::new(Duration::from_secs(10), Duration::from_mins(1));
        let ceilings: Vec<_> = (1..=5).map(|n| backoff.ceiling(n).as_secs()).collect();
        assert_eq!(ceilings, [10, 20, 40, 60, 60]);
        assert_eq!(backoff.ceiling(u32::MAX).as_secs(), 60);
        assert_eq!(backoff.ceiling(0), backoff.ceiling(1));
    }

    #[test]
    fn waits_differ_and_use_both_ends_of_their_range() {
        let backoff = Backoff::new(Duration::from_secs(10), Duration::from_secs(10));
        let waits: Vec<_> = (0..200).map(|_| backoff.delay(1).as_secs_f64()).collect();
        assert!(waits.iter().any(|wait| *wait < 6.0), "the lowest fifth");
        assert!(waits.iter().any(|wait| *wait > 9.0), "the highest fifth");
    }

    proptest! {
        #[test]
        fn every_wait_is_between_half_its_ceiling_and_the_ceiling(
            min_ms in 0..100_000_u64,
            max_ms in 0..10_000_000_u64,
            attempt: u32,
        ) {
            let (min, max) = (Duration::from_millis(min_ms), Duration::from_millis(max_ms));
            let backoff = Backoff::new(min, max);
            let (ceiling, wait) = (backoff.ceiling(attempt), backoff.delay(attempt));
            // `mul_f64` rounds to nanoseconds.
            let rounding = Duration::from_nanos(1);
            prop_assert!(wait + rounding >= ceiling / 2 && wait <= ceiling + rounding);
            prop_assert!(min.min(max) <= ceiling && ceiling <= max);
            prop_assert!(ceiling <= backoff.ceiling(attempt.saturating_add(1)));
        }
    }
}
