//! Background tasks that shutdown waits for. A first token asks them to take no new work; a second one, cancelled at the deadline, aborts them.
//!
//! [`Tasks::spawn`] runs something once, [`Tasks::every`] repeats a short run, [`Tasks::supervise`] restarts a loop of its own.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use opentelemetry::{KeyValue, metrics::Counter};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::telemetry::meter;

/// How long after a panic a loop or a periodic task starts again.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Spawns and supervises the background tasks of a process. Cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    drain: CancellationToken,
    abort: CancellationToken,
    panics: Counter<u64>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// Without tasks, not draining.
    pub fn new() -> Self {
        let panics = meter()
            .u64_counter("galaxy.task.panics")
            .with_description("Panics caught in background tasks")
            .build();
        Self {
            tracker: TaskTracker::new(),
            drain: CancellationToken::new(),
            abort: CancellationToken::new(),
            panics,
        }
    }

    /// Cancelled when the process begins to drain: tasks finish their current work and take no new work.
    pub fn draining(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Runs `future` once. A panic in it is logged and counted, and ends only this task.
    ///
    /// It runs outside of the caller's span, which would stay open as long. Work that belongs to it says
    /// `.in_current_span()`.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (abort, panics) = (self.abort.clone(), self.panics.clone());
        panics.add(0, &[KeyValue::new("task", name)]);
        let guarded = async move {
            tokio::select! {
                () = abort.cancelled() => {}
                _ = catch_panic(name, &panics, future) => {}
            }
        };
        self.start(guarded);
    }

    /// Runs a loop for as long as the process lives. A loop that panics is started again after a second.
    ///
    /// `make` returns the loop's future; it should return when [`Tasks::draining`] is cancelled.
    pub fn supervise<F, M>(&self, name: &'static str, make: M)
    where
        F: Future<Output = ()> + Send + 'static,
        M: Fn() -> F + Send + Sync + 'static,
    {
        let (draining, panics) = (self.draining(), self.panics.clone());
        self.spawn(name, async move {
            while catch_panic(name, &panics, async { make().await })
                .await
                .is_none()
                && !draining.is_cancelled()
            {
                tokio::time::sleep(RESTART_DELAY).await;
            }
        });
    }

    /// Calls `run` at once and then again and again, a period after the end of the last run, until the process drains.
    ///
    /// Runs never overlap, and one that takes long delays the next. A run that is under way when the process drains is
    /// awaited; [`Schedule::with_final_run`] adds another one. A run returns `()`, or when the [`Next`] one starts.
    /// A panic is logged and counted, and ends that run only; the next one starts a second later.
    ///
    /// State that one run leaves for the next belongs in an `Arc`, since each run is a future of its own.
    pub fn every<F, R>(&self, name: &'static str, schedule: impl Into<Schedule>, mut run: R)
    where
        F: Future<Output: Into<Next>> + Send + 'static,
        R: FnMut() -> F + Send + 'static,
    {
        let (schedule, draining, panics) = (schedule.into(), self.draining(), self.panics.clone());
        self.spawn(name, async move {
            while !draining.is_cancelled() {
                let next = catch_panic(name, &panics, async { run().await.into() }).await;
                tokio::select! {
                    () = draining.cancelled() => {}
                    () = schedule.wait(next) => {}
                }
            }
            if schedule.final_run {
                catch_panic(name, &panics, async { run().await.into() }).await;
            }
        });
    }

    /// Asks all tasks to finish and waits for them, `deadline` at most; then aborts the rest. Returns whether all finished.
    pub async fn shut_down(&self, deadline: Duration) -> bool {
        self.drain.cancel();
        self.tracker.close();
        let finished = tokio::time::timeout(deadline, self.tracker.wait())
            .await
            .is_ok();
        self.abort.cancel();
        finished
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "every other task is spawned through this function"
    )]
    fn start(&self, future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.tracker.track_future(future));
    }
}

/// When the runs of [`Tasks::every`] start. A plain [`Duration`] is the schedule with that period.
#[derive(Debug, Clone)]
pub struct Schedule {
    period: Duration,
    notify: Option<Arc<Notify>>,
    final_run: bool,
}

/// When the next run starts, as seen by the run before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// After the schedule's period.
    AfterPeriod,
    /// After this long instead, which may be zero.
    After(Duration),
}

impl Schedule {
    /// A run at once, and one each `period`.
    pub const fn period(period: Duration) -> Self {
        Self {
            period,
            notify: None,
            final_run: false,
        }
    }

    /// Also starts a run when `notify.notify_one()` is called. A notification during a run starts another one after it.
    #[must_use]
    pub fn woken_by(mut self, notify: Arc<Notify>) -> Self {
        self.notify = Some(notify);
        self
    }

    /// Adds a run when the process drains, to write what is still in memory.
    #[must_use]
    pub const fn with_final_run(mut self) -> Self {
        self.final_run = true;
        self
    }

    /// Waits for the start of the next run; `next` is `None` if the last one panicked, which no notification cuts short.
    async fn wait(&self, next: Option<Next>) {
        let period = match next {
            None => return tokio::time::sleep(RESTART_DELAY).await,
            Some(Next::AfterPeriod) => self.period,
            Some(Next::After(pause)) => pause,
        };
        let notified = async {
            match &self.notify {
                Some(notify) => notify.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = notified => {}
            () = tokio::time::sleep(period) => {}
        }
    }
}

impl From<Duration> for Schedule {
    fn from(period: Duration) -> Self {
        Self::period(period)
    }
}

impl From<()> for Next {
    fn from((): ()) -> Self {
        Self::AfterPeriod
    }
}

impl From<Duration> for Next {
    fn from(pause: Duration) -> Self {
        Self::After(pause)
    }
}

/// Awaits `future`; `None` if it panicked.
async fn catch_panic<T>(
    name: &'static str,
    panics: &Counter<u64>,
    future: impl Future<Output = T>,
) -> Option<T> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(output) => Some(output),
        Err(panic) => {
            panics.add(1, &[KeyValue::new("task", name)]);
            tracing::error!(
                task = name,
                panic = panic_message(&*panic),
                "a background task panicked"
            );
            None
        }
    }
}

/// The text a panic was raised with, if it was a text.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests;
