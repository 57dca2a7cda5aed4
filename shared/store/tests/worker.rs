//! The worker loop over a queue in memory: notified, bounded, robust.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use galaxy_service::Tasks;
use galaxy_store::{
    Result,
    worker::{self, Options, Queue},
};
use tokio::sync::{Notify, Semaphore};

/// Items wait until they may end; item 0 panics; the first claims fail.
#[derive(Default)]
struct Memory {
    waiting: Mutex<VecDeque<u32>>,
    failing_claims: AtomicU32,
    running: AtomicU32,
    most_running: AtomicU32,
    done: AtomicU32,
    gate: Option<Semaphore>,
}

impl Queue for Memory {
    type Item = u32;

    async fn claim(&self, room: u32) -> Result<Vec<u32>> {
        let fails = self
            .failing_claims
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if fails.is_ok() {
            return Err(sqlx::Error::PoolTimedOut.into());
        }
        let mut waiting = self.waiting.lock().unwrap();
        let count = waiting.len().min(room as usize);
        Ok(waiting.drain(..count).collect())
    }

    async fn work(&self, item: u32) {
        assert!(item != 0, "item 0 panics on purpose");
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.done.fetch_add(1, Ordering::SeqCst);
    }
}

fn start(tasks: &Tasks, queue: &Arc<Memory>) -> Arc<Notify> {
    let notify = Arc::new(Notify::new());
    let options = Options {
        name: "test",
        slots: 4,
        poll: Duration::from_hours(1),
    };
    worker::start(tasks, queue.clone(), notify.clone(), options);
    notify
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting)
        .await
        .expect("the condition holds in time");
}

#[tokio::test(start_paused = true)]
async fn work_that_arrives_later_is_claimed_at_the_notification_and_not_at_the_next_poll() {
    let (tasks, queue) = (Tasks::new(), Arc::new(Memory::default()));
    let notify = start(&tasks, &queue);
    tokio::time::sleep(Duration::from_secs(1)).await;
    queue.waiting.lock().unwrap().push_back(1);
    notify.notify_one();
    until(|| queue.done.load(Ordering::SeqCst) == 1).await;
    assert!(tasks.shut_down(Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_claimed_than_there_is_room_for() {
    let queue = Memory {
        gate: Some(Semaphore::new(0)),
        waiting: Mutex::new((1..=20).collect()),
        ..Memory::default()
    };
    let (tasks, queue) = (Tasks::new(), Arc::new(queue));
    let _notify = start(&tasks, &queue);
    until(|| queue.running.load(Ordering::SeqCst) == 4).await;
    assert_eq!(
        queue.waiting.lock().unwrap().len(),
        16,
        "items without room stay for other workers"
    );
    queue.gate.as_ref().unwrap().add_permits(20);
    until(|| queue.done.load(Ordering::SeqCst) == 20).await;
    assert_eq!(queue.most_running.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_its_item_alone_and_a_failing_claim_is_tried_again() {
    let queue = Memory {
        failing_claims: AtomicU32::new(3),
        waiting: Mutex::new([0, 1, 0, 0, 0, 0, 2, 3].into()),
        ..Memory::default()
    };
    let (tasks, queue) = (Tasks::new(), Arc::new(queue));
    let _notify = start(&tasks, &queue);
    until(|| queue.done.load(Ordering::SeqCst) == 3).await;
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_items_under_way_and_claims_nothing_new() {
    let queue = Memory {
        gate: Some(Semaphore::new(0)),
        waiting: Mutex::new((1..=9).collect()),
        ..Memory::default()
    };
    let (tasks, queue) = (Tasks::new(), Arc::new(queue));
    let _notify = start(&tasks, &queue);
    until(|| queue.running.load(Ordering::SeqCst) == 4).await;
    let draining = tasks.draining();
    let (ended, ()) = tokio::join!(tasks.shut_down(Duration::from_secs(30)), async {
        draining.cancelled().await;
        queue.gate.as_ref().unwrap().add_permits(20);
    });
    assert!(ended);
    assert_eq!(
        (
            queue.done.load(Ordering::SeqCst),
            queue.waiting.lock().unwrap().len()
        ),
        (4, 5)
    );
}
