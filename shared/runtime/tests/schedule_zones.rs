//! Turn schedules on every day on which clocks change, in every zone of the bundled database, for 20 years.
//!
//! What should come is counted minute by minute from the offsets before and after a change; nothing is shared with the
//! code under test but the database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use galaxy_core::Timestamp;
use galaxy_runtime::Schedule;
use jiff::tz::{TimeZone, TimeZoneDatabase};

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;
/// Watched before and after a change: more than the largest change, a day for the date line.
const AROUND: i64 = DAY + 3 * 60 * MINUTE;

/// Minutes, hours, and the same as a pattern.
const PATTERNS: [(&[i64], &[i64], &str); 7] = [
    (&[30], &[2, 14], "30 2,14 * * *"),
    (&[0, 30], &[2], "0,30 2 * * *"),
    (&[0], &[0], "0 0 * * *"),
    (&[15, 45], &[0, 1, 2, 3], "15,45 0-3 * * *"),
    (&[59], &[1, 23], "59 1,23 * * *"),
    (
        &[0, 20, 40],
        &[0, 3, 6, 9, 12, 15, 18, 21],
        "*/20 */3 * * *",
    ),
    (
        &[0, 7, 14, 21, 28, 35, 42, 49, 56],
        &[1, 2],
        "*/7 1,2 * * *",
    ),
];

/// Offsets from UTC in seconds, and when the second one begins.
#[derive(Clone, Copy)]
struct Change {
    at: i64,
    before: i64,
    after: i64,
}

fn changes(zone: &TimeZone) -> Vec<Change> {
    let from: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let to: Timestamp = "2040-01-01T00:00:00Z".parse().unwrap();
    let offset = |second| {
        let at = Timestamp::from_second(second).unwrap();
        i64::from(zone.to_offset(*at).seconds())
    };
    zone.following(*from)
        .map(|change| change.timestamp().as_second())
        .take_while(|at| *at < to.as_second())
        .map(|at| Change {
            at,
            before: offset(at - 1),
            after: offset(at),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

/// The instants of a pattern around the change.
fn wanted(change: Change, minutes: &[i64], hours: &[i64]) -> BTreeSet<i64> {
    let named = |local: i64| {
        let minute = local.div_euclid(MINUTE);
        minutes.contains(&minute.rem_euclid(60))
            && hours.contains(&minute.div_euclid(60).rem_euclid(24))
    };
    let minutes_until = |from: i64, to: i64| (from..to).step_by(60);
    let last = change.at + change.before;
    let first = change.at + change.after;
    let before =
        minutes_until(change.at - AROUND, change.at).filter(|at| named(at + change.before));
    let skipped = minutes_until(last, first).any(named).then_some(change.at);
    // A local time before `last` has been already.
    let after = minutes_until(change.at, change.at + AROUND)
        .filter(|at| at + change.after >= last && named(at + change.after));
    before.chain(skipped).chain(after).collect()
}

fn scheduled(zone: &TimeZone, schedule: &Schedule, change: Change) -> BTreeSet<i64> {
    let mut at = Timestamp::from_second(change.at - AROUND - 1).unwrap();
    let next = || {
        at = schedule.next_after(zone, at)?;
        Some(at.as_second())
    };
    std::iter::from_fn(next)
        .take_while(|second| *second < change.at + AROUND)
        .collect()
}

#[test]
fn every_occurrence_of_every_pattern_runs_once_on_every_day_of_change() {
    let database = TimeZoneDatabase::bundled();
    let schedules = PATTERNS.map(|(.., text)| text.parse::<Schedule>().unwrap());
    let (mut zones, mut checked) = (0, 0_usize);
    for name in database.available() {
        let zone = database.get(name.as_str()).unwrap();
        zones += 1;
        for change in changes(&zone) {
            // One pattern for each change. Seven patterns and two changes a year: in seven years a zone meets all.
            let pick = checked % PATTERNS.len();
            let (minutes, hours, text) = PATTERNS[pick];
            assert_eq!(
                scheduled(&zone, &schedules[pick], change),
                wanted(change, minutes, hours),
                "{text} in {} around {}",
                name.as_str(),
                Timestamp::from_second(change.at).unwrap()
            );
            checked += 1;
        }
    }
    assert!(
        zones > 400 && checked > 4_000,
        "{checked} changes in {zones} zones"
    );
}

#[test]
fn large_zones_meet_every_pattern_on_every_day_of_change() {
    let database = TimeZoneDatabase::bundled();
    for name in [
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
    ] {
        let zone = database.get(name).unwrap();
        for change in changes(&zone) {
            for (minutes, hours, text) in PATTERNS {
                assert_eq!(
                    scheduled(&zone, &text.parse().unwrap(), change),
                    wanted(change, minutes, hours),
                    "{text} in {name} around {}",
                    Timestamp::from_second(change.at).unwrap()
                );
            }
        }
    }
}
