//! The conditions under which a process takes traffic: probes that are called, and latches that loops set.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde::Serialize;

/// How long one probe may take before it counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

type Probes = Vec<(&'static str, Arc<Probe>)>;
type Probe = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// The process's list of conditions. Cheap to clone; conditions can be added at any time.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<Probes>>);

/// One condition's state, as `/readyz` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `postgres`, `nats`, …
    pub name: &'static str,
    /// Why it does not hold; absent if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A condition that its owner sets. Begins as failed with the reason `not yet`.
#[derive(Clone)]
pub struct Latch(Arc<Mutex<Result<(), String>>>);

impl Readiness {
    /// Adds a condition that is probed at each check; the error says what is wrong.
    pub fn probe<F>(&self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.0
            .lock()
            .push((name, Arc::new(move || Box::pin(probe()))));
    }

    /// Adds a condition that the caller sets through the latch.
    pub fn latch(&self, name: &'static str) -> Latch {
        let latch = Latch(Arc::new(Mutex::new(Err("not yet".to_owned()))));
        let state = latch.clone();
        self.probe(name, move || std::future::ready(state.get()));
        latch
    }

    /// The state of every condition, probed concurrently.
    pub async fn check(&self) -> Vec<Check> {
        let probes = self.0.lock().clone();
        join_all(probes.iter().map(|(name, probe)| async move {
            let failure = match tokio::time::timeout(PROBE_TIMEOUT, probe()).await {
                Ok(result) => result.err(),
                Err(_) => Some(format!("no answer within {} s", PROBE_TIMEOUT.as_secs())),
            };
            Check { name, failure }
        }))
        .await
    }
}

impl Latch {
    /// The condition holds.
    pub fn hold(&self) {
        *self.0.lock() = Ok(());
    }

    /// The condition does not hold, and why.
    pub fn fail(&self, why: impl Into<String>) {
        *self.0.lock() = Err(why.into());
    }

    fn get(&self) -> Result<(), String> {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_failing_condition_is_named_with_its_reason() {
        let readiness = Readiness::default();
        let latch = readiness.latch("listener");
        readiness.probe("postgres", || async { Ok(()) });
        readiness.probe("nats", std::future::pending);
        let failures = |checks: Vec<Check>| -> Vec<_> {
            checks
                .into_iter()
                .filter_map(|c| c.failure.map(|why| (c.name, why)))
                .collect()
        };
        assert_eq!(
            failures(readiness.check().await),
            [
                ("listener", "not yet".to_owned()),
                ("nats", "no answer within 2 s".to_owned())
            ]
        );
        latch.hold();
        assert_eq!(failures(readiness.check().await).len(), 1);
        latch.fail("the port was taken away");
        assert_eq!(
            failures(readiness.check().await)[0].1,
            "the port was taken away"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn probes_run_concurrently_and_each_is_bounded() {
        let readiness = Readiness::default();
        for name in ["postgres", "nats", "docker"] {
            readiness.probe(name, std::future::pending);
        }
        let started = tokio::time::Instant::now();
        let checks = readiness.check().await;
        assert_eq!(started.elapsed(), PROBE_TIMEOUT, "not one after the other");
        let names: Vec<_> = checks.iter().map(|check| check.name).collect();
        assert_eq!(names, ["postgres", "nats", "docker"]);
    }

    #[tokio::test]
    async fn a_condition_that_is_added_later_is_checked_from_then_on() {
        let readiness = Readiness::default();
        assert_eq!(readiness.check().await, []);
        let latch = readiness.clone().latch("listener");
        latch.hold();
        let holds = Check {
            name: "listener",
            failure: None,
        };
        assert_eq!(readiness.check().await, [holds]);
    }

    #[test]
    fn a_check_that_holds_is_shown_without_a_failure() {
        let check = |failure: Option<&str>| {
            let failure = failure.map(str::to_owned);
            serde_json::to_value(Check {
                name: "nats",
                failure,
            })
            .unwrap()
        };
        assert_eq!(check(None), serde_json::json!({"name": "nats"}));
        let failed = serde_json::json!({"name": "nats", "failure": "not connected"});
        assert_eq!(check(Some("not connected")), failed);
    }
}
