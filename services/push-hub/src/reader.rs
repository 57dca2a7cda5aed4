//! One connection's way through the ring: what it is given next, and what it is told when it lags.
//!
//! Pure: the connection asks whenever it can send. The distance between position and head is its
//! queue; when that grows beyond the limit, the oldest client events are passed over.

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::ring::{Entry, Kind, Ring};

/// What to send next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing: wait for a change.
    Nothing,
    /// These messages.
    Messages(Vec<Bytes>),
    /// A notice of what was passed over, then the invalidations of that span.
    Lagged {
        /// The position before the span. The notice carries it, so that a connection that breaks
        /// before the invalidations are through is resumed before them.
        before: Cursor,
        /// Client events that were left out.
        dropped: u64,
        /// The first of them.
        from: Cursor,
        /// The last of them.
        to: Cursor,
        /// Encoded invalidations of the span, all of them.
        invalidations: Vec<Bytes>,
    },
    /// The stream was replaced: tell, and go on at the beginning of the new one.
    Replaced,
    /// The broker cannot be read, so that there may be messages that are not in the ring: the
    /// connection must end, lest the gateway believe that it hears of every ended session.
    Interrupted,
    /// Messages went out of the window before they could be sent, perhaps invalidations among
    /// them: the connection must end.
    FellOut,
}

/// A connection's position.
#[derive(Debug)]
pub struct Reader {
    generation: u64,
    position: Cursor,
    /// Longest distance to the head before client events are dropped.
    queue: u64,
    /// Whether what was missed before the connection began has been sent. Until then the distance
    /// is no fault of the reader, and nothing is dropped.
    live: bool,
}

impl Reader {
    /// Begins at `position`, with a queue of `queue` messages.
    pub fn new(ring: &Ring, position: Cursor, queue: u64) -> Self {
        Self {
            generation: ring.generation(),
            position,
            queue: queue.max(1),
            live: false,
        }
    }

    /// The position after what was taken last.
    pub fn position(&self) -> Cursor {
        self.position
    }

    /// Takes what comes next, `batch` messages at most.
    pub fn next(&mut self, ring: &Ring, batch: usize) -> Next {
        if self.generation != ring.generation() {
            self.generation = ring.generation();
            self.position = ring.floor();
            self.live = false;
            return Next::Replaced;
        }
        if self.position.sequence < ring.floor().sequence {
            return Next::FellOut;
        }
        let waiting = self.waiting(ring);
        self.live |= waiting <= self.queue / 2;
        if self.live && waiting > self.queue {
            return self.pass_over(ring, waiting - self.queue);
        }
        self.take(ring, batch)
    }

    /// Messages between the position and the head.
    pub fn waiting(&self, ring: &Ring) -> u64 {
        ring.head().sequence.saturating_sub(self.position.sequence)
    }

    /// Takes messages; when there are none, the reader is up to date only if the ring is.
    fn take(&mut self, ring: &Ring, batch: usize) -> Next {
        let mut messages = Vec::new();
        for entry in ring.after(self.position.sequence) {
            if messages.len() == batch {
                break;
            }
            self.position = ring.cursor_of(entry);
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

    fn pass_over(&mut self, ring: &Ring, count: u64) -> Next {
        let before = self.position;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let span: Vec<&Entry> = ring.after(self.position.sequence).take(count).collect();
        let of = |kind| span.iter().filter(move |entry| entry.kind == kind);
        let dropped = u64::try_from(of(Kind::Client).count()).unwrap_or(u64::MAX);
        let edges = (of(Kind::Client).next(), of(Kind::Client).next_back());
        let invalidations: Vec<_> = of(Kind::Invalidation)
            .map(|entry| entry.encoded.clone())
            .collect();
        if let Some(last) = span.last() {
            self.position = ring.cursor_of(last);
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
