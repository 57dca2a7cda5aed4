//! The conditions of a process: what it cannot work without makes it unready; without the rest it works, degraded.
//!
//! A condition is a probe that is called, or a latch that a loop sets.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// How long one probe may take before it counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

type Probe = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// The process's list of conditions. Cheap to clone; conditions can be added at any time.
#[derive(Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<Vec<Condition>>>,
    draining: CancellationToken,
}

#[derive(Clone)]
struct Condition {
    name: &'static str,
    need: Need,
    probe: Arc<Probe>,
}

/// What a process does without something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It cannot work: it is not ready.
    Required,
    /// It works with less or later: it is ready, and degraded.
    Degrades,
}

/// One condition's state, as `/readyz` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `postgres`, `nats`, …
    pub name: &'static str,
    /// Why it does not hold; absent if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether the process works without it. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub degrades: bool,
}

/// A condition that its owner sets. One that is required begins as failed with the reason `not yet`.
#[derive(Clone)]
pub struct Latch(Arc<Mutex<Result<(), String>>>);

impl Readiness {
    /// Adds a condition that the process cannot work without, probed at each check; the error says what is wrong.
    pub fn probe<F>(&self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.probe_of(name, Need::Required, probe);
    }

    /// Adds a condition that is probed at each check, and how much the process needs it.
    pub fn probe_of<F>(
        &self,
        name: &'static str,
        need: Need,
        probe: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let probe: Arc<Probe> = Arc::new(move || Box::pin(probe()));
        self.conditions.lock().push(Condition { name, need, probe });
    }

    /// Adds a condition that the process cannot work without; the caller sets it through the latch.
    pub fn latch(&self, name: &'static str) -> Latch {
        let latch = Latch(Arc::new(Mutex::new(Err("not yet".to_owned()))));
        self.add(name, Need::Required, &latch);
        latch
    }

    /// Adds a condition that the process works without; the caller sets it through the latch. It begins as holding.
    pub fn degraded_latch(&self, name: &'static str) -> Latch {
        let latch = Latch(Arc::new(Mutex::new(Ok(()))));
        self.add(name, Need::Degrades, &latch);
        latch
    }

    fn add(&self, name: &'static str, need: Need, latch: &Latch) {
        let state = latch.clone();
        self.probe_of(name, need, move || std::future::ready(state.get()));
    }

    /// From now on the process takes no new work, whatever its conditions say.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Whether [`Readiness::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// The state of every condition, probed concurrently.
    pub async fn check(&self) -> Vec<Check> {
        let conditions = self.conditions.lock().clone();
        join_all(conditions.iter().map(|condition| async move {
            let failure = match tokio::time::timeout(PROBE_TIMEOUT, (condition.probe)()).await {
                Ok(result) => result.err(),
                Err(_) => Some(format!("no answer within {} s", PROBE_TIMEOUT.as_secs())),
            };
            Check {
                name: condition.name,
                failure,
                degrades: condition.need == Need::Degrades,
            }
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
            degrades: false,
        };
        assert_eq!(readiness.check().await, [holds]);
    }

    #[test]
    fn a_check_that_holds_is_shown_without_a_failure() {
        let check = |failure: Option<&str>, degrades| {
            let failure = failure.map(str::to_owned);
            serde_json::to_value(Check {
                name: "nats",
                failure,
                degrades,
            })
            .unwrap()
        };
        assert_eq!(check(None, false), serde_json::json!({"name": "nats"}));
        let failed = serde_json::json!({"name": "nats", "failure": "not connected"});
        assert_eq!(check(Some("not connected"), false), failed);
        let degraded = serde_json::json!({"name": "nats", "degrades": true});
        assert_eq!(check(None, true), degraded);
    }

    #[tokio::test]
    async fn a_condition_that_degrades_holds_until_its_owner_says_otherwise() {
        let readiness = Readiness::default();
        let latch = readiness.degraded_latch("clock");
        let state = || async {
            let check = readiness.check().await.remove(0);
            (check.failure, check.degrades)
        };
        assert_eq!(state().await, (None, true));
        latch.fail("3 s ahead of the database");
        let failed = Some("3 s ahead of the database".to_owned());
        assert_eq!(state().await, (failed, true));
    }
}
