//! The one clock. Processes use [`Clock::system`]; tests move a [`Clock::manual`] by hand.

use std::{fmt, sync::Arc, time::Instant};

use jiff::SignedDuration;
use parking_lot::{Mutex, RwLock};

use crate::Timestamp;

/// The source of the current time for all code, so that tests can set it. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System(Arc<System>),
    Manual(Arc<Mutex<Timestamp>>),
}

/// The machine's clock until another one is followed.
struct System {
    /// How wrong the machine's clock is made to be; not zero in tests only.
    error: SignedDuration,
    followed: RwLock<Option<Reading>>,
}

/// What another clock showed at a moment of this machine's monotonic clock, which no correction of the time moves.
#[derive(Clone, Copy)]
struct Reading {
    shown: Timestamp,
    at: Instant,
}

impl Clock {
    /// The machine's clock, until [`Clock::follow`] makes it another one.
    pub fn system() -> Self {
        Self::system_with_error(SignedDuration::ZERO)
    }

    /// As [`Clock::system`] on a machine whose clock is wrong by `error`: ahead, or behind if it is negative. For tests.
    pub fn system_with_error(error: SignedDuration) -> Self {
        let followed = RwLock::new(None);
        Self(Source::System(Arc::new(System { error, followed })))
    }

    /// A clock that stays at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(start))))
    }

    /// The current instant, UTC, cut to microseconds, which is what Postgres stores.
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            Source::System(system) => *system.now(),
            Source::Manual(at) => **at.lock(),
        };
        jiff::Timestamp::from_microsecond(now.as_microsecond())
            .unwrap_or(now)
            .into()
    }

    /// Follows a clock that showed `shown` at the moment `at`: from now on this one and its clones show that time, and what
    /// has passed since. The machine's clock counts no more, whatever is done to it. A manual clock stays as it is.
    pub fn follow(&self, shown: Timestamp, at: Instant) {
        if let Source::System(system) = &self.0 {
            *system.followed.write() = Some(Reading { shown, at });
        }
    }

    /// What the machine's clock shows, whether another one is followed or not; a manual clock's own time.
    pub fn machine_now(&self) -> Timestamp {
        match &self.0 {
            Source::System(system) => system.machine_now(),
            Source::Manual(_) => self.now(),
        }
    }

    /// Moves a manual clock forward (or back, if `by` is negative). A system clock does not move.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(at) = &self.0 {
            let mut at = at.lock();
            *at = at.saturating_add(by);
        }
    }
}

impl System {
    fn now(&self) -> Timestamp {
        let followed = *self.followed.read();
        followed.map_or_else(|| self.machine_now(), Reading::now)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "all other code takes the time from a Clock"
    )]
    fn machine_now(&self) -> Timestamp {
        Timestamp::from(jiff::Timestamp::now()).saturating_add(self.error)
    }
}

impl Reading {
    fn now(self) -> Timestamp {
        let passed = SignedDuration::try_from(self.at.elapsed()).unwrap_or(SignedDuration::MAX);
        self.shown.saturating_add(passed)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System(_) => "Clock(system)",
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

    #[test]
    fn a_machine_whose_clock_is_wrong_shows_the_time_of_the_clock_that_it_follows() {
        let two_hours = SignedDuration::from_hours(2);
        let (right, wrong) = (Clock::system(), Clock::system_with_error(two_hours));
        let off = |clock: &Clock| clock.now().duration_since(right.now()).as_secs();
        assert!((7199..=7201).contains(&off(&wrong)), "{}", off(&wrong));
        let clone = wrong.clone();
        wrong.follow(right.now(), Instant::now());
        assert!((-1..=1).contains(&off(&clone)), "{}", off(&clone));
        let machine = clone.machine_now().duration_since(right.now());
        assert!((7199..=7201).contains(&machine.as_secs()), "{machine}");
    }

    #[test]
    fn a_followed_clock_moves_on_between_readings() {
        let clock = Clock::system();
        let hour = std::time::Duration::from_hours(1);
        let Some(earlier) = Instant::now().checked_sub(hour) else {
            return;
        };
        clock.follow(Timestamp::UNIX_EPOCH, earlier);
        assert!((3600..3660).contains(&clock.now().as_second()));
        let manual = Clock::manual(Timestamp::UNIX_EPOCH);
        manual.follow(clock.now(), Instant::now());
        assert_eq!(manual.now(), Timestamp::UNIX_EPOCH);
    }
}
