//! The ring, and a reader's position in it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use galaxy_events::{StreamIdentity, StreamPosition};
use galaxy_push_hub::{
    cursor::Cursor,
    reader::{Next, Reader},
    ring::{Entry, Kind, Limits, Ring, Start},
};
use proptest::prelude::*;

const STREAM: StreamIdentity = StreamIdentity(77);

fn ring() -> Ring {
    let mut ring = Ring::new(Limits {
        window_ns: 1_000,
        bytes: 1 << 20,
    });
    ring.open(STREAM, 1, 0);
    ring
}

/// The message `sequence`, stored at `sequence` nanoseconds, which says its own sequence.
fn entry(sequence: u64, kind: Kind) -> Entry {
    Entry {
        sequence,
        mark: sequence,
        kind,
        encoded: sequence.to_string().into(),
    }
}

fn filled(kinds: &[Kind]) -> Ring {
    let mut ring = ring();
    for (sequence, kind) in (1..).zip(kinds) {
        ring.push(entry(sequence, *kind));
    }
    ring
}

fn numbers(messages: &[Bytes]) -> Vec<u64> {
    messages
        .iter()
        .map(|text| std::str::from_utf8(text).unwrap().parse().unwrap())
        .collect()
}

fn cursor(sequence: u64) -> Cursor {
    Cursor {
        position: StreamPosition {
            stream: STREAM,
            sequence,
        },
        mark: sequence,
    }
}

#[test]
fn a_cursor_in_the_window_resumes_right_behind_it() {
    let ring = filled(&[Kind::Client; 9]);
    for sequence in 1..=9 {
        let start = ring.start(&cursor(sequence).to_string());
        assert_eq!(start, Start::Resumed(cursor(sequence)));
        let mut reader = Reader::new(&ring, cursor(sequence), 100);
        let expected: Vec<u64> = (sequence + 1..=9).collect();
        match reader.next(&ring, 100) {
            Next::Messages(messages) => assert_eq!(numbers(&messages), expected),
            Next::Nothing => assert_eq!(sequence, 9),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_cursor_resumes_until_a_message_behind_it_is_evicted() {
    let mut ring = filled(&[Kind::Client; 9]);
    ring.evict(1_005); // 1 to 4 are older than the window
    assert_eq!(
        ring.start(&cursor(4).to_string()),
        Start::Resumed(cursor(4))
    );
    assert_eq!(
        ring.start(&cursor(3).to_string()),
        Start::Reset("too_old", cursor(9))
    );
}

#[test]
fn an_idle_reader_can_resume_after_everything_was_evicted() {
    let mut ring = filled(&[Kind::Client; 3]);
    ring.evict(1_000_000);
    assert_eq!(
        ring.start(&cursor(3).to_string()),
        Start::Resumed(cursor(3))
    );
}

#[test]
fn foreign_cursors_are_reset_with_the_reason() {
    let ring = filled(&[Kind::Client; 3]);
    let mut foreign = cursor(2);
    foreign.position.stream = StreamIdentity(76);
    let other_mark = Cursor {
        mark: 99,
        ..cursor(2)
    };
    let floor = Cursor {
        mark: 0,
        ..cursor(0)
    };
    for (text, expected) in [
        (String::new(), Start::Reset("no_cursor", cursor(3))),
        ("nonsense".to_owned(), Start::Reset("bad_cursor", cursor(3))),
        (foreign.to_string(), Start::Reset("other_stream", floor)),
        (other_mark.to_string(), Start::Reset("other_stream", floor)),
    ] {
        assert_eq!(ring.start(&text), expected, "{text}");
    }
}

#[test]
fn no_subscription_starts_before_the_window_is_read() {
    let mut ring = Ring::new(Limits {
        window_ns: 1_000,
        bytes: 1 << 20,
    });
    assert_eq!(ring.start(""), Start::NotYet);
    ring.open(STREAM, 5, 6);
    ring.push(entry(5, Kind::Client));
    assert_eq!(ring.start(""), Start::NotYet);
    assert_eq!(ring.start_ahead(), None);
    ring.push(entry(6, Kind::Client));
    assert_eq!(ring.start(""), Start::Reset("no_cursor", cursor(6)));
}

#[test]
fn a_cursor_ahead_of_this_replica_waits_for_it() {
    let mut ring = filled(&[Kind::Client; 3]);
    let ahead = cursor(4).to_string();
    assert_eq!(ring.start(&ahead), Start::NotYet);
    ring.push(entry(4, Kind::Client));
    assert_eq!(ring.start(&ahead), Start::Resumed(cursor(4)));
}

#[test]
fn a_message_that_comes_twice_is_held_once() {
    let mut ring = filled(&[Kind::Client; 3]);
    ring.push(entry(2, Kind::Client));
    ring.push(entry(3, Kind::Client));
    let held: Vec<u64> = ring.after(0).map(|entry| entry.sequence).collect();
    assert_eq!(held, [1, 2, 3]);
}

#[test]
fn a_gap_in_the_stream_ends_connections_before_it_instead_of_skipping_it_silently() {
    let mut ring = filled(&[Kind::Client; 3]);
    let mut reader = Reader::new(&ring, cursor(1), 100);
    ring.push(entry(6, Kind::Client));
    assert_eq!(reader.next(&ring, 10), Next::FellOut);
    assert_eq!(
        ring.start(&cursor(3).to_string()),
        Start::Reset("too_old", cursor(6))
    );
}

#[test]
fn memory_is_bounded_by_evicting_the_oldest() {
    let mut ring = Ring::new(Limits {
        window_ns: u64::MAX,
        bytes: 1_000,
    });
    ring.open(STREAM, 1, 0);
    for sequence in 1..=1_000 {
        ring.push(entry(sequence, Kind::Client));
    }
    let held = ring.after(0).count();
    assert!((5..=11).contains(&held), "{held} are held");
    assert_eq!(ring.head().position.sequence, 1_000);
}

#[test]
fn a_lagging_reader_gets_a_notice_and_every_invalidation() {
    let mut ring = ring();
    let mut reader = Reader::new(&ring, cursor(0), 4);
    assert_eq!(reader.next(&ring, 10), Next::Nothing);
    for sequence in 1..=10 {
        let kind = if sequence == 3 {
            Kind::Invalidation
        } else {
            Kind::Client
        };
        ring.push(entry(sequence, kind));
    }
    let lagged = Next::Lagged {
        before: cursor(0),
        dropped: 5,
        from: cursor(1),
        to: cursor(6),
        invalidations: vec!["3".into()],
    };
    assert_eq!(reader.next(&ring, 10), lagged);
    let rest = Next::Messages(vec!["7".into(), "8".into(), "9".into(), "10".into()]);
    assert_eq!(reader.next(&ring, 10), rest);
}

#[test]
fn what_was_missed_before_the_connection_is_not_lag() {
    let ring = filled(&[Kind::Client; 100]);
    let mut reader = Reader::new(&ring, cursor(0), 4);
    let mut seen = Vec::new();
    while let Next::Messages(messages) = reader.next(&ring, 7) {
        seen.extend(numbers(&messages));
    }
    assert_eq!(seen, (1..=100).collect::<Vec<u64>>());
}

#[test]
fn a_replaced_stream_is_announced_and_read_from_its_beginning() {
    let mut ring = filled(&[Kind::Client; 5]);
    let mut reader = Reader::new(&ring, cursor(5), 100);
    let replacement = StreamIdentity(78);
    ring.open(replacement, 1, 0);
    ring.push(entry(1, Kind::Client));
    assert_eq!(reader.next(&ring, 10), Next::Replaced);
    assert_eq!(reader.next(&ring, 10), Next::Messages(vec!["1".into()]));
    assert_eq!(reader.cursor().position.stream, replacement);
}

#[test]
fn an_interruption_ends_a_connection_after_the_messages_in_the_ring_are_sent() {
    let mut ring = filled(&[Kind::Client; 2]);
    let mut reader = Reader::new(&ring, cursor(0), 100);
    ring.set_connected(false);
    assert_eq!(reader.next(&ring, 1), Next::Messages(vec!["1".into()]));
    assert_eq!(reader.next(&ring, 1), Next::Messages(vec!["2".into()]));
    assert_eq!(reader.next(&ring, 1), Next::Interrupted);
    assert_eq!(ring.start(&cursor(2).to_string()), Start::NotYet);
    ring.set_connected(true);
    assert_eq!(reader.next(&ring, 1), Next::Nothing);
    assert_eq!(
        ring.start(&cursor(2).to_string()),
        Start::Resumed(cursor(2))
    );
}

/// What happens to a ring and a reader.
#[derive(Debug, Clone)]
enum Step {
    Push(Kind),
    Evict(u64),
    Read(usize),
    Reconnect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Push(Kind::Client)),
        2 => Just(Step::Push(Kind::Invalidation)),
        1 => Just(Step::Push(Kind::Unreadable)),
        1 => (0..60u64).prop_map(Step::Evict),
        4 => (1..9usize).prop_map(Step::Read),
        1 => Just(Step::Reconnect),
    ]
}

proptest! {
    /// Whatever happens: in order, nothing twice, client events sent or counted, every invalidation
    /// sent, unless the reader fell out.
    #[test]
    fn no_message_is_lost_without_a_notice(steps in prop::collection::vec(step(), 1..200), queue in 1..12u64) {
        let mut ring = ring();
        let mut kinds = vec![];
        let mut reader = Reader::new(&ring, ring.head(), queue);
        let (mut sent, mut dropped) = (vec![], 0);
        for step in steps.into_iter().chain(vec![Step::Read(9); 100]) {
            match step {
                Step::Push(kind) => {
                    kinds.push(kind);
                    ring.push(entry(u64::try_from(kinds.len()).unwrap(), kind));
                }
                Step::Evict(age) => ring.evict(1_000 + (kinds.len() as u64).saturating_sub(age)),
                Step::Reconnect => match ring.start(&reader.cursor().to_string()) {
                    Start::Resumed(at) => reader = Reader::new(&ring, at, queue),
                    Start::Reset("too_old", _) => return Ok(()),
                    other => prop_assert!(false, "{other:?}"),
                },
                Step::Read(batch) => match reader.next(&ring, batch) {
                    Next::Nothing => {}
                    Next::Messages(messages) => sent.extend(numbers(&messages)),
                    Next::Lagged { dropped: count, invalidations, from, to, before } => {
                        let [before, from, to] = [before, from, to].map(|cursor| cursor.position.sequence);
                        prop_assert!(before < from && from <= to);
                        dropped += count;
                        sent.extend(numbers(&invalidations));
                    }
                    Next::FellOut => return Ok(()),
                    other => prop_assert!(false, "{other:?} has no cause"),
                },
            }
        }
        prop_assert!(sent.is_sorted_by(|a, b| a < b), "{sent:?}");
        let of = |kind| (1u64..).zip(&kinds).filter(move |(_, k)| **k == kind).map(|(n, _)| n);
        for invalidation in of(Kind::Invalidation) {
            prop_assert!(sent.contains(&invalidation), "{invalidation} is not in {sent:?}");
        }
        let invalidations = of(Kind::Invalidation).count();
        let clients = of(Kind::Client).count();
        prop_assert_eq!(clients, sent.len() - invalidations + usize::try_from(dropped).unwrap());
        prop_assert!(of(Kind::Unreadable).all(|unreadable| !sent.contains(&unreadable)));
    }
}
