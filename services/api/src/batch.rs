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
/// Classes of SQLSTATE that one request may cause: cardinality, data, integrity constraint, rollback (a smaller transaction
/// may avoid a deadlock), program limit, waited too long for the lock of a row, raised by a function.
const REQUEST_CLASSES: [&str; 7] = ["21", "22", "23", "40", "54", "55P03", "P0"];
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
    // When the time is over, the batch goes with what it has.
    let _ = timeout(MAX_FILL, fill).await;
    batch
}

/// The outcome of one request of a batch. Requests that fail together share the error.
pub type BatchResult<A> = Result<A, Arc<galaxy_store::Error>>;

/// Works on a batch as a whole. If that fails by what one request may have caused, works on each request by itself, so that
/// a request that cannot be answered fails alone. Any other failure, such as a lost connection, fails all requests at once:
/// 256 further tries would each wait for the database to come back. `work` gives one answer for each request, in order.
pub async fn whole_or_each<'a, Q, A, F>(
    batch: &'a [Q],
    work: impl Fn(&'a [Q]) -> F,
) -> Vec<BatchResult<A>>
where
    F: Future<Output = galaxy_store::Result<Vec<A>>>,
{
    let whole = work(batch).await;
    let is_tried_again = batch.len() > 1 && whole.as_ref().is_err_and(may_be_of_one_request);
    if !is_tried_again {
        return answers_or_error(batch.len(), whole);
    }
    let mut answers = vec![];
    for one in batch.chunks(1) {
        answers.extend(answers_or_error(1, work(one).await));
    }
    answers
}

/// The answers to `requests` requests, or the one error for each.
fn answers_or_error<A>(
    requests: usize,
    worked: galaxy_store::Result<Vec<A>>,
) -> Vec<BatchResult<A>> {
    match worked {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(error) => {
            let error = Arc::new(error);
            (0..requests).map(|_| Err(error.clone())).collect()
        }
    }
}

/// Whether a batch may succeed without one of its requests.
fn may_be_of_one_request(error: &galaxy_store::Error) -> bool {
    match error {
        galaxy_store::Error::Unexpected(_)
        | galaxy_store::Error::Query(sqlx::Error::Encode(_) | sqlx::Error::Decode(_)) => true,
        galaxy_store::Error::Query(sqlx::Error::Database(error)) => error
            .code()
            .is_some_and(|code| REQUEST_CLASSES.iter().any(|class| code.starts_with(class))),
        galaxy_store::Error::Query(_) | galaxy_store::Error::NoConnection(_) => false,
    }
}

#[cfg(test)]
mod tests;
