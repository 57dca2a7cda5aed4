//! The freshness window of the push stream in memory, shared by all connections.
//!
//! Pure: no I/O, no clock. Entries are contiguous by sequence, so that a position is found without
//! searching. A connection holds a position in the ring and no copy of its messages, so a slow
//! gateway costs no memory and cannot slow another.

use std::collections::VecDeque;

use bytes::Bytes;
use galaxy_events::{StreamIdentity, StreamPosition};

use crate::cursor::Cursor;

/// Memory of an entry besides its bytes, about.
const OVERHEAD: usize = 96;

/// Whether an entry may be dropped for a slow gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// May be dropped for a slow reader.
    Client,
    /// Is never dropped.
    Invalidation,
    /// Holds the place of a message that could not be read; never sent.
    Unreadable,
}

/// One message of the stream.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Position in the stream.
    pub sequence: u64,
    /// When the broker stored it, nanoseconds since the Unix epoch.
    pub mark: u64,
    /// What it is.
    pub kind: Kind,
    /// The encoded `PushEvent`, shared by all connections.
    pub encoded: Bytes,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Messages older than this are evicted, nanoseconds.
    pub window_ns: u64,
    /// Memory for messages, bytes; the oldest are evicted first.
    pub bytes: usize,
}

/// Where a new connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Right after the cursor, without gap or duplicate.
    Resumed(Cursor),
    /// At another position, with the reason that gateways see.
    Reset(&'static str, Cursor),
    /// The cursor is ahead of what was read so far: ask again after the next change.
    NotYet,
}

/// The window.
#[derive(Debug)]
pub struct Ring {
    limits: Limits,
    /// Counts streams seen; readers compare it to notice a replaced stream.
    generation: u64,
    /// The position right before the first entry.
    floor: Cursor,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The last sequence of the stream when it was opened. No subscription starts before it is read.
    caught_up_at: Option<u64>,
    /// Whether the broker can be read at present.
    connected: bool,
}

impl Ring {
    /// An empty window of no stream yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            generation: 0,
            floor: before(StreamIdentity(0), 0),
            entries: VecDeque::new(),
            bytes: 0,
            caught_up_at: None,
            connected: false,
        }
    }

    /// Begins a stream that was not read before and holds the messages `first..=last`.
    pub fn open(&mut self, stream: StreamIdentity, first: u64, last: u64) {
        self.generation += 1;
        self.entries.clear();
        self.bytes = 0;
        self.floor = before(stream, first);
        self.caught_up_at = Some(last);
        self.connected = true;
    }

    /// Sets whether the broker can be read at present.
    pub fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
    }

    /// Whether the ring is read to the broker's last message, as far as can be known.
    pub fn is_current(&self) -> bool {
        self.connected && self.is_caught_up()
    }

    /// Adds the next message. One that is already here is ignored. After a gap, all earlier entries
    /// are evicted, so that no subscription passes the gap unnoticed.
    pub fn push(&mut self, entry: Entry) {
        let head = self.head();
        if entry.sequence <= head.position.sequence {
            return;
        }
        if entry.sequence > head.position.sequence + 1 {
            self.entries.clear();
            self.bytes = 0;
            self.floor = before(head.position.stream, entry.sequence);
        }
        self.bytes += entry.encoded.len() + OVERHEAD;
        self.entries.push_back(entry);
        while self.bytes > self.limits.bytes && self.entries.len() > 1 {
            self.evict_oldest();
        }
    }

    /// Evicts what is older than the window. `now_ns` is nanoseconds since the Unix epoch.
    pub fn evict(&mut self, now_ns: u64) {
        let oldest = now_ns.saturating_sub(self.limits.window_ns);
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.mark < oldest)
        {
            self.evict_oldest();
        }
    }

    /// Where a connection begins that has this cursor.
    pub fn start(&self, cursor: &str) -> Start {
        if !self.is_current() {
            return Start::NotYet;
        }
        if cursor.is_empty() {
            return Start::Reset("no_cursor", self.head());
        }
        let Ok(cursor) = cursor.parse::<Cursor>() else {
            return Start::Reset("bad_cursor", self.head());
        };
        if cursor.position.stream != self.floor.position.stream {
            // No message of this stream can have reached that gateway: send it all.
            return Start::Reset("other_stream", self.floor);
        }
        if cursor.position.sequence < self.floor.position.sequence {
            return Start::Reset("too_old", self.head());
        }
        if !cursor.position.is_within(self.head().position) {
            return Start::NotYet;
        }
        let here = self.cursor_at(cursor.position.sequence);
        if here.mark != 0 && cursor.mark != 0 && here.mark != cursor.mark {
            return Start::Reset("other_stream", self.floor);
        }
        Start::Resumed(cursor)
    }

    /// Where a connection begins whose cursor is still ahead after the wait: the stream was replaced
    /// by an older copy of itself, or the cursor is forged. `None` before the window is read.
    pub fn start_ahead(&self) -> Option<Start> {
        let start = Start::Reset("other_stream", self.floor);
        self.is_current().then_some(start)
    }

    /// The entries after `sequence`, oldest first.
    pub fn after(&self, sequence: u64) -> impl Iterator<Item = &Entry> {
        let skip = sequence.saturating_sub(self.floor.position.sequence);
        let skip = usize::try_from(skip)
            .unwrap_or(usize::MAX)
            .min(self.entries.len());
        self.entries.range(skip..)
    }

    /// The position after the newest message.
    pub fn head(&self) -> Cursor {
        self.entries
            .back()
            .map_or(self.floor, |entry| self.cursor_of(entry))
    }

    /// The position before the oldest message that is still here.
    pub fn floor(&self) -> Cursor {
        self.floor
    }

    /// The position right after `entry`.
    pub fn cursor_of(&self, entry: &Entry) -> Cursor {
        Cursor {
            position: StreamPosition {
                sequence: entry.sequence,
                ..self.floor.position
            },
            mark: entry.mark,
        }
    }

    /// Changes whenever another stream is opened.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether everything is read that the stream held when it was opened.
    fn is_caught_up(&self) -> bool {
        self.caught_up_at
            .is_some_and(|last| self.head().position.sequence >= last)
    }

    fn cursor_at(&self, sequence: u64) -> Cursor {
        let Some(before) = sequence.checked_sub(self.floor.position.sequence + 1) else {
            return self.floor;
        };
        let index = usize::try_from(before).unwrap_or(usize::MAX);
        self.entries
            .get(index)
            .map_or(self.floor, |entry| self.cursor_of(entry))
    }

    fn evict_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.encoded.len() + OVERHEAD;
            self.floor = self.cursor_of(&entry);
        }
    }
}

/// The position right before message `first` of `stream`; when that message's predecessor was stored is not known.
fn before(stream: StreamIdentity, first: u64) -> Cursor {
    Cursor {
        position: StreamPosition {
            stream,
            sequence: first.saturating_sub(1),
        },
        mark: 0,
    }
}
