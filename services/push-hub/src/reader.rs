//! One connection's position in the ring: which messages it sends next, and what is dropped when it lags.
//!
//! Pure: the connection asks whenever it can send. The distance between its cursor and the head is its
//! queue; when that grows beyond the limit, the oldest client events are dropped.

use bytes::Bytes;

use crate::{
    cursor::Cursor,
    ring::{Entry, Kind, Ring},
};

/// What to send next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: wait for a change.
    Nothing,
    /// These messages.
    Messages(Vec<Bytes>),
    /// A notice of what was dropped, then the invalidations of that span.
    Lagged {
        /// The position before the span. The notice carries it, so that a connection that breaks
        /// before the invalidations are sent is resumed before them.
        before: Cursor,
        /// Client events that were dropped.
        dropped: u64,
        /// The first of them.
        from: Cursor,
        /// The last of them.
        to: Cursor,
        /// Encoded invalidations of the span, all of them.
        invalidations: Vec<Bytes>,
    },
    /// The stream was replaced: send a reset, and continue at the beginning of the new one.
    Replaced,
    /// The broker cannot be read, so there may be messages that are not in the ring. The connection
    /// must end: a gateway relies on seeing every session invalidation while it is connected.
    Interrupted,
    /// Messages were evicted before they could be sent, perhaps invalidations among them: the
    /// connection must end.
    FellOut,
}

/// A connection's position.
#[derive(Debug)]
pub struct Reader {
    generation: u64,
    cursor: Cursor,
    /// Longest distance to the head before client events are dropped.
    queue: u64,
    /// Whether what was missed before the connection began has been sent. Until then the distance
    /// is not a lag of this connection, and no event is dropped.
    live: bool,
}

impl Reader {
    /// Begins at `cursor`, with a queue of `queue` messages.
    pub fn new(ring: &Ring, cursor: Cursor, queue: u64) -> Self {
        Self {
            generation: ring.generation(),
            cursor,
            queue: queue.max(1),
            live: false,
        }
    }

    /// The position after what was taken last.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Takes what comes next, `batch` messages at most.
    pub fn next(&mut self, ring: &Ring, batch: usize) -> Next {
        if self.generation != ring.generation() {
            self.generation = ring.generation();
            self.cursor = ring.floor();
            self.live = false;
            return Next::Replaced;
        }
        if self.cursor.position.sequence < ring.floor().position.sequence {
            return Next::FellOut;
        }
        let waiting = self.waiting(ring);
        self.live |= waiting <= self.queue / 2;
        if self.live && waiting > self.queue {
            return self.drop_oldest(ring, waiting - self.queue);
        }
        self.take(ring, batch)
    }

    /// Messages between the position and the head.
    pub fn waiting(&self, ring: &Ring) -> u64 {
        let head = ring.head().position.sequence;
        head.saturating_sub(self.cursor.position.sequence)
    }

    /// Takes messages. When there are none, the reader is up to date only if the ring is current.
    fn take(&mut self, ring: &Ring, batch: usize) -> Next {
        let mut messages = Vec::new();
        for entry in ring.after(self.cursor.position.sequence) {
            if messages.len() == batch {
                break;
            }
            self.cursor = ring.cursor_of(entry);
            if entry.kind != Kind::Unreadable {
                messages.push(entry.encoded.clone());
            }
        }
        match messages.is_empty() {
            false => Next::Messages(messages),
            true if ring.is_current() => Next::Nothing,
            true => Next::Interrupted,
        }
    }

    fn drop_oldest(&mut self, ring: &Ring, count: u64) -> Next {
        let before = self.cursor;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let span: Vec<&Entry> = ring
            .after(self.cursor.position.sequence)
            .take(count)
            .collect();
        let of = |kind| span.iter().filter(move |entry| entry.kind == kind);
        let dropped = u64::try_from(of(Kind::Client).count()).unwrap_or(u64::MAX);
        let edges = (of(Kind::Client).next(), of(Kind::Client).next_back());
        let invalidations: Vec<_> = of(Kind::Invalidation)
            .map(|entry| entry.encoded.clone())
            .collect();
        if let Some(last) = span.last() {
            self.cursor = ring.cursor_of(last);
        }
        match edges {
            (Some(first), Some(last)) => Next::Lagged {
                before,
                dropped,
                from: ring.cursor_of(first),
                to: ring.cursor_of(last),
                invalidations,
            },
            _ if invalidations.is_empty() => Next::Nothing,
            _ => Next::Messages(invalidations),
        }
    }
}
