//! Batching: requests of one kind that arrive at the same time go through the database together.
//!
//! One task per [`Batcher`] takes what waits in a bounded queue and runs it as a batch; what arrives meanwhile waits for the
//! next one, so batches grow with the load and each request costs less. The next batch begins when the [`BatchPermit`] of
//! the one before is released, at the latest after [`MAX_HOLD`], and once half as many requests wait as the last batch had.

use std::{future::Future, sync::Arc, time::Duration};

use galaxy_core::DependencyError;
use galaxy_service::Tasks;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

/// Requests in one batch at most.
const MAX_BATCH: usize = 256;
/// Requests that wait for a batch at most; further callers wait until there is room.
const QUEUE: usize = 4 * MAX_BATCH;
/// How long a batch may hold its permit; after that the next one begins beside it.
const MAX_HOLD: Duration = Duration::from_millis(20);
/// How long a batch waits for half as many requests as the last one had. The answers of a batch wake many callers at once:
/// without this, the first to come back would go alone, and all others would wait for it.
const MAX_FILL: Duration = Duration::from_millis(2);
/// Batches in flight, those included that released their permit.
const MAX_IN_FLIGHT: usize = 4;

/// Runs requests in batches. Cheap to clone; ends with its last clone, so what `run` holds must not hold a clone.
#[derive(Debug)]
pub struct Batcher<Q, A>(mpsc::Sender<Waiting<Q, A>>);

#[derive(Debug)]
struct Waiting<Q, A> {
    request: Q,
    answer: oneshot::Sender<A>,
    span: Span,
}

/// The batch ended without an answer to the request: it panicked, or the process stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch ended without an answer")]
pub struct BatchError;

impl DependencyError for BatchError {
    fn is_unavailable(&self) -> bool {
        true
    }
}

/// Keeps the next batch from beginning until it is released or dropped.
#[derive(Debug)]
pub struct BatchPermit(CancellationToken);

impl BatchPermit {
    /// Lets the next batch begin; further calls change nothing.
    pub fn release(&self) {
        self.0.cancel();
    }
}

impl Drop for BatchPermit {
    fn drop(&mut self) {
        self.release();
    }
}

impl<Q, A> Clone for Batcher<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Send + 'static, A: Send + 'static> Batcher<Q, A> {
    /// A batcher whose batches are answered by `run`: one answer for each request, in their order.
    pub fn new<R, F>(tasks: &Tasks, run: R) -> Self
    where
        R: Fn(Vec<Q>, BatchPermit) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (sender, queue) = mpsc::channel(QUEUE);
        tasks.spawn("batches", dispatch(queue, tasks.clone(), Arc::new(run)));
        Self(sender)
    }

    /// Puts `request` into a batch and waits for its answer.
    pub async fn submit(&self, request: Q) -> Result<A, BatchError> {
        let (answer, answered) = oneshot::channel();
        let span = Span::current();
        let waiting = Waiting {
            request,
            answer,
            span,
        };
        self.0.send(waiting).await.map_err(|_| BatchError)?;
        answered.await.map_err(|_| BatchError)
    }
}

/// Runs batches until the last [`Batcher`] is gone. Each is a task of its own, so that a panic fails that batch only.
async fn dispatch<Q, A, R, F>(mut queue: mpsc::Receiver<Waiting<Q, A>>, tasks: Tasks, run: Arc<R>)
where
    Q: Send + 'static,
    A: Send + 'static,
    R: Fn(Vec<Q>, BatchPermit) -> F + Send + Sync + 'static,
    F: Future<Output = Vec<A>> + Send + 'static,
{
    let in_flight = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let mut last = 0;
    while let Ok(slot) = in_flight.clone().acquire_owned().await {
        let batch = next_batch(&mut queue, last / 2).await;
        // Database spans of a batch belong to the trace of its first request.
        let Some(span) = batch.first().map(|first| first.span.clone()) else {
            return;
        };
        last = batch.len();
        let (requests, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.request, waiting.answer))
            .unzip();
        let (released, run) = (CancellationToken::new(), run.clone());
        let permit = BatchPermit(released.clone());
        let batch = async move {
            for (waiting, answer) in answers.into_iter().zip(run(requests, permit).await) {
                // A caller that went away needs no answer.
                let _ = waiting.send(answer);
            }
            drop(slot);
        };
        tasks.spawn("batch", batch.instrument(span));
        let _ = timeout(MAX_HOLD, released.cancelled()).await;
    }
}

/// What waits, as soon as there is something, but for up to [`MAX_FILL`] until it is `enough`; empty at the end.
async fn next_batch<T>(queue: &mut mpsc::Receiver<T>, enough: usize) -> Vec<T> {
    let mut batch = vec![];
    queue.recv_many(&mut batch, MAX_BATCH).await;
    let fill = async {
        while batch.len() < enough {
            let room = MAX_BATCH - batch.len();
            if queue.recv_many(&mut batch, room).await == 0 {
                break;
            }
        }
    };
    // Those that are there go, if no more come.
    let _ = timeout(MAX_FILL, fill).await;
    batch
}

/// Works on a batch as a whole. If that fails, works on each request by itself, so that one that cannot be answered fails
/// alone. `work` gives one answer for each request, in their order.
pub async fn whole_or_each<'a, Q, A, F>(
    batch: &'a [Q],
    work: impl Fn(&'a [Q]) -> F,
) -> Vec<galaxy_store::Result<A>>
where
    F: Future<Output = galaxy_store::Result<Vec<A>>>,
{
    if batch.len() > 1
        && let Ok(answers) = work(batch).await
    {
        return answers.into_iter().map(Ok).collect();
    }
    let mut answers = vec![];
    for one in batch.chunks(1) {
        match work(one).await {
            Ok(answer) => answers.extend(answer.into_iter().map(Ok)),
            Err(error) => answers.push(Err(error)),
        }
    }
    answers
}

#[cfg(test)]
mod tests;
