//! Tasks that shutdown waits for. A token says "take no new work"; a second one, after the deadline, "stop now".

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use opentelemetry::{KeyValue, metrics::Counter};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::telemetry::meter;

/// Spawns and supervises the process's loops. Cheap to clone.
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
    /// No tasks yet, not draining.
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

    /// Cancelled when the process begins to drain: finish what you have, take nothing new.
    pub fn draining(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Runs `future` once. A panic in it is logged and counted, and ends only this task.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (abort, panics) = (self.abort.clone(), self.panics.clone());
        let guarded = async move {
            tokio::select! {
                () = abort.cancelled() => {}
                _ = catch_panic(name, &panics, future) => {}
            }
        };
        self.start(guarded);
    }

    /// Runs a loop for as long as the process lives: begun anew, after a second, whenever it panics.
    ///
    /// `make` gives the loop's future; it should return when [`Tasks::draining`] is cancelled.
    pub fn supervise<F, M>(&self, name: &'static str, make: M)
    where
        F: Future<Output = ()> + Send + 'static,
        M: Fn() -> F + Send + 'static,
    {
        let (tasks, panics) = (self.clone(), self.panics.clone());
        self.spawn(name, async move {
            while !catch_panic(name, &panics, make()).await && !tasks.drain.is_cancelled() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }

    /// Asks all tasks to finish and waits for them, `deadline` at most; then stops the rest. Says whether all finished.
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
        reason = "this is the door the ban points to"
    )]
    fn start(&self, future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.tracker.track_future(future).in_current_span());
    }
}

/// Runs `future` to its end; `false` if it panicked.
async fn catch_panic(
    name: &'static str,
    panics: &Counter<u64>,
    future: impl Future<Output = ()>,
) -> bool {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(()) => true,
        Err(panic) => {
            panics.add(1, &[KeyValue::new("task", name)]);
            tracing::error!(
                task = name,
                panic = panic_message(&*panic),
                "a background task panicked"
            );
            false
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
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_supervised_loop_survives_its_panics() {
        let tasks = Tasks::new();
        let runs = Arc::new(AtomicU32::new(0));
        let (counted, draining) = (runs.clone(), tasks.draining());
        tasks.supervise("test", move || {
            let (run, draining) = (counted.fetch_add(1, Ordering::SeqCst), draining.clone());
            async move {
                assert!(run >= 2, "the first two runs panic");
                draining.cancelled().await;
            }
        });
        while runs.load(Ordering::SeqCst) < 3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(
            tasks.shut_down(Duration::from_secs(1)).await,
            "the third run drains"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_finish_is_stopped_at_the_deadline() {
        let tasks = Tasks::new();
        tasks.spawn("stuck", std::future::pending());
        assert!(!tasks.shut_down(Duration::from_secs(5)).await);
    }
}
