//! How engines end: what was seen of it, and the note of it on the set.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use galaxy_core::GameId;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use parking_lot::Mutex;
use serde_json::json;
use tokio::{sync::Notify, time::Instant};

use super::{
    FIELD_MANAGER, Inner,
    error::unless_changed,
    found::{self, Found, Set},
    names::{EXIT, STARTED},
    pod::{Phase, SeenPod},
};
use crate::{Exit, Result};

/// Ends that are remembered until they are noted.
const REMEMBERED: usize = 4_096;

/// How long the watch may take to tell of the end of a pod that is gone.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// For engines that have ended, or that nobody waits for: the shortest time that Kubernetes waits for the processes.
pub(super) const AT_ONCE: Duration = Duration::from_secs(1);

/// Ends that the watch has seen. A pod that was told to end is gone with its last status.
#[derive(Debug, Default)]
pub(super) struct Ends {
    seen: Mutex<Seen>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Seen {
    exits: HashMap<(GameId, i64), Exit>,
    order: VecDeque<(GameId, i64)>,
}

impl Ends {
    /// Remembers how the engine in a pod ended.
    pub(super) fn remember(&self, game: GameId, pod: &SeenPod) {
        let Some(exit) = pod.exit() else {
            return;
        };
        let key = (game, pod.epoch);
        let mut seen = self.seen.lock();
        if seen.exits.insert(key, exit.clone()).is_none() {
            seen.order.push_back(key);
        }
        if seen.order.len() > REMEMBERED
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.exits.remove(&oldest);
        }
        drop(seen);
        self.told.notify_waiters();
    }

    /// How the engine of `epoch` ended; without a code if nobody saw it.
    pub(super) async fn of(&self, game: GameId, epoch: i64) -> Exit {
        let deadline = Instant::now() + TOLD_WITHIN;
        loop {
            let told = self.told.notified();
            tokio::pin!(told);
            // From now on nothing is missed.
            told.as_mut().enable();
            if let Some(exit) = self.seen.lock().exits.get(&(game, epoch)) {
                return exit.clone();
            }
            if tokio::time::timeout_at(deadline, told).await.is_err() {
                return Exit {
                    epoch,
                    code: None,
                    oom: false,
                    at: None,
                };
            }
        }
    }
}

impl Inner {
    /// Notes on the set how its engine ended, and has its pod removed: it is not to be started again. `found` may be out of
    /// date; then nothing happens, and it is read again.
    pub(super) async fn note_end(&self, game: GameId, found: &Found, exit: &Exit) -> Result<()> {
        let Some(set) = &found.set else {
            return Ok(());
        };
        if let Some(pod) = &found.pod {
            let again = matches!(pod.phase, Phase::Ended { again: true, .. });
            self.keep_log(game, pod, again).await;
        }
        let patch = json!({
            "metadata": {
                "resourceVersion": set.version,
                "annotations": { EXIT: found::note(exit), STARTED: "1" },
            },
            "spec": { "replicas": 0 },
        });
        if self.patch_set(game, &patch).await?
            && let Some(pod) = &found.pod
        {
            self.delete_pod(game, pod, AT_ONCE).await?;
        }
        Ok(())
    }

    /// Tells the engine to end, and the cluster to kill it after `grace`. `false` if the set has changed meanwhile.
    pub(super) async fn end(
        &self,
        game: GameId,
        set: &Set,
        pod: Option<&SeenPod>,
        grace: Duration,
    ) -> Result<bool> {
        if let Some(pod) = pod {
            self.follow_log(game, pod).await;
        }
        let patch = json!({
            "metadata": { "resourceVersion": set.version },
            "spec": { "replicas": 0 },
        });
        let patched = self.patch_set(game, &patch).await?;
        if let Some(pod) = pod.filter(|_| patched) {
            self.delete_pod(game, pod, grace).await?;
        }
        Ok(patched)
    }

    async fn patch_set(&self, game: GameId, patch: &serde_json::Value) -> Result<bool> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let name = self.names.engine(game);
        let patch = Patch::Merge(patch);
        let patched = self.api.sets.patch(&name, &params, &patch).await;
        Ok(unless_changed(patched)?.is_some())
    }

    /// The controller of the set would do it too, with the grace that the pod was made with.
    pub(super) async fn delete_pod(
        &self,
        game: GameId,
        pod: &SeenPod,
        grace: Duration,
    ) -> Result<()> {
        let seconds = grace.as_millis().div_ceil(1_000).max(1);
        let params = DeleteParams::default()
            .grace_period(u32::try_from(seconds).unwrap_or(u32::MAX))
            .preconditions(Preconditions {
                uid: Some(pod.uid.clone()),
                resource_version: None,
            });
        let name = self.names.pod(game);
        let deleted = self.api.pods.delete(&name, &params).await;
        unless_changed(deleted).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(epoch: i64, code: i32) -> SeenPod {
        SeenPod {
            uid: "u".to_owned(),
            epoch,
            deleting: true,
            phase: Phase::Ended {
                exit: Exit {
                    epoch,
                    code: Some(code),
                    oom: false,
                    at: None,
                },
                again: false,
            },
        }
    }

    #[tokio::test]
    async fn an_end_that_the_watch_tells_is_waited_for_and_one_that_nobody_saw_is_not_for_ever() {
        let (ends, game) = (Ends::default(), GameId::generate());
        let (exit, ()) = tokio::join!(ends.of(game, 1), async {
            tokio::task::yield_now().await;
            ends.remember(game, &ended(1, 7));
        });
        assert_eq!(exit.code, Some(7));
        assert_eq!(ends.of(game, 1).await.code, Some(7), "it is remembered");
        assert_eq!(ends.of(game, 2).await.code, None);
    }

    #[tokio::test]
    async fn only_so_many_ends_are_remembered() {
        let (ends, game) = (Ends::default(), GameId::generate());
        for epoch in 0..=REMEMBERED {
            let epoch = i64::try_from(epoch).unwrap();
            ends.remember(game, &ended(epoch, 0));
            ends.remember(game, &ended(epoch, 0));
        }
        assert_eq!(ends.seen.lock().exits.len(), REMEMBERED);
        assert_eq!(ends.of(game, 0).await.code, None, "the oldest goes");
    }
}
