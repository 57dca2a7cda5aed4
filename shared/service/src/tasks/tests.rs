//! Supervision, periodic runs and shutdown, on paused time.

use std::{
    future::{pending, ready},
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::time::{Instant, sleep};

use super::*;

const PERIOD: Duration = Duration::from_secs(10);

/// Counts runs, and knows how long ago the test began.
#[derive(Clone)]
struct Runs {
    count: Arc<AtomicU32>,
    since: Instant,
}

impl Runs {
    fn new() -> Self {
        Self {
            count: Arc::default(),
            since: Instant::now(),
        }
    }

    fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    /// Counts a run; gives how many there were before.
    fn add(&self) -> u32 {
        self.count.fetch_add(1, Ordering::SeqCst)
    }

    /// Waits until there were `count` runs; gives the time since the beginning.
    async fn reach(&self, count: u32) -> Duration {
        while self.count() < count {
            sleep(Duration::from_millis(1)).await;
        }
        self.since.elapsed()
    }
}

/// Whether `time` is `expected`, to within the few milliseconds between two looks at the count.
fn is_about(time: Duration, expected: Duration) -> bool {
    time.abs_diff(expected) < Duration::from_millis(50)
}

#[tokio::test(start_paused = true)]
async fn a_supervised_loop_is_restarted_after_panics() {
    let (tasks, runs) = (Tasks::new(), Runs::new());
    let (counted, draining) = (runs.clone(), tasks.draining());
    tasks.supervise("test", move || {
        let (run, draining) = (counted.add(), draining.clone());
        async move {
            assert!(run >= 2, "the first two runs panic");
            draining.cancelled().await;
        }
    });
    let time = runs.reach(3).await;
    assert!(is_about(time, RESTART_DELAY * 2), "{time:?}");
    let finished = tasks.shut_down(Duration::from_secs(1)).await;
    assert!(finished, "the third run ends when the process drains");
}

#[tokio::test(start_paused = true)]
async fn a_supervised_loop_that_panics_before_its_first_await_is_restarted() {
    let (tasks, runs) = (Tasks::new(), Runs::new());
    let counted = runs.clone();
    tasks.supervise("test", move || {
        assert!(counted.add() >= 1, "making the first future panics");
        ready(())
    });
    runs.reach(2).await;
    assert!(tasks.shut_down(Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_finish_is_aborted_at_the_deadline() {
    let (tasks, since) = (Tasks::new(), Instant::now());
    let guard = Arc::new(());
    let held = guard.clone();
    tasks.spawn("stuck", async move {
        pending::<()>().await;
        drop(held);
    });
    assert!(!tasks.shut_down(Duration::from_secs(5)).await);
    assert_eq!(since.elapsed(), Duration::from_secs(5));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(Arc::strong_count(&guard), 1, "the task was dropped");
}

#[tokio::test(start_paused = true)]
async fn a_periodic_task_runs_at_once_and_a_period_after_the_end_of_each_run() {
    let (tasks, runs) = (Tasks::new(), Runs::new());
    let counted = runs.clone();
    tasks.every("test", PERIOD, move || {
        let run = counted.add();
        async move {
            if run == 1 {
                sleep(PERIOD * 3).await;
            }
        }
    });
    for (count, periods) in [(1, 0), (2, 1), (3, 5), (4, 6)] {
        let time = runs.reach(count).await;
        assert!(is_about(time, PERIOD * periods), "{count}: {time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_one_run_and_the_next_starts_a_second_later() {
    let (tasks, runs) = (Tasks::new(), Runs::new());
    let counted = runs.clone();
    tasks.every("test", PERIOD, move || {
        let run = counted.add();
        assert_ne!(run, 0, "the first run panics before its first await");
        async move { assert_ne!(run, 1, "the second run panics") }
    });
    for (count, time) in [
        (2, RESTART_DELAY),
        (3, RESTART_DELAY * 2),
        (4, RESTART_DELAY * 2 + PERIOD),
    ] {
        let reached = runs.reach(count).await;
        assert!(is_about(reached, time), "{count}: {reached:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_starts_the_next_run_early() {
    let (tasks, runs, notify) = (Tasks::new(), Runs::new(), Arc::new(Notify::new()));
    let (counted, during) = (runs.clone(), notify.clone());
    let schedule = Schedule::period(PERIOD).woken_by(notify.clone());
    tasks.every("test", schedule, move || {
        if counted.add() == 1 {
            during.notify_one();
        }
        ready(())
    });
    runs.reach(1).await;
    sleep(PERIOD / 2).await;
    notify.notify_one();
    let time = runs.reach(3).await;
    assert!(
        is_about(time, PERIOD / 2),
        "a notification during a run counts: {time:?}"
    );
    let time = runs.reach(4).await;
    assert!(is_about(time, PERIOD / 2 + PERIOD), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_chooses_when_the_next_one_starts() {
    let (tasks, runs) = (Tasks::new(), Runs::new());
    let counted = runs.clone();
    tasks.every("test", PERIOD, move || {
        ready(match counted.add() {
            0 => Next::After(Duration::ZERO),
            1 => Next::from(PERIOD * 2),
            _ => Next::AfterPeriod,
        })
    });
    for (count, periods) in [(1, 0), (2, 0), (3, 2), (4, 3)] {
        let time = runs.reach(count).await;
        assert!(is_about(time, PERIOD * periods), "{count}: {time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_periodic_task_finishes_its_run_and_starts_none_when_the_process_drains() {
    let (tasks, runs, finished) = (Tasks::new(), Runs::new(), Runs::new());
    let (counted, ended) = (runs.clone(), finished.clone());
    tasks.every("test", PERIOD, move || {
        counted.add();
        let ended = ended.clone();
        async move {
            sleep(Duration::from_secs(3)).await;
            ended.add();
        }
    });
    runs.reach(1).await;
    assert!(tasks.shut_down(Duration::from_secs(5)).await);
    assert_eq!((runs.count(), finished.count()), (1, 1));

    let counted = runs.clone();
    tasks.every("late", PERIOD, move || {
        counted.add();
        ready(())
    });
    sleep(PERIOD * 2).await;
    assert_eq!(runs.count(), 1, "the process drains already");
}

#[tokio::test(start_paused = true)]
async fn a_final_run_follows_when_the_process_drains() {
    let (tasks, runs) = (Tasks::new(), Runs::new());
    let counted = runs.clone();
    let schedule = Schedule::period(PERIOD).with_final_run();
    tasks.every("test", schedule, move || {
        counted.add();
        ready(())
    });
    runs.reach(2).await;
    assert!(tasks.shut_down(Duration::from_secs(1)).await);
    assert_eq!(runs.count(), 3);
}
