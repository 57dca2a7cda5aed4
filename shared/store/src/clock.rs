//! The process follows the database's clock, so that what is due and which lease has ended is the same for all processes,
//! whatever their machines' clocks show.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use galaxy_core::{Clock, Timestamp};
use galaxy_service::readiness::Latch;
use jiff::SignedDuration;
use sqlx::PgConnection;

/// How often the database's clock is read.
pub(crate) const PERIOD: Duration = Duration::from_secs(30);
/// Of a few readings the quickest counts.
const READINGS: u32 = 3;
/// The followed time is left alone while it differs by less, so that it does not jump with each reading.
const LEFT_ALONE: SignedDuration = SignedDuration::from_millis(50);
/// A machine's clock that is wrong by more is said.
const TOLERATED: SignedDuration = SignedDuration::from_secs(2);

/// What the database's clock showed.
#[derive(Debug, Clone, Copy)]
struct Reading {
    shown: Timestamp,
    /// The middle between question and answer.
    at: Instant,
    /// How far from `at` the clock may have been read.
    uncertainty: Duration,
}

/// Keeps a process's clock at the database's, and says if the machine's own is wrong.
pub(crate) struct Follower {
    clock: Clock,
    latch: Latch,
    is_following: AtomicBool,
    is_wrong: AtomicBool,
}

impl Follower {
    /// `latch` fails while the machine's clock is wrong.
    pub fn new(clock: &Clock, latch: Latch) -> Self {
        Self {
            clock: clock.clone(),
            latch,
            is_following: AtomicBool::new(false),
            is_wrong: AtomicBool::new(false),
        }
    }

    /// Reads the database's clock and follows it.
    pub async fn follow(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut best = read(&mut *connection).await?;
        for _ in 1..READINGS {
            let other = read(&mut *connection).await?;
            if other.uncertainty < best.uncertainty {
                best = other;
            }
        }
        self.say_if_wrong(best);
        self.apply(best);
        Ok(())
    }

    fn apply(&self, reading: Reading) {
        let off = off(self.clock.now(), reading);
        let left_alone = LEFT_ALONE.saturating_add(signed(reading.uncertainty));
        if self.is_following.swap(true, Ordering::Relaxed) {
            if off.abs() <= left_alone {
                return;
            }
            tracing::warn!(
                by = %(-off),
                "the database's clock moved against this process's time, which follows it"
            );
        }
        self.clock.follow(reading.shown, reading.at);
    }

    fn say_if_wrong(&self, reading: Reading) {
        let off = off(self.clock.machine_now(), reading);
        let is_wrong = off.abs() > TOLERATED.saturating_add(signed(reading.uncertainty));
        let was_wrong = self.is_wrong.swap(is_wrong, Ordering::Relaxed);
        if !is_wrong {
            self.latch.hold();
            return;
        }
        let side = if off.is_positive() {
            "ahead of"
        } else {
            "behind"
        };
        let why = format!(
            "this machine's clock is {:#} {side} the database's; the process goes by the database's",
            SignedDuration::from_secs_f64(off.abs().as_secs_f64().round())
        );
        if !was_wrong {
            tracing::warn!("{why}");
        }
        self.latch.fail(why);
    }
}

async fn read(connection: &mut PgConnection) -> Result<Reading, sqlx::Error> {
    let asked = Instant::now();
    let shown = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(connection)
        .await?;
    let uncertainty = asked.elapsed() / 2;
    Ok(Reading {
        shown,
        at: asked + uncertainty,
        uncertainty,
    })
}

/// By how much a clock that now shows `now` is ahead of the database's.
fn off(now: Timestamp, reading: Reading) -> SignedDuration {
    now.duration_since(reading.shown)
        .saturating_sub(signed(reading.at.elapsed()))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use galaxy_service::Readiness;

    use super::*;

    fn follower(clock: &Clock) -> (Follower, Readiness) {
        let readiness = Readiness::default();
        let follower = Follower::new(clock, readiness.degraded_latch("clock"));
        (follower, readiness)
    }

    /// The database's clock as one that is right shows it now.
    fn reading() -> Reading {
        Reading {
            shown: Clock::system().now(),
            at: Instant::now(),
            uncertainty: Duration::from_millis(1),
        }
    }

    async fn failure(readiness: &Readiness) -> Option<String> {
        let mut checks = readiness.check().await;
        assert!(checks[0].degrades);
        checks.remove(0).failure
    }

    #[tokio::test]
    async fn a_machine_whose_clock_is_wrong_goes_by_the_database_and_says_so() {
        for (error, word) in [(2, "2h ahead of"), (-2, "2h behind")] {
            let clock = Clock::system_with_error(SignedDuration::from_hours(error));
            let (follower, readiness) = follower(&clock);
            follower.say_if_wrong(reading());
            follower.apply(reading());
            let now = off(clock.now(), reading()).abs();
            assert!(now < SignedDuration::from_secs(1), "{now}");
            let why = failure(&readiness).await.unwrap();
            assert!(why.contains(word), "{why}");
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_right_enough_is_no_failure() {
        let clock = Clock::system_with_error(SignedDuration::from_millis(1_500));
        let (follower, readiness) = follower(&clock);
        follower.say_if_wrong(reading());
        assert_eq!(failure(&readiness).await, None);
    }

    #[test]
    fn time_does_not_jump_with_small_differences_and_follows_large_ones() {
        let clock = Clock::system();
        let (follower, _) = follower(&clock);
        follower.apply(reading());
        for (ahead, followed) in [(30, false), (-30, false), (5_000, true), (-5_000, true)] {
            let mut reading = reading();
            reading.shown = clock.now() + SignedDuration::from_millis(ahead);
            follower.apply(reading);
            let off = off(clock.now(), reading).as_millis();
            assert_eq!(off.abs() < 10, followed, "{ahead}: {off}");
        }
    }
}
