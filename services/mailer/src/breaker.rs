//! A circuit breaker: while the SMTP server is unavailable, mails stay queued and one at a time is sent as a probe.

use std::time::Duration;

use galaxy_service::Backoff;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Transient failures in a row, with the server reachable, after which the breaker opens.
const THRESHOLD: u32 = 10;
/// Waits between probes.
const PROBE_BACKOFF: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(15));
/// How long a probe may take before another one is permitted.
const PROBE_TIMEOUT: Duration = Duration::from_mins(5);

/// What one attempt tells about the SMTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// The server accepted a mail or refused one permanently.
    Available,
    /// The server could not be reached.
    Unreachable,
    /// The server was reached but did not accept this mail now.
    TransientFailure,
    /// No attempt was made after all.
    NoAttempt,
}

/// A change of the breaker's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// From now on only probes are sent.
    Opened,
    /// All mails are sent again.
    Closed,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        /// When the next probe is permitted.
        until: Instant,
        /// Whether a probe is on its way.
        probing: bool,
        probes: u32,
    },
}

/// The availability of the SMTP server as this process sees it.
#[derive(Debug)]
pub struct Breaker(Mutex<State>);

impl Default for Breaker {
    fn default() -> Self {
        Self(Mutex::new(State::Closed { failures: 0 }))
    }
}

impl Breaker {
    /// How many of `wanted` mails may be claimed now: all, one as a probe, or none.
    pub fn permitted(&self, wanted: u32, now: Instant) -> u32 {
        let mut state = self.0.lock();
        match *state {
            State::Closed { .. } => wanted,
            State::Open { until, probes, .. } if until <= now => {
                *state = State::Open {
                    until: now + PROBE_TIMEOUT,
                    probing: true,
                    probes,
                };
                wanted.min(1)
            }
            State::Open { .. } => 0,
        }
    }

    /// Takes an observation into account; returns the transition that it caused.
    pub fn record(&self, observation: Observation, now: Instant) -> Option<Transition> {
        let mut state = self.0.lock();
        let (next, transition) = next(*state, observation, now);
        *state = next;
        transition
    }
}

fn next(state: State, observation: Observation, now: Instant) -> (State, Option<Transition>) {
    use Observation as O;
    let closed = |failures| State::Closed { failures };
    let open = |probes: u32| State::Open {
        until: now + PROBE_BACKOFF.delay(probes),
        probing: false,
        probes,
    };
    match (state, observation) {
        (State::Closed { .. }, O::Available) => (closed(0), None),
        (State::Open { .. }, O::Available) => (closed(0), Some(Transition::Closed)),
        (State::Closed { failures }, O::TransientFailure) if failures + 1 < THRESHOLD => {
            (closed(failures + 1), None)
        }
        (State::Closed { .. }, O::Unreachable | O::TransientFailure) => {
            (open(1), Some(Transition::Opened))
        }
        (
            State::Open {
                probing: true,
                probes,
                ..
            },
            O::Unreachable | O::TransientFailure,
        ) => (open(probes.saturating_add(1)), None),
        (
            State::Open {
                probing: true,
                probes,
                ..
            },
            O::NoAttempt,
        ) => {
            let probe_again = State::Open {
                until: now,
                probing: false,
                probes,
            };
            (probe_again, None)
        }
        // Attempts that began before the breaker opened.
        (state, _) => (state, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn an_unreachable_server_is_probed_with_one_mail_at_a_time_until_it_is_available() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.permitted(8, start), 8);
        assert_eq!(
            breaker.record(Observation::Unreachable, start),
            Some(Transition::Opened)
        );
        assert_eq!(
            breaker.record(Observation::Unreachable, start),
            None,
            "an attempt from before"
        );
        assert_eq!(breaker.permitted(8, start), 0);

        let later = start + LONG;
        assert_eq!(breaker.permitted(8, later), 1);
        assert_eq!(breaker.permitted(8, later), 0, "one probe at a time");
        assert_eq!(breaker.record(Observation::Unreachable, later), None);
        assert_eq!(breaker.permitted(8, later), 0);

        let latest = later + LONG;
        assert_eq!(breaker.permitted(8, latest), 1);
        assert_eq!(
            breaker.record(Observation::Available, latest),
            Some(Transition::Closed)
        );
        assert_eq!(breaker.permitted(8, latest), 8);
    }

    #[test]
    fn only_many_transient_failures_in_a_row_open_the_breaker() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            for _ in 1..THRESHOLD {
                assert_eq!(breaker.record(Observation::TransientFailure, now), None);
            }
            assert_eq!(breaker.record(Observation::Available, now), None);
        }
        for _ in 1..THRESHOLD {
            breaker.record(Observation::TransientFailure, now);
        }
        assert_eq!(
            breaker.record(Observation::TransientFailure, now),
            Some(Transition::Opened)
        );
    }

    #[test]
    fn a_probe_without_an_attempt_or_past_its_timeout_permits_another_one() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.record(Observation::Unreachable, start);
        let later = start + LONG;
        assert_eq!(breaker.permitted(8, later), 1);
        breaker.record(Observation::NoAttempt, later);
        assert_eq!(breaker.permitted(8, later), 1);
        assert_eq!(breaker.permitted(8, later + PROBE_TIMEOUT), 1);
    }
}
