//! When an engine that ended by itself is started again: at growing intervals, and not for ever.

use galaxy_core::Timestamp;
use jiff::SignedDuration;

/// Restarts in a row that make a crash loop.
pub const CRASH_LOOP: u32 = 5;
/// An engine that stays up this long after a restart begins a new row.
pub const CALM: SignedDuration = SignedDuration::from_mins(10);

/// What to do about an engine that ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Start it again, as restart number `restarts` of its row.
    RestartAt {
        /// Not before this time.
        at: Timestamp,
        /// From 1.
        restarts: u32,
    },
    /// It is a crash loop: no more.
    GiveUp,
}

/// `restarts` were made in a row, the last one at `last`. Waits: 1, 2, 4, 8, 16 s.
pub fn decide(restarts: u32, last: Option<Timestamp>, now: Timestamp) -> Decision {
    let calm = last.is_none_or(|last| now.duration_since(last) >= CALM);
    let made = if calm { 0 } else { restarts };
    if made >= CRASH_LOOP {
        return Decision::GiveUp;
    }
    let wait = SignedDuration::from_secs(1 << made);
    Decision::RestartAt {
        at: now + wait,
        restarts: made + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_the_sixth_end_within_ten_minutes_is_a_crash_loop() {
        let mut now = Timestamp::from_second(1_800_000_000).unwrap();
        let (mut restarts, mut last) = (0, None);
        let mut waits = vec![];
        while let Decision::RestartAt { at, restarts: made } = decide(restarts, last, now) {
            waits.push(at.duration_since(now).as_secs());
            (restarts, last, now) = (made, Some(at), at + SignedDuration::from_secs(1));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16]);
        assert_eq!(decide(restarts, last, now), Decision::GiveUp);
    }

    #[test]
    fn an_engine_that_stayed_up_begins_anew() {
        let last = Timestamp::from_second(1_800_000_000).unwrap();
        let now = last + CALM;
        let expected = Decision::RestartAt {
            at: now + SignedDuration::from_secs(1),
            restarts: 1,
        };
        assert_eq!(decide(CRASH_LOOP, Some(last), now), expected);
    }
}
