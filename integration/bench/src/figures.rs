//! Percentiles of a round, and medians over rounds.

use std::time::Duration;

/// The durations of one round, in milliseconds, sorted.
pub struct Figures(Vec<f64>);

impl Figures {
    /// Sorts what was measured in milliseconds.
    pub fn of_milliseconds(mut ms: Vec<f64>) -> Self {
        ms.sort_by(f64::total_cmp);
        Self(ms)
    }

    /// Sorts what was measured.
    pub fn of(durations: &[Duration]) -> Self {
        Self::of_milliseconds(
            durations
                .iter()
                .map(|d| d.as_secs_f64() * 1_000.0)
                .collect(),
        )
    }

    /// The value that `percent` of 100 do not exceed; 0 if nothing was measured.
    pub fn percentile(&self, percent: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0
            .get((self.0.len() * percent / 100).min(last))
            .copied()
            .unwrap_or_default()
    }
}

/// The middle one; 0 if there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let figures = Figures::of(
            &(1..=100)
                .rev()
                .map(Duration::from_millis)
                .collect::<Vec<_>>(),
        );
        assert!((figures.percentile(50) - 51.0).abs() < f64::EPSILON);
        assert!((figures.percentile(99) - 100.0).abs() < f64::EPSILON);
        assert!(Figures::of(&[]).percentile(50).abs() < f64::EPSILON);
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
