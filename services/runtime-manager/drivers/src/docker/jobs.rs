//! Work that goes on after the verb that began it has returned.

use std::{collections::HashMap, future::Future, hash::Hash, sync::Arc, time::Duration};

use galaxy_service::tasks::Tasks;
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};
use tracing::Instrument as _;

use crate::Result;

/// At most one piece of work a key. What became of it is kept until somebody takes it.
pub(super) struct Jobs<K, T> {
    name: &'static str,
    entries: Arc<Mutex<HashMap<K, Job<T>>>>,
    tasks: Tasks,
}

/// One piece of work, under way or done.
#[derive(Clone)]
struct Job<T> {
    about: T,
    text: watch::Receiver<String>,
    serial: u64,
    done: Option<(Result<()>, Instant)>,
}

/// What there is of a piece of work.
pub(super) enum Seen<T> {
    /// Under way.
    Running {
        /// What it is about.
        about: T,
        /// For operators.
        why: String,
    },
    /// Done.
    Done {
        /// What it was about.
        about: T,
        /// How it went.
        result: Result<()>,
        /// When.
        at: Instant,
    },
}

/// Where a piece of work says how far it is.
pub(super) type Progress = watch::Sender<String>;

impl<K, T> Jobs<K, T>
where
    K: Eq + Hash + Clone + Send + 'static,
    T: Copy + Send + 'static,
{
    pub(super) fn new(name: &'static str, tasks: &Tasks) -> Self {
        Self {
            name,
            entries: Arc::default(),
            tasks: tasks.clone(),
        }
    }

    /// Begins `work` for `key`, unless there is some already. Its result replaces what was kept.
    pub(super) fn begin<F>(&self, key: K, about: T, work: impl FnOnce(Progress) -> F)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (progress, text) = watch::channel("begins".to_owned());
        let mut jobs = self.entries.lock();
        let serial = match jobs.get(&key) {
            Some(job) if job.done.is_none() => return,
            Some(job) => job.serial + 1,
            None => 0,
        };
        let job = Job {
            about,
            text,
            serial,
            done: None,
        };
        jobs.insert(key.clone(), job);
        drop(jobs);
        let mut end = End {
            entries: self.entries.clone(),
            key,
            serial,
            result: None,
        };
        // The work gets the only sender, and the receivers wake when it goes: after `end` has told the result.
        let work = work(progress.clone());
        let job = async move {
            end.result = Some(work.await);
            drop(end);
            drop(progress);
        };
        self.tasks.spawn(self.name, job.in_current_span());
    }

    /// What there is for `key`.
    pub(super) fn look(&self, key: &K) -> Option<Seen<T>> {
        let job = self.entries.lock().get(key).cloned()?;
        Some(match job.done {
            Some((result, at)) => Seen::Done {
                about: job.about,
                result,
                at,
            },
            None => Seen::Running {
                about: job.about,
                why: job.text.borrow().clone(),
            },
        })
    }

    /// Waits for the work on `key`, `limit` at most.
    pub(super) async fn wait(&self, key: &K, limit: Duration) {
        let text = self.entries.lock().get(key).map(|job| job.text.clone());
        if let Some(mut text) = text {
            let ended = async { while text.changed().await.is_ok() {} };
            // Work that takes longer goes on; the caller looks again.
            let _ = tokio::time::timeout(limit, ended).await;
        }
    }

    /// Forgets what is kept for `key`; work that is under way goes on.
    pub(super) fn forget(&self, key: &K) {
        let mut jobs = self.entries.lock();
        if jobs.get(key).is_some_and(|job| job.done.is_some()) {
            jobs.remove(key);
        }
    }
}

/// Tells the result when the work ends, also by a panic or a shutdown: then there is none.
struct End<K: Eq + Hash, T> {
    entries: Arc<Mutex<HashMap<K, Job<T>>>>,
    key: K,
    serial: u64,
    result: Option<Result<()>>,
}

impl<K: Eq + Hash, T> Drop for End<K, T> {
    fn drop(&mut self) {
        let mut jobs = self.entries.lock();
        match (self.result.take(), jobs.get_mut(&self.key)) {
            (Some(result), Some(job)) if job.serial == self.serial => {
                job.done = Some((result, Instant::now()));
            }
            (None, Some(job)) if job.serial == self.serial => {
                jobs.remove(&self.key);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;
    use crate::DriverError;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn work_is_done_once_and_its_result_is_kept_until_it_is_taken() {
        let jobs = Jobs::new("test", &Tasks::new());
        let (go, gone) = oneshot::channel::<()>();
        jobs.begin("a", 1, |progress| async move {
            progress.send_replace("half".to_owned());
            let _ = gone.await;
            Err(DriverError::TimedOut)
        });
        jobs.begin("a", 2, |_| async { panic!("there is work on it already") });
        jobs.wait(&"a", Duration::ZERO).await;
        assert!(matches!(
            jobs.look(&"a"),
            Some(Seen::Running { about: 1, .. })
        ));
        jobs.forget(&"a");
        go.send(()).unwrap();
        jobs.wait(&"a", LIMIT).await;
        let seen = jobs.look(&"a");
        assert!(matches!(
            seen,
            Some(Seen::Done {
                about: 1,
                result: Err(DriverError::TimedOut),
                ..
            })
        ));
        jobs.forget(&"a");
        assert!(jobs.look(&"a").is_none());
    }

    #[tokio::test]
    async fn work_that_panics_or_is_cut_off_leaves_nothing() {
        let tasks = Tasks::new();
        let jobs = Jobs::new("test", &tasks);
        jobs.begin("a", (), |_| async { panic!("of the test") });
        jobs.wait(&"a", LIMIT).await;
        assert!(jobs.look(&"a").is_none());
        jobs.begin("b", (), |_| pending());
        tasks.shut_down(Duration::ZERO).await;
        jobs.wait(&"b", LIMIT).await;
        assert!(jobs.look(&"b").is_none());
    }
}
