//! Keeps mails back while the relay is away, and lets one at a time try the way.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use galaxy_service::Backoff;
use tokio::time::Instant;

/// Failures in a row, of mails that did reach the relay, after which it counts as away.
const THRESHOLD: u32 = 10;
/// Waits between probes.
const PROBES: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(15));
/// How long a probe may take before another is let through.
const PROBE_PATIENCE: Duration = Duration::from_mins(5);

/// What one attempt says about the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It took a mail, or refused one for good.
    Well,
    /// It could not be reached.
    Away,
    /// It did not take this one now.
    Unwilling,
    /// Nothing: no attempt was made after all.
    Silent,
}

/// What changed with a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The relay is taken for away from now on.
    Opened,
    /// It is back: everything may go.
    Closed,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
        probing: bool,
        probes: u32,
    },
}

/// The relay's state as this process sees it.
#[derive(Debug)]
pub struct Breaker(Mutex<State>);

impl Default for Breaker {
    fn default() -> Self {
        Self(Mutex::new(State::Closed { failures: 0 }))
    }
}

impl Breaker {
    /// How many of `wanted` mails may be claimed now: all, one as a probe, or none.
    pub fn room(&self, wanted: u32, now: Instant) -> u32 {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => wanted,
            State::Open { until, probes, .. } if until <= now => {
                *state = State::Open {
                    until: now + PROBE_PATIENCE,
                    probing: true,
                    probes,
                };
                wanted.min(1)
            }
            State::Open { .. } => 0,
        }
    }

    /// Takes note of a sign.
    pub fn note(&self, sign: Sign, now: Instant) -> Option<Change> {
        let mut state = self.lock();
        let (next, change) = next(*state, sign, now);
        *state = next;
        change
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next(state: State, sign: Sign, now: Instant) -> (State, Option<Change>) {
    let open = |probes: u32| State::Open {
        until: now + PROBES.delay(probes),
        probing: false,
        probes,
    };
    match (state, sign) {
        (State::Closed { .. }, Sign::Well) => (State::Closed { failures: 0 }, None),
        (State::Open { .. }, Sign::Well) => (State::Closed { failures: 0 }, Some(Change::Closed)),
        (State::Closed { failures }, Sign::Unwilling) if failures + 1 < THRESHOLD => (
            State::Closed {
                failures: failures + 1,
            },
            None,
        ),
        (State::Closed { .. }, Sign::Away | Sign::Unwilling) => (open(1), Some(Change::Opened)),
        (
            State::Open {
                probing: true,
                probes,
                ..
            },
            Sign::Away | Sign::Unwilling,
        ) => (open(probes.saturating_add(1)), None),
        (
            State::Open {
                probing: true,
                probes,
                ..
            },
            Sign::Silent,
        ) => {
            let again = State::Open {
                until: now,
                probing: false,
                probes,
            };
            (again, None)
        }
        // Stragglers that set out before it opened say nothing new.
        (state, _) => (state, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn an_unreachable_relay_is_probed_by_one_mail_at_a_time_until_it_is_back() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.room(8, start), 8);
        assert_eq!(breaker.note(Sign::Away, start), Some(Change::Opened));
        assert_eq!(breaker.note(Sign::Away, start), None, "a straggler");
        assert_eq!(breaker.room(8, start), 0);

        let later = start + LONG;
        assert_eq!(breaker.room(8, later), 1);
        assert_eq!(breaker.room(8, later), 0, "one probe at a time");
        assert_eq!(breaker.note(Sign::Away, later), None);
        assert_eq!(breaker.room(8, later), 0);

        let latest = later + LONG;
        assert_eq!(breaker.room(8, latest), 1);
        assert_eq!(breaker.note(Sign::Well, latest), Some(Change::Closed));
        assert_eq!(breaker.room(8, latest), 8);
    }

    #[test]
    fn single_refusals_do_not_stop_the_others_but_a_storm_does() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            for _ in 1..THRESHOLD {
                assert_eq!(breaker.note(Sign::Unwilling, now), None);
            }
            assert_eq!(breaker.note(Sign::Well, now), None);
        }
        for _ in 1..THRESHOLD {
            breaker.note(Sign::Unwilling, now);
        }
        assert_eq!(breaker.note(Sign::Unwilling, now), Some(Change::Opened));
    }

    #[test]
    fn a_probe_without_a_mail_or_without_an_end_makes_room_for_the_next() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.note(Sign::Away, start);
        let later = start + LONG;
        assert_eq!(breaker.room(8, later), 1);
        breaker.note(Sign::Silent, later);
        assert_eq!(breaker.room(8, later), 1);
        assert_eq!(breaker.room(8, later + PROBE_PATIENCE), 1);
    }
}
