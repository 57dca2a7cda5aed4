//! What there is of a game in the cluster, and what follows from it.

use galaxy_core::{Endpoint, GameId};
use k8s_openapi::{
    api::{
        apps::v1::StatefulSet,
        core::v1::{PersistentVolumeClaim, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Deserialize, Serialize};

use super::{
    manifest::ENGINE_PORT,
    names::{self, EXIT, Names, STARTED, Tags},
    pod::{Phase, SeenPod},
};
use crate::{EngineSpec, Exit, Instance, Sight};

/// Everything of one game.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) claim: Option<Claim>,
    pub(super) set: Option<Set>,
    pub(super) pod: Option<SeenPod>,
}

/// The claim of a game's state. It remembers the newest epoch for as long as the state is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) uid: String,
    pub(super) version: String,
    pub(super) epoch: i64,
    /// Whether it is being removed.
    pub(super) deleting: bool,
}

/// The set with a game's engine: one set is one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) uid: String,
    pub(super) version: String,
    /// `None` if it is not an engine of this game.
    pub(super) tags: Option<Tags>,
    /// Whether it is to have a pod.
    pub(super) awake: bool,
    /// Whether it was ever to have one.
    pub(super) started: bool,
    /// How its engine ended, once that is noted.
    pub(super) exit: Option<Exit>,
    /// Whether it is being removed.
    pub(super) deleting: bool,
}

/// An end as it is noted on a set.
#[derive(Debug, Serialize, Deserialize)]
struct ExitNote {
    code: Option<i32>,
    oom: bool,
    at: Option<galaxy_core::Timestamp>,
}

/// What is to be done so that a spec holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// It holds, or the engine of that epoch has ended: nothing.
    Keep,
    /// There is no set: make it.
    Make,
    /// The set was made and not started.
    Start,
    /// The set is another one, and runs: end its engine.
    End,
    /// The set is another one, and its engine has ended: remove it.
    Remove,
    /// Something is going, and must be gone first.
    Wait(&'static str),
    /// A newer engine is there, or was.
    Fenced(i64),
    /// What has the name is not an engine of this game.
    Foreign,
}

/// An end that is seen, or must have been, and is not noted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unnoted {
    Seen(Exit),
    Missed,
}

impl Claim {
    pub(super) fn new(claim: &PersistentVolumeClaim) -> Self {
        let meta = &claim.metadata;
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta.resource_version.clone().unwrap_or_default(),
            epoch: names::epoch(meta).unwrap_or_default(),
            deleting: meta.deletion_timestamp.is_some(),
        }
    }
}

impl Set {
    pub(super) fn new(set: &StatefulSet, game: GameId, names: &Names) -> Self {
        let meta = &set.metadata;
        let tags = names::tags(meta).filter(|_| names.game(meta) == Some(game));
        let replicas = set.spec.replicas;
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta.resource_version.clone().unwrap_or_default(),
            exit: tags.as_ref().and_then(|tags| noted(meta, tags.epoch)),
            tags,
            awake: replicas.unwrap_or(1) > 0,
            started: names::annotation(meta, STARTED).is_some(),
            deleting: meta.deletion_timestamp.is_some(),
        }
    }
}

/// A note that cannot be read says that the engine ended.
fn noted(meta: &ObjectMeta, epoch: i64) -> Option<Exit> {
    let note = names::annotation(meta, EXIT)?;
    let note = serde_json::from_str(note).unwrap_or(ExitNote {
        code: None,
        oom: false,
        at: None,
    });
    Some(Exit {
        epoch,
        code: note.code,
        oom: note.oom,
        at: note.at,
    })
}

/// The note of an end.
pub(super) fn note(exit: &Exit) -> String {
    let Exit { code, oom, at, .. } = *exit;
    serde_json::to_string(&ExitNote { code, oom, at }).unwrap_or_else(|_| "{}".to_owned())
}

impl Found {
    pub(super) fn new(
        game: GameId,
        names: &Names,
        claim: Option<&PersistentVolumeClaim>,
        set: Option<&StatefulSet>,
        pod: Option<&Pod>,
    ) -> Self {
        Self {
            claim: claim.map(Claim::new),
            set: set.map(|set| Set::new(set, game, names)),
            pod: pod.map(SeenPod::new),
        }
    }

    /// The newest epoch that anything here remembers.
    pub(super) fn epoch(&self) -> i64 {
        let set = self.set.as_ref().and_then(|set| set.tags.as_ref());
        let claim = self.claim.as_ref().map(|claim| claim.epoch);
        let pod = self.pod.as_ref().map(|pod| pod.epoch);
        let set = set.map(|tags| tags.epoch);
        [set, claim, pod].into_iter().flatten().max().unwrap_or(0)
    }

    /// What is to be done so that `spec` holds.
    pub(super) fn step(&self, spec: &EngineSpec) -> Step {
        if self.epoch() > spec.epoch {
            return Step::Fenced(self.epoch());
        }
        let Some(set) = &self.set else {
            return match (&self.pod, &self.claim) {
                (Some(_), _) => Step::Wait("the older engine's pod is going"),
                (None, Some(claim)) if claim.deleting => Step::Wait("the older state is going"),
                _ => Step::Make,
            };
        };
        let Some(tags) = &set.tags else {
            return Step::Foreign;
        };
        let same =
            tags.epoch == spec.epoch && tags.version == spec.version && tags.digest == spec.digest;
        match (same, &self.pod) {
            _ if set.deleting => Step::Wait("the older engine's set is going"),
            (true, _) if set.started => Step::Keep,
            (true, None) => Step::Start,
            (false, None) if !set.awake => Step::Remove,
            (false, _) if set.awake => Step::End,
            _ => Step::Wait("the older engine is ending"),
        }
    }

    /// An end that must be noted before anything is said of the engine.
    pub(super) fn unnoted(&self) -> Option<Unnoted> {
        let set = self.set.as_ref()?;
        set.tags.as_ref()?;
        if set.exit.is_some() || !set.started || set.deleting {
            return None;
        }
        match &self.pod {
            // A pod that the cluster takes away to make another one ends without a fault of the engine.
            Some(pod) if set.awake && pod.deleting => None,
            Some(pod) => pod.exit().cloned().map(Unnoted::Seen),
            None => (!set.awake).then_some(Unnoted::Missed),
        }
    }

    /// What there is.
    pub(super) fn sight(&self, game: GameId, names: &Names) -> Sight {
        let Some(set) = &self.set else {
            return match (&self.pod, &self.claim) {
                (Some(pod), _) => Sight::Pending {
                    epoch: pod.epoch,
                    why: "its pod is being removed".to_owned(),
                },
                (None, Some(claim)) if !claim.deleting => Sight::StateOnly,
                _ => Sight::Absent,
            };
        };
        let Some(tags) = &set.tags else {
            return Sight::Unknown(
                "a set that is not an engine of this game has its name".to_owned(),
            );
        };
        let pending = |why: &str| Sight::Pending {
            epoch: tags.epoch,
            why: why.to_owned(),
        };
        match (&self.pod, &set.exit) {
            _ if set.deleting => pending("its set is being removed"),
            (None, Some(exit)) => Sight::Exited(exit.clone()),
            (Some(_), Some(_)) => pending("it has ended, and its pod is being removed"),
            (_, None) if !set.started => pending("its set is made, and not started"),
            (Some(_), None) if !set.awake => pending("it is ending"),
            (None, None) if !set.awake => pending("it has ended, and how is being read"),
            (None, None) => pending("its pod is not there yet"),
            (Some(pod), None) if pod.deleting => {
                pending("the cluster removes its pod, and makes another one")
            }
            (Some(pod), None) => match &pod.phase {
                Phase::Waiting(why) | Phase::NoImage(why) => pending(why),
                Phase::Unknown(why) => Sight::Unknown(why.clone()),
                Phase::Ended { .. } => pending("it has ended, and that is being noted"),
                Phase::Running => running(tags, pod, game, names),
            },
        }
    }
}

/// The address is the service's name as this driver makes it; nothing that the cluster says goes into it.
fn running(tags: &Tags, pod: &SeenPod, game: GameId, names: &Names) -> Sight {
    match Endpoint::new(&names.host(game), ENGINE_PORT) {
        Ok(endpoint) => Sight::Running(Instance {
            container_id: pod.uid.clone(),
            endpoint,
            epoch: tags.epoch,
            digest: tags.digest.clone(),
            version: tags.version.clone(),
        }),
        Err(error) => Sight::Unknown(format!("the service's name {error}")),
    }
}

#[cfg(test)]
#[path = "found_tests.rs"]
mod tests;
