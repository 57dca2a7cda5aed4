//! Turn schedules: five-field cron in the game's time zone.
//!
//! A pattern names local times, those of the clock on the wall, and each of them is a turn. One that does not exist,
//! because clocks went forward, runs at the first instant that does exist; one that comes twice, because clocks went
//! back, runs the first time. Several local times that fall on the same instant are one turn. This holds for every
//! pattern: `* * * * *` rests for the second pass of a doubled hour.

use std::str::FromStr;

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use galaxy_core::{Timestamp, timezone};
use jiff::{
    ToSpan as _,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

/// The longest schedule that is looked at, in bytes.
pub const MAX_LEN: usize = 200;

/// A schedule that has a next turn. Turns are at least a minute apart, since minutes are the finest field.
#[derive(Debug, Clone)]
pub struct Schedule(Cron);

/// The text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// Not five fields, or longer than [`MAX_LEN`].
    #[error(
        "must have five fields: minute, hour, day of month, month, day of week, such as 0 18 * * 1-5"
    )]
    Fields,
    /// A field cannot be read.
    #[error("is not a cron pattern: {0}")]
    Pattern(String),
    /// No day of the calendar fits it.
    #[error("never comes: no such day is in the calendar")]
    Never,
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        if text.len() > MAX_LEN || text.split_whitespace().count() != 5 {
            return Err(InvalidSchedule::Fields);
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(text)
            .map_err(|error| InvalidSchedule::Pattern(error.to_string()))?;
        let schedule = Self(cron);
        // Any time will do: a pattern without one occurrence after it has none at all.
        match schedule.next_local(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)) {
            Some(_) => Ok(schedule),
            None => Err(InvalidSchedule::Never),
        }
    }
}

impl Schedule {
    /// The first instant after `now` that the schedule names in `zone`; `None` if there is none in the calendar's range.
    ///
    /// Later local times never run earlier than earlier ones, so the first one that runs after `now` is the answer.
    /// Those that are passed over have run in the first pass of a doubled hour.
    pub fn next_after(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let mut local = zone.to_datetime(*now);
        loop {
            local = self.next_local(local)?;
            let at = instant(zone, local)?;
            if at > *now {
                return Some(at.into());
            }
        }
    }

    /// The first local time after `local` that the pattern names, whether it exists in a zone or not.
    fn next_local(&self, local: DateTime) -> Option<DateTime> {
        // In UTC every local time exists once, so that nothing is moved or doubled here.
        let local = local.to_zoned(TimeZone::UTC).ok()?;
        let next = self.0.find_next_occurrence(&local, false).ok()?;
        Some(next.datetime())
    }
}

/// When `local` is a turn in `zone`: the first time it comes, or the first instant after the gap in which it is skipped.
fn instant(zone: &TimeZone, local: DateTime) -> Option<jiff::Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            // The old offset carries the skipped time past the change, by as much as it lies behind the gap's start.
            let past = before.to_timestamp(local).ok()?;
            let change = zone
                .preceding(past.checked_add(1.nanosecond()).ok()?)
                .next();
            change.map(|change| change.timestamp())
        }
        _ => ambiguous.earlier().ok(),
    }
}

/// Why a stored schedule has no next turn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoNextTurn {
    /// The time zone database does not have the zone. The schedule must not run in another one.
    #[error("the time zone {0} is not known")]
    Zone(String),
    /// The text is not a schedule.
    #[error("the schedule {0}")]
    Schedule(#[from] InvalidSchedule),
    /// The calendar ends before the next turn.
    #[error("the schedule has no turn any more")]
    Over,
}

/// The next turn of a stored schedule, or why there is none.
pub fn try_next_turn(schedule: &str, zone: &str, now: Timestamp) -> Result<Timestamp, NoNextTurn> {
    let schedule: Schedule = schedule.parse()?;
    let zone = timezone::find(zone).ok_or_else(|| NoNextTurn::Zone(zone.to_owned()))?;
    schedule.next_after(&zone, now).ok_or(NoNextTurn::Over)
}

/// [`try_next_turn`] for callers that can only leave a game without a next turn; the reason goes to the log.
pub fn next_turn(schedule: &str, zone: &str, now: Timestamp) -> Option<Timestamp> {
    try_next_turn(schedule, zone, now)
        .inspect_err(|reason| {
            tracing::error!(%reason, schedule, zone, "a game has no next turn and stands still");
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nexts(schedule: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone = timezone::find(zone).unwrap();
        let schedule: Schedule = schedule.parse().unwrap();
        let mut at: Timestamp = from.parse().unwrap();
        (0..count)
            .map(|_| {
                at = schedule.next_after(&zone, at).unwrap();
                at.to_string()
            })
            .collect()
    }

    #[test]
    fn only_five_readable_fields_that_come_are_a_schedule() {
        for right in [
            "* * * * *",
            "0 18 * * 1-5",
            "*/15 6-22 * * *",
            "0 0 29 2 *",
            "30 2 * * SUN",
        ] {
            assert!(right.parse::<Schedule>().is_ok(), "{right}");
        }
        for wrong in [
            "",
            "@hourly",
            "* * * *",
            "* * * * * *",
            "0 0 1 1 * 2030",
            "61 * * * *",
            "a b c d e",
            "-1 * * * *",
        ] {
            assert!(wrong.parse::<Schedule>().is_err(), "{wrong}");
        }
        assert_eq!(
            "0 0 30 2 *".parse::<Schedule>().unwrap_err(),
            InvalidSchedule::Never
        );
    }

    #[test]
    fn a_skipped_local_time_runs_at_the_next_valid_instant() {
        assert_eq!(
            nexts("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn a_doubled_local_time_runs_once() {
        assert_eq!(
            nexts("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn lists_and_steps_keep_every_occurrence_of_a_day_of_change() {
        let berlin = |schedule, from, count| nexts(schedule, "Europe/Berlin", from, count);
        assert_eq!(
            berlin("30 2,14 * * *", "2026-03-28T13:31:00Z", 3),
            [
                "2026-03-29T01:00:00Z",
                "2026-03-29T12:30:00Z",
                "2026-03-30T00:30:00Z"
            ]
        );
        assert_eq!(
            berlin("30 2,14 * * *", "2026-10-24T12:31:00Z", 3),
            [
                "2026-10-25T00:30:00Z",
                "2026-10-25T13:30:00Z",
                "2026-10-26T01:30:00Z"
            ]
        );
        assert_eq!(
            berlin("0,30 2 * * *", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]
        );
        assert_eq!(
            berlin("*/20 1-3 * * *", "2026-03-29T00:30:00Z", 3),
            [
                "2026-03-29T00:40:00Z",
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:20:00Z"
            ]
        );
    }

    #[test]
    fn a_pattern_for_every_minute_rests_for_the_second_pass_of_a_doubled_hour() {
        assert_eq!(
            nexts("* * * * *", "Europe/Berlin", "2026-10-25T00:58:30Z", 2),
            ["2026-10-25T00:59:00Z", "2026-10-25T02:00:00Z"]
        );
    }

    #[test]
    fn a_skipped_day_runs_when_the_next_one_begins() {
        // Samoa went over the date line and had no 30 December 2011.
        assert_eq!(
            nexts("0 9,18 30 12 *", "Pacific/Apia", "2011-12-29T12:00:00Z", 2),
            ["2011-12-30T10:00:00Z", "2012-12-29T19:00:00Z"]
        );
    }

    #[test]
    fn an_unknown_zone_or_schedule_is_an_error() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(
            try_next_turn("0 * * * *", "Mars/Olympus", now),
            Err(NoNextTurn::Zone("Mars/Olympus".to_owned()))
        );
        assert_eq!(
            try_next_turn("0 *", "UTC", now),
            Err(NoNextTurn::Schedule(InvalidSchedule::Fields))
        );
        assert_eq!(next_turn("0 * * * *", "Mars/Olympus", now), None);
    }

    #[test]
    fn a_leap_day_comes_every_four_years() {
        assert_eq!(
            nexts("0 12 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2),
            ["2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,220}") {
            let _ = text.parse::<Schedule>();
        }

        #[test]
        fn turns_are_at_least_a_minute_apart_and_on_the_minute(
            minute in prop::sample::select(vec!["*", "*/7", "0", "30", "59"]),
            hour in prop::sample::select(vec!["*", "2", "*/3", "1-3"]),
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
            start in 1_750_000_000_i64..1_850_000_000,
        ) {
            let schedule: Schedule = format!("{minute} {hour} * * *").parse().unwrap();
            let zone = timezone::find(zone).unwrap();
            let mut at = Timestamp::from_second(start).unwrap();
            for n in 0..50 {
                let next = schedule.next_after(&zone, at).unwrap();
                let apart = next.as_second() - at.as_second();
                prop_assert!(apart >= if n == 0 { 1 } else { 60 }, "{at} → {next}");
                prop_assert_eq!(next.as_second() % 60, 0);
                at = next;
            }
        }
    }
}
