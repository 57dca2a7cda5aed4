//! Turn schedules: five-field cron in the game's time zone.
//!
//! When clocks go forward, a local time that does not exist runs at the first instant that does; when they go back, a
//! fixed local time that comes twice runs once. A pattern for every hour or minute runs once for each that passes.

use std::str::FromStr;

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use galaxy_core::{Timestamp, timezone};
use jiff::tz::TimeZone;

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
        // Any instant will do: a pattern without one occurrence after it has none at all.
        match schedule.next_after(&TimeZone::UTC, Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(InvalidSchedule::Never),
        }
    }
}

impl Schedule {
    /// The first instant after `now` that the schedule names in `zone`; `None` if there is none in the calendar's range.
    pub fn next_after(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let next = self
            .0
            .find_next_occurrence(&now.to_zoned(zone.clone()), false)
            .ok()?;
        Some(next.timestamp().into())
    }
}

/// The next turn of a stored schedule. A zone that this machine does not know counts as UTC.
pub fn next_turn(schedule: &str, zone: &str, now: Timestamp) -> Option<Timestamp> {
    let zone = timezone::find(zone).unwrap_or(TimeZone::UTC);
    schedule.parse::<Schedule>().ok()?.next_after(&zone, now)
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
