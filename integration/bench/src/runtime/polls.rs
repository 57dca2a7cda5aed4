//! How long a task keeps its thread between two awaits.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

/// The longest poll of a future.
#[derive(Debug, Clone, Copy, Default)]
pub struct Longest {
    /// By the clock on the wall: with what other processes took from the thread meanwhile.
    pub wall: Duration,
    /// By the thread's own clock.
    pub processor: Duration,
}

impl Longest {
    /// The longer of both, each for itself.
    pub fn max(self, other: Self) -> Self {
        Self {
            wall: self.wall.max(other.wall),
            processor: self.processor.max(other.processor),
        }
    }
}

/// Runs `future` and watches its polls, its end included.
pub async fn watched<F: Future>(future: F) -> (F::Output, Longest) {
    Watched {
        inner: Some(Box::pin(future)),
        longest: Longest::default(),
    }
    .await
}

struct Watched<F> {
    inner: Option<Pin<Box<F>>>,
    longest: Longest,
}

impl<F: Future> Future for Watched<F> {
    type Output = (F::Output, Longest);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (wall, processor) = (Instant::now(), thread_time());
        let Some(inner) = &mut self.inner else {
            return Poll::Pending;
        };
        let polled = inner.as_mut().poll(context);
        if polled.is_ready() {
            self.inner = None;
        }
        let poll = Longest {
            wall: wall.elapsed(),
            processor: thread_time().saturating_sub(processor),
        };
        self.longest = self.longest.max(poll);
        polled.map(|output| (output, self.longest))
    }
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_poll_is_found_and_waiting_does_not_count() {
        let ((), longest) = watched(async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            std::thread::sleep(Duration::from_millis(20));
            tokio::task::yield_now().await;
        })
        .await;
        assert!(longest.wall >= Duration::from_millis(20), "{longest:?}");
        assert!(longest.processor < longest.wall, "{longest:?}");
    }
}
