//! Gathers questions that are asked at the same time into one.
//!
//! While a batch is on its way, further callers wait and go together in the next one: the larger a batch, the less each
//! question costs. A batch that takes long, or that only waits for its commit, is not waited for; the next one starts
//! beside it, as soon as it is half as large as the last one. A lone caller never waits.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use galaxy_http::ApiError;
use galaxy_service::Tasks;
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

/// Questions in one batch at most.
const BATCH: usize = 256;
/// A batch that takes longer holds nobody up.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long a batch waits at most for half as many as the last one had. Otherwise the first one to come back from a batch
/// would go by itself, and all others would wait for that.
const GATHERING: Duration = Duration::from_millis(2);
/// Batches on their way at once, those that take long included.
const SIDE_BY_SIDE: usize = 4;

/// Gathers callers of one kind of question. Cheap to clone.
pub struct Gather<Q, A> {
    tasks: Tasks,
    state: Arc<Mutex<State<Q, A>>>,
    /// Told when there are enough for a batch.
    enough: Arc<Notify>,
}

struct State<Q, A> {
    waiting: Vec<(Q, oneshot::Sender<A>)>,
    /// How many the last batch had.
    last: usize,
    running: usize,
    /// Those of the running batches that nobody waits for any more.
    passed: usize,
}

impl<Q, A> State<Q, A> {
    /// Counts one more runner, if there should be one for those who wait.
    fn starts(&mut self) -> bool {
        let starts =
            !self.waiting.is_empty() && self.running == self.passed && self.running < SIDE_BY_SIDE;
        self.running += usize::from(starts);
        starts
    }

    fn are_enough(&self) -> bool {
        self.waiting.len() >= self.last / 2
    }
}

/// The batch that a question was in ended without an answer; asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch ended without an answer")]
pub struct Unanswered;

impl<Q, A> Clone for Gather<Q, A> {
    fn clone(&self) -> Self {
        Self {
            tasks: self.tasks.clone(),
            state: self.state.clone(),
            enough: self.enough.clone(),
        }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Gather<Q, A> {
    /// Runs batches as tasks of `tasks`.
    pub fn new(tasks: Tasks) -> Self {
        let state = State {
            waiting: vec![],
            last: 0,
            running: 0,
            passed: 0,
        };
        Self {
            tasks,
            state: Arc::new(Mutex::new(state)),
            enough: Arc::new(Notify::new()),
        }
    }

    /// Asks `question` together with those of others. `run` answers a batch, one answer for each question in its order; it
    /// may pass its turn on before it is done.
    pub async fn ask<R, F>(&self, question: Q, run: R) -> Result<A, Unanswered>
    where
        R: Fn(Vec<Q>, Turn) -> F + Clone + Send + 'static,
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let starts = {
            let mut state = lock(&self.state);
            state.waiting.push((question, sender));
            if state.are_enough() {
                self.enough.notify_one();
            }
            state.starts()
        };
        if starts {
            self.start(run);
        }
        receiver.await.map_err(|_| Unanswered)
    }

    /// Waits until there are enough for a batch, but not for long.
    async fn gathered(&self) {
        let enough = async {
            while !lock(&self.state).are_enough() {
                self.enough.notified().await;
            }
        };
        // Those who are there go, if no more come.
        let _ = timeout(GATHERING, enough).await;
    }

    /// Starts a runner, which is counted already.
    fn start<R, F>(&self, run: R)
    where
        R: Fn(Vec<Q>, Turn) -> F + Clone + Send + 'static,
        F: Future<Output = Vec<A>> + Send + 'static,
    {
        let gather = self.clone();
        let mut runner = Runner {
            state: self.state.clone(),
            passed: false,
            ended: false,
        };
        self.tasks.spawn("gather", async move {
            while runner.goes_on() {
                gather.gathered().await;
                let (questions, senders) = runner.take();
                let turn = Turn::default();
                let mut answers = pin!(run(questions, turn.clone()));
                let passed = timeout(PATIENCE, turn.0.notified());
                let answers = tokio::select! {
                    biased;
                    answers = &mut answers => answers,
                    _ = passed => {
                        if runner.pass() {
                            gather.start(run.clone());
                        }
                        answers.await
                    }
                };
                for (sender, answer) in senders.into_iter().zip(answers) {
                    // A caller that went away needs no answer.
                    let _ = sender.send(answer);
                }
            }
        });
    }
}

/// A batch's turn: until it is passed on, the next batch waits, but for [`PATIENCE`] at most.
#[derive(Debug, Clone, Default)]
pub struct Turn(Arc<Notify>);

impl Turn {
    /// Lets the next batch begin.
    pub fn pass(&self) {
        self.0.notify_one();
    }
}

/// One running loop; gives its place back even if a batch panics.
struct Runner<Q, A> {
    state: Arc<Mutex<State<Q, A>>>,
    passed: bool,
    ended: bool,
}

type Taken<Q, A> = (Vec<Q>, Vec<oneshot::Sender<A>>);

impl<Q, A> Runner<Q, A> {
    /// Whether there is another batch for this loop. If nobody waits, or another runner is at it, the place is given back in
    /// the same step, so that no caller counts on this loop.
    fn goes_on(&mut self) -> bool {
        let mut state = lock(&self.state);
        state.passed -= usize::from(std::mem::take(&mut self.passed));
        let others_at_it = state.running - 1 > state.passed;
        self.ended = state.waiting.is_empty() || others_at_it;
        state.running -= usize::from(self.ended);
        !self.ended
    }

    /// The next batch. No other runner takes those who wait, since this one has not passed its turn on.
    fn take(&mut self) -> Taken<Q, A> {
        let mut state = lock(&self.state);
        state.last = state.waiting.len().min(BATCH);
        let size = state.last;
        state.waiting.drain(..size).unzip()
    }

    /// Nobody waits for this batch any more. Says whether another runner is to be started, which is counted then.
    fn pass(&mut self) -> bool {
        let mut state = lock(&self.state);
        state.passed += 1;
        self.passed = true;
        state.starts()
    }
}

impl<Q, A> Drop for Runner<Q, A> {
    fn drop(&mut self) {
        if !self.ended {
            let mut state = lock(&self.state);
            state.running -= 1;
            state.passed -= usize::from(self.passed);
            if state.running == state.passed {
                // Nobody would come for those who wait.
                state.waiting.clear();
            }
        }
    }
}

/// Works on a batch as a whole. If that fails, each question is worked on by itself, so that none suffers for another.
/// `work` gives one answer for each question, in their order.
pub async fn whole_or_each<'a, Q, A, F>(
    batch: &'a [Q],
    work: impl Fn(&'a [Q]) -> F,
) -> Vec<Result<A, ApiError>>
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
            Err(error) => answers.push(Err(error.into())),
        }
    }
    answers
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn questions_asked_at_once_share_batches_and_each_gets_its_own_answer() {
        let gather = Gather::new(Tasks::new());
        let batches = Arc::new(AtomicUsize::new(0));
        let asked = (0..500_u32).map(|n| {
            let batches = batches.clone();
            gather.ask(n, move |questions: Vec<u32>, _| {
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
        let gather: Gather<u32, u32> = Gather::new(Tasks::new());
        let broken = gather.ask(1, |_, _| async { panic!("on purpose") });
        assert_eq!(broken.await, Err(Unanswered));
        assert_eq!(gather.ask(2, |q, _| async { q }).await, Ok(2));
    }

    #[tokio::test]
    async fn who_waits_behind_a_panic_is_told() {
        let gather: Gather<u32, u32> = Gather::new(Tasks::new());
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let run = {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            move |_, _| {
                let (begun, go_on) = (begun.clone(), go_on.clone());
                async move {
                    begun.notify_one();
                    go_on.notified().await;
                    panic!("on purpose")
                }
            }
        };
        let inside = gather.ask(1, run.clone());
        let waiting = async {
            begun.notified().await;
            let mut asked = pin!(gather.ask(2, run));
            assert!(futures_util::poll!(&mut asked).is_pending());
            go_on.notify_one();
            timeout(Duration::from_secs(5), asked).await
        };
        let answers = futures_util::future::join(inside, waiting).await;
        assert_eq!(answers, (Err(Unanswered), Ok(Err(Unanswered))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_hangs_holds_nobody_up_for_longer_than_the_patience() {
        let gather: Gather<u32, u32> = Gather::new(Tasks::new());
        let hang = |questions: Vec<u32>, _| async move {
            if questions.contains(&0) {
                std::future::pending::<()>().await;
            }
            questions
        };
        for hanging in 0..SIDE_BY_SIDE - 1 {
            let asked = gather.ask(0, hang);
            let since = Instant::now();
            assert!(timeout(PATIENCE / 2, asked).await.is_err(), "{hanging}");
            assert_eq!(gather.ask(1, hang).await, Ok(1), "{hanging}");
            assert!(since.elapsed() <= PATIENCE * 2, "{:?}", since.elapsed());
            let many = join_all((2..50).map(|n| gather.ask(n, hang))).await;
            assert!(many.into_iter().all(|answer| answer.is_ok()), "{hanging}");
        }
    }

    #[tokio::test]
    async fn a_slow_batch_leaves_its_place_when_it_ends() {
        let gather: Gather<u64, u64> = Gather::new(Tasks::new());
        let wait = |questions: Vec<u64>, _| async move {
            let longest = questions.iter().max().copied().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(longest)).await;
            questions
        };
        let slow = (0..2).map(|_| gather.ask(60, wait));
        let quick = (0..20).map(|n| gather.ask(n % 3, wait));
        let (slow, quick) = futures_util::future::join(join_all(slow), join_all(quick)).await;
        assert!(slow.into_iter().chain(quick).all(|answer| answer.is_ok()));
        assert_eq!(gather.ask(1, wait).await, Ok(1));
        let state = lock(&gather.state);
        assert_eq!((state.passed, state.waiting.len()), (0, 0));
        assert!(state.running <= 1, "{}", state.running);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_passed_its_turn_on_is_not_waited_for() {
        let gather: Gather<u32, u32> = Gather::new(Tasks::new());
        let committed = Arc::new(Notify::new());
        let commit = committed.clone();
        let run = move |questions: Vec<u32>, turn: Turn| {
            let commit = commit.clone();
            async move {
                turn.pass();
                if questions.contains(&0) {
                    commit.notified().await;
                }
                questions
            }
        };
        let since = Instant::now();
        let first = gather.ask(0, run.clone());
        let second = async {
            tokio::task::yield_now().await;
            let answer = gather.ask(1, run).await;
            committed.notify_one();
            answer
        };
        let answers = futures_util::future::join(first, second).await;
        assert_eq!(answers, (Ok(0), Ok(1)));
        assert_eq!(since.elapsed(), Duration::ZERO, "nobody had to be patient");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_come_back_waits_for_half_of_the_others_but_not_for_long() {
        let gather: Gather<u32, usize> = Gather::new(Tasks::new());
        let size = |questions: Vec<u32>, _| async move { vec![questions.len(); questions.len()] };
        assert_eq!(gather.ask(0, size).await, Ok(1));
        let ten = join_all((0..10).map(|n| gather.ask(n, size))).await;
        assert_eq!(ten, [Ok(10); 10]);

        let since = Instant::now();
        let others = async {
            tokio::time::sleep(GATHERING / 2).await;
            join_all((0..4).map(|n| gather.ask(n, size))).await
        };
        let (first, others) = futures_util::future::join(gather.ask(0, size), others).await;
        assert_eq!((first, others), (Ok(5), vec![Ok(5); 4]));
        assert_eq!(since.elapsed(), GATHERING / 2);

        let since = Instant::now();
        assert_eq!(gather.ask(0, size).await, Ok(1));
        let waited = since.elapsed();
        assert!(waited <= GATHERING * 2, "{waited:?}");
        assert_eq!(gather.ask(0, size).await, Ok(1));
        assert_eq!(since.elapsed(), waited, "a lone caller never waits");
    }

    #[tokio::test]
    async fn a_question_that_fails_fails_alone() {
        let work = async |part: Vec<u32>| {
            let broken = part.contains(&2);
            let answers = part.into_iter().map(|n| n * 10).collect::<Vec<_>>();
            (!broken)
                .then_some(answers)
                .ok_or(sqlx::Error::RowNotFound.into())
        };
        let answers = whole_or_each(&[1, 2, 3], |part| work(part.to_vec())).await;
        let answers: Vec<Option<u32>> = answers.into_iter().map(Result::ok).collect();
        assert_eq!(answers, [Some(10), None, Some(30)]);
    }
}
