//! The one clock. Processes use [`Clock::system`]; tests move a [`Clock::manual`] by hand.

use std::{fmt, sync::Arc};

use jiff::SignedDuration;
use parking_lot::Mutex;

use crate::Timestamp;

/// The source of the current time for all code, so that tests can set it. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// The machine's clock, in whole microseconds, which is what Postgres stores.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stays at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(start))))
    }

    /// The current instant, UTC, cut to microseconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "all other code takes the time from this function"
    )]
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            Source::System => jiff::Timestamp::now(),
            Source::Manual(at) => **at.lock(),
        };
        jiff::Timestamp::from_microsecond(now.as_microsecond())
            .unwrap_or(now)
            .into()
    }

    /// Moves a manual clock forward (or back, if `by` is negative). A system clock does not move.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(at) = &self.0 {
            let mut at = at.lock();
            *at = at.saturating_add(by);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.clone().advance(SignedDuration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90, "clones share the same hands");
    }
}
