//! Runs work once for all callers that need the same result at the same time.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

/// Work in flight by key. A result is not kept once its last caller has it.
#[derive(Debug)]
pub struct SingleFlight<K, T>(Mutex<HashMap<K, Arc<OnceCell<T>>>>);

impl<K, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, T: Clone> SingleFlight<K, T> {
    /// The result of `work`, or of another caller's work under the same key that is not finished yet. If the caller whose
    /// work runs is cancelled, the work of another caller starts.
    pub async fn run(&self, key: K, work: impl Future<Output = T>) -> T {
        let flight = Flight {
            cell: self.0.lock().entry(key.clone()).or_default().clone(),
            flights: self,
            key,
        };
        flight.cell.get_or_init(|| work).await.clone()
    }
}

/// One caller's share of the work under a key.
struct Flight<'a, K: Eq + Hash, T> {
    flights: &'a SingleFlight<K, T>,
    key: K,
    cell: Arc<OnceCell<T>>,
}

impl<K: Eq + Hash, T> Drop for Flight<'_, K, T> {
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock();
        let ours = flights
            .get(&self.key)
            .is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // Two references are the map's and this one. A finished flight is removed at once: later callers start a new one.
        if ours && (self.cell.initialized() || Arc::strong_count(&self.cell) == 2) {
            flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::{future::join_all, poll};

    use super::*;

    async fn slowly(runs: &AtomicUsize, result: u32) -> u32 {
        runs.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        result
    }

    #[tokio::test(start_paused = true)]
    async fn callers_at_the_same_time_share_one_run_and_later_ones_run_again() {
        let (flights, runs) = (SingleFlight::default(), AtomicUsize::new(0));
        let results = join_all((0..5).map(|n| flights.run("key", slowly(&runs, n)))).await;
        assert_eq!(results, [0; 5]);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(flights.run("key", slowly(&runs, 9)).await, 9);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert!(flights.0.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn callers_with_different_keys_share_nothing() {
        let (flights, runs) = (SingleFlight::default(), AtomicUsize::new(0));
        let both = tokio::join!(
            flights.run("a", slowly(&runs, 1)),
            flights.run("b", slowly(&runs, 2))
        );
        assert_eq!(both, (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_run_is_taken_over_by_another_caller() {
        let (flights, runs) = (SingleFlight::default(), AtomicUsize::new(0));
        let mut first = Box::pin(flights.run("key", slowly(&runs, 1)));
        let mut second = Box::pin(flights.run("key", slowly(&runs, 2)));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await, 2);
        let mut last = Box::pin(flights.run("key", slowly(&runs, 3)));
        assert!(poll!(&mut last).is_pending());
        drop(last);
        assert!(flights.0.lock().is_empty());
    }
}
