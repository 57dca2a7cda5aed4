//! Gathers questions that are asked at the same time into one.
//!
//! While a batch is on its way, further callers wait and go together in the next one. A few batches run side by side, so a
//! lone caller never waits for company.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use galaxy_service::Tasks;
use tokio::sync::oneshot;

/// Questions in one batch at most.
const BATCH: usize = 256;

/// Gathers callers of one kind of question. Cheap to clone.
pub struct Gather<Q, A> {
    tasks: Tasks,
    side_by_side: usize,
    state: Arc<Mutex<State<Q, A>>>,
}

struct State<Q, A> {
    waiting: Vec<(Q, oneshot::Sender<A>)>,
    running: usize,
}

/// The batch that a question was in ended without an answer; asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch ended without an answer")]
pub struct Unanswered;

impl<Q, A> Clone for Gather<Q, A> {
    fn clone(&self) -> Self {
        Self {
            tasks: self.tasks.clone(),
            side_by_side: self.side_by_side,
            state: self.state.clone(),
        }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Gather<Q, A> {
    /// Runs at most `side_by_side` batches at once, as tasks of `tasks`.
    pub fn new(tasks: Tasks, side_by_side: usize) -> Self {
        let state = State {
            waiting: vec![],
            running: 0,
        };
        Self {
            tasks,
            side_by_side,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Asks `question` together with those of others. `run` answers a batch, one answer for each question in its order.
    pub async fn ask<R, F>(&self, question: Q, run: R) -> Result<A, Unanswered>
    where
        R: Fn(Vec<Q>) -> F + Send + 'static,
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let starts = {
            let mut state = lock(&self.state);
            state.waiting.push((question, sender));
            let starts = state.running < self.side_by_side;
            state.running += usize::from(starts);
            starts
        };
        if starts {
            let mut running = Running {
                state: self.state.clone(),
                ended: false,
            };
            self.tasks.spawn("gather", async move {
                while let Some((questions, senders)) = running.take() {
                    let answers = run(questions).await;
                    for (sender, answer) in senders.into_iter().zip(answers) {
                        // A caller that went away needs no answer.
                        let _ = sender.send(answer);
                    }
                }
            });
        }
        receiver.await.map_err(|_| Unanswered)
    }
}

/// One running loop; gives its place back even if a batch panics.
struct Running<Q, A> {
    state: Arc<Mutex<State<Q, A>>>,
    ended: bool,
}

impl<Q, A> Running<Q, A> {
    /// The next batch. If nobody waits, the place is given back in the same step, so that no caller counts on this loop.
    fn take(&mut self) -> Option<(Vec<Q>, Vec<oneshot::Sender<A>>)> {
        let mut state = lock(&self.state);
        let size = state.waiting.len().min(BATCH);
        if size == 0 {
            state.running -= 1;
            self.ended = true;
            return None;
        }
        Some(state.waiting.drain(..size).unzip())
    }
}

impl<Q, A> Drop for Running<Q, A> {
    fn drop(&mut self) {
        if !self.ended {
            lock(&self.state).running -= 1;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn questions_asked_at_once_share_batches_and_each_gets_its_own_answer() {
        let gather = Gather::new(Tasks::new(), 2);
        let batches = Arc::new(AtomicUsize::new(0));
        let asked = (0..500_u32).map(|n| {
            let batches = batches.clone();
            gather.ask(n, move |questions: Vec<u32>| {
                batches.fetch_add(1, Ordering::SeqCst);
                async move {
                    tokio::task::yield_now().await;
                    questions.into_iter().map(|n| n * 2).collect()
                }
            })
        });
        let answers: Vec<_> = join_all(asked)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(answers, (0..500).map(|n| n * 2).collect::<Vec<_>>());
        assert!(batches.load(Ordering::SeqCst) <= 10, "{batches:?}");
    }

    #[tokio::test]
    async fn a_panic_fails_its_batch_and_not_the_ones_after_it() {
        let gather: Gather<u32, u32> = Gather::new(Tasks::new(), 1);
        let broken = gather.ask(1, |_| async { panic!("on purpose") });
        assert_eq!(broken.await, Err(Unanswered));
        assert_eq!(gather.ask(2, |q| async { q }).await, Ok(2));
    }
}
