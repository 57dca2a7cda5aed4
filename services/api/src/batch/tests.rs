//! What callers can rely on, whatever their neighbours in a batch or the batches around it do.

use std::{
    borrow::Cow,
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::future::{join, join_all};
use sqlx::error::{DatabaseError, ErrorKind};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::*;

/// Answers each request with itself.
async fn echo<T>(requests: Vec<T>, _permit: BatchPermit) -> Vec<T> {
    requests
}

/// Answers each request with the size of its batch.
async fn size(requests: Vec<u32>, _permit: BatchPermit) -> Vec<usize> {
    vec![requests.len(); requests.len()]
}

#[tokio::test]
async fn requests_submitted_together_share_batches_and_each_gets_its_own_answer() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let batcher = Batcher::new(&Tasks::new(), move |requests: Vec<u32>, permit| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::task::yield_now().await;
            drop(permit);
            requests.into_iter().map(|n| n * 2).collect()
        }
    });
    let answers = join_all((0..2_000).map(|n| batcher.submit(n))).await;
    let expected: Vec<_> = (0..2_000).map(|n| Ok(n * 2)).collect();
    assert_eq!(answers, expected);
    assert!(count.load(Ordering::SeqCst) <= 40, "{count:?}");
}

#[tokio::test]
async fn a_panic_fails_its_own_batch_and_not_the_next() {
    let batcher = Batcher::new(&Tasks::new(), |requests: Vec<u32>, permit| {
        assert!(!requests.contains(&1), "on purpose");
        echo(requests, permit)
    });
    let together = join_all((0..3).map(|n| batcher.submit(n))).await;
    assert_eq!(together, [Err(BatchError); 3]);
    assert_eq!(batcher.submit(2).await, Ok(2));
}

#[tokio::test]
async fn waiters_get_an_error_when_their_batch_panics_and_those_behind_it_an_answer() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes_on) = (begun.clone(), go_on.clone());
    let batcher = Batcher::new(&Tasks::new(), move |requests: Vec<u32>, permit| {
        let (begins, goes_on) = (begins.clone(), goes_on.clone());
        async move {
            if requests.contains(&1) {
                begins.notify_one();
                goes_on.notified().await;
                panic!("on purpose");
            }
            echo(requests, permit).await
        }
    });
    let behind = async {
        begun.notified().await;
        let mut submitted = std::pin::pin!(batcher.submit(2));
        assert!(futures_util::poll!(&mut submitted).is_pending());
        go_on.notify_one();
        timeout(Duration::from_secs(5), submitted).await
    };
    let answers = join(batcher.submit(1), behind).await;
    assert_eq!(answers, (Err(BatchError), Ok(Ok(2))));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_batch_delays_others_by_its_longest_hold_at_most() {
    let batcher = Batcher::new(&Tasks::new(), |requests: Vec<u32>, permit| async move {
        if requests.contains(&0) {
            pending::<()>().await;
        }
        echo(requests, permit).await
    });
    for hanging in 0..MAX_IN_FLIGHT - 1 {
        let since = Instant::now();
        let hangs = timeout(MAX_HOLD / 2, batcher.submit(0)).await;
        assert!(hangs.is_err(), "{hanging}");
        assert_eq!(batcher.submit(1).await, Ok(1), "{hanging}");
        assert!(since.elapsed() <= MAX_HOLD * 2, "{:?}", since.elapsed());
        let many = join_all((2..50).map(|n| batcher.submit(n))).await;
        assert!(many.into_iter().all(|answer| answer.is_ok()), "{hanging}");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_batches_are_bounded_and_make_room_when_they_end() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (runs, peak) = (running.clone(), most.clone());
    let batcher = Batcher::new(&Tasks::new(), move |requests: Vec<usize>, permit| {
        let (runs, peak) = (runs.clone(), peak.clone());
        async move {
            peak.fetch_max(runs.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(MAX_HOLD * 10).await;
            runs.fetch_sub(1, Ordering::SeqCst);
            echo(requests, permit).await
        }
    });
    let one_a_batch = (0..3 * MAX_IN_FLIGHT).map(|n| {
        let batcher = batcher.clone();
        async move {
            sleep(MAX_HOLD * 2 * u32::try_from(n).unwrap()).await;
            batcher.submit(n).await
        }
    });
    let answers = timeout(Duration::from_secs(10), join_all(one_a_batch)).await;
    assert!(answers.unwrap().into_iter().all(|answer| answer.is_ok()));
    assert_eq!(most.load(Ordering::SeqCst), MAX_IN_FLIGHT);
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_released_permit_lets_the_next_batch_begin() {
    let committed = Arc::new(Notify::new());
    let commit = committed.clone();
    let batcher = Batcher::new(&Tasks::new(), move |requests: Vec<u32>, permit| {
        let commit = commit.clone();
        async move {
            permit.release();
            if requests.contains(&0) {
                commit.notified().await;
            }
            echo(requests, permit).await
        }
    });
    let since = Instant::now();
    let second = async {
        sleep(Duration::from_millis(1)).await;
        let answer = batcher.submit(1).await;
        committed.notify_one();
        answer
    };
    let answers = join(batcher.submit(0), second).await;
    assert_eq!(answers, (Ok(0), Ok(1)));
    assert!(since.elapsed() < MAX_HOLD, "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_first_one_back_waits_for_half_of_the_last_batch_but_not_for_long() {
    let batcher = Batcher::new(&Tasks::new(), size);
    assert_eq!(batcher.submit(0).await, Ok(1));
    let ten = join_all((0..10).map(|n| batcher.submit(n))).await;
    assert_eq!(ten, [Ok(10); 10]);

    let since = Instant::now();
    let others = async {
        sleep(MAX_FILL / 2).await;
        join_all((0..4).map(|n| batcher.submit(n))).await
    };
    let (first, others) = join(batcher.submit(0), others).await;
    assert_eq!((first, others), (Ok(5), vec![Ok(5); 4]));
    assert_eq!(since.elapsed(), MAX_FILL / 2);

    let since = Instant::now();
    assert_eq!(batcher.submit(0).await, Ok(1));
    let waited = since.elapsed();
    assert!(waited <= MAX_FILL * 2, "{waited:?}");
    assert_eq!(batcher.submit(0).await, Ok(1));
    assert_eq!(since.elapsed(), waited, "a lone caller never waits");
}

#[tokio::test(start_paused = true)]
async fn it_answers_while_the_process_drains_and_ends_with_its_last_handle() {
    let tasks = Tasks::new();
    let batcher = Batcher::new(&tasks, echo::<u32>);
    let late = async {
        tasks.draining().cancelled().await;
        sleep(Duration::from_secs(1)).await;
        let answer = batcher.submit(1).await;
        drop(batcher);
        answer
    };
    let (finished, answer) = join(tasks.shut_down(Duration::from_secs(5)), late).await;
    assert_eq!((finished, answer), (true, Ok(1)));
}

/// A failure that PostgreSQL reports with this SQLSTATE.
#[derive(Debug, thiserror::Error)]
#[error("SQLSTATE {0}")]
struct Reported(&'static str);

impl DatabaseError for Reported {
    fn message(&self) -> &str {
        self.0
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// Works on three requests, where every part with the second one fails by `error`: the answers, and how often it worked.
async fn second_of_three_fails(
    error: impl Fn() -> galaxy_store::Error,
) -> (Vec<BatchResult<u32>>, usize) {
    let tries = AtomicUsize::new(0);
    let work = async |part: &[u32]| {
        tries.fetch_add(1, Ordering::SeqCst);
        if part.contains(&2) {
            return Err(error());
        }
        Ok(part.iter().map(|n| n * 10).collect())
    };
    let answers = whole_or_each(&[1, 2, 3], work).await;
    (answers, tries.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_request_that_cannot_be_answered_fails_alone() {
    let reported = |code| sqlx::Error::Database(Box::new(Reported(code))).into();
    let errors: [&dyn Fn() -> galaxy_store::Error; 5] = [
        &|| galaxy_store::Error::Unexpected("on purpose"),
        &|| reported("22021"),
        &|| reported("23505"),
        &|| reported("55P03"),
        &|| reported("40P01"),
    ];
    for error in errors {
        let (answers, tries) = second_of_three_fails(error).await;
        let answers: Vec<Option<u32>> = answers.into_iter().map(Result::ok).collect();
        assert_eq!(answers, [Some(10), None, Some(30)], "{}", error());
        assert_eq!(tries, 4, "{}", error());
    }
}

#[tokio::test]
async fn a_batch_that_fails_by_its_connection_is_not_split() {
    let errors: [&dyn Fn() -> sqlx::Error; 4] = [
        &|| sqlx::Error::PoolTimedOut,
        &|| std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
        &|| sqlx::Error::Database(Box::new(Reported("57P01"))),
        &|| sqlx::Error::Database(Box::new(Reported("08006"))),
    ];
    for error in errors {
        let (answers, tries) = second_of_three_fails(|| error().into()).await;
        assert_eq!(tries, 1, "{}", error());
        assert_eq!(answers.len(), 3, "{}", error());
        let away =
            |answer: &BatchResult<u32>| matches!(answer, Err(error) if error.is_unavailable());
        assert!(answers.iter().all(away), "{answers:?}");
    }
}
