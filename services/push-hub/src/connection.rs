//! One gateway's subscription: a stream of encoded messages, read from the ring.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, stream};
use galaxy_core::Clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    feed::Feed,
    metrics::Metrics,
    reader::{Next, Reader},
    registry::Registration,
    ring::{Ring, Start},
    status,
};

/// Messages taken from the ring at once.
const BATCH: usize = 64;
/// How long a subscription waits for this replica to reach its cursor, or to read its first window.
const CATCH_UP: Duration = Duration::from_secs(5);

/// What connections share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The ring.
    pub feed: Feed,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
    /// How far behind a gateway may be, messages.
    pub queue: u64,
    /// Pause after which a silent stream sends a heartbeat.
    pub heartbeat: Duration,
    /// Cancelled when the process drains.
    pub draining: CancellationToken,
}

/// A subscription.
pub struct Connection {
    context: Context,
    registration: Registration,
    reader: Reader,
    changes: watch::Receiver<u64>,
    waiting: VecDeque<Bytes>,
    ended: bool,
}

impl Connection {
    /// Begins a subscription behind `cursor`. Fails with UNAVAILABLE while this replica has not yet
    /// read its window.
    pub async fn begin(
        context: Context,
        registration: Registration,
        cursor: &str,
    ) -> Result<Self, Status> {
        let mut changes = context.feed.changes();
        let (start, reader) = start(&context, &mut changes, cursor).await?;
        let now = context.clock.now();
        let (outcome, first) = match start {
            Start::Resumed(from) => ("resumed", status::resumed(now, from)),
            Start::Reset(reason, at) => (reason, status::reset(now, at, reason)),
            Start::NotYet => return Err(not_ready()),
        };
        registration.took(reader.cursor().position.sequence);
        context.metrics.started(outcome);
        context.metrics.connections.add(1, &[]);
        Ok(Self {
            context,
            registration,
            reader,
            changes,
            waiting: VecDeque::from([first]),
            ended: false,
        })
    }

    /// The encoded messages, until the gateway disconnects or the server ends the subscription.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Status>> + Send + 'static {
        stream::unfold(self, |mut connection| async move {
            let item = connection.next().await?;
            Some((item, connection))
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, Status>> {
        while !self.ended {
            if self.registration.replaced().is_cancelled() {
                let status = Status::aborted("a newer subscription took over");
                return Some(Err(self.end("replaced", status)));
            }
            if let Some(message) = self.waiting.pop_front() {
                return Some(Ok(message));
            }
            // Marked as seen before the ring is read, so that a change in between wakes the wait.
            self.changes.borrow_and_update();
            self.registration
                .took(self.reader.cursor().position.sequence);
            let (behind, next) = self
                .context
                .feed
                .with(|ring| (self.reader.waiting(ring), self.reader.next(ring, BATCH)));
            match next {
                Next::Nothing => {
                    if let Some(end) = self.wait().await {
                        return Some(Err(end));
                    }
                }
                Next::Interrupted => {
                    let status = Status::unavailable("the broker cannot be read at present");
                    return Some(Err(self.end("interrupted", status)));
                }
                Next::FellOut => {
                    let status = Status::data_loss("too far behind; resume with the last cursor");
                    return Some(Err(self.end("fell_out", status)));
                }
                next => {
                    self.context.metrics.behind(behind);
                    self.queue(next);
                }
            }
        }
        None
    }

    /// Queues what was taken from the ring.
    fn queue(&mut self, next: Next) {
        let now = self.context.clock.now();
        match next {
            Next::Messages(messages) => self.waiting.extend(messages),
            Next::Lagged {
                before,
                dropped,
                from,
                to,
                invalidations,
            } => {
                self.context.metrics.dropped(dropped);
                self.waiting
                    .push_back(status::lagged(now, before, dropped, from, to));
                self.waiting.extend(invalidations);
            }
            Next::Replaced => {
                let cursor = self.reader.cursor();
                self.waiting
                    .push_back(status::reset(now, cursor, "stream_replaced"));
            }
            Next::Nothing | Next::Interrupted | Next::FellOut => {}
        }
    }

    /// Waits for a change; sends a heartbeat when none comes in time. Returns why the stream ends, if it does.
    async fn wait(&mut self) -> Option<Status> {
        tokio::select! {
            _ = self.changes.changed() => None,
            () = self.registration.replaced().cancelled() => None,
            () = self.context.draining.cancelled() => {
                Some(self.end("draining", Status::unavailable("the server restarts")))
            }
            () = tokio::time::sleep(self.context.heartbeat) => {
                let heartbeat = status::heartbeat(self.context.clock.now(), self.reader.cursor());
                self.waiting.push_back(heartbeat);
                None
            }
        }
    }

    fn end(&mut self, reason: &'static str, status: Status) -> Status {
        self.ended = true;
        self.waiting.clear();
        self.context.metrics.ended(reason);
        status
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.context.metrics.connections.add(-1, &[]);
    }
}

/// Finds where to begin; waits until this replica has read that far.
async fn start(
    context: &Context,
    changes: &mut watch::Receiver<u64>,
    cursor: &str,
) -> Result<(Start, Reader), Status> {
    let at = |ring: &Ring, start: Start| {
        let cursor = match start {
            Start::Resumed(at) | Start::Reset(_, at) => at,
            Start::NotYet => return None,
        };
        Some((start, Reader::new(ring, cursor, context.queue)))
    };
    let started = async {
        loop {
            changes.borrow_and_update();
            let begun = context.feed.with(|ring| at(ring, ring.start(cursor)));
            if let Some(begun) = begun {
                return begun;
            }
            let _ = changes.changed().await;
        }
    };
    match tokio::time::timeout(CATCH_UP, started).await {
        Ok(begun) => Ok(begun),
        Err(_) => context
            .feed
            .with(|ring| ring.start_ahead().and_then(|start| at(ring, start)))
            .ok_or_else(not_ready),
    }
}

fn not_ready() -> Status {
    Status::unavailable("this replica has not read the stream yet")
}
