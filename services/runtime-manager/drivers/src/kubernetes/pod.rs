//! What a pod's status says of its engine.

use galaxy_core::{Timestamp, text};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};

use super::{manifest::CONTAINER, names};
use crate::Exit;

/// The longest text of the cluster in a sight, in characters.
const MAX_TEXT: usize = 300;

/// Reasons of a waiting container whose image cannot be had.
const NO_IMAGE: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// A pod as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenPod {
    pub(super) uid: String,
    /// The epoch in its labels; 0 if there is none.
    pub(super) epoch: i64,
    /// Whether it was told to end.
    pub(super) deleting: bool,
    pub(super) phase: Phase,
}

/// What the engine in a pod does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is not there yet: what it waits for.
    Waiting(String),
    /// It never will be: its image cannot be had.
    NoImage(String),
    /// It runs for the first time.
    Running,
    /// It has ended, though the cluster may have started it again.
    Ended {
        exit: Exit,
        /// Whether it was started again, so that its log is the one of the run before.
        again: bool,
    },
    /// The cluster has lost sight of it.
    Unknown(String),
}

impl SeenPod {
    pub(super) fn new(pod: &Pod) -> Self {
        let epoch = names::epoch(&pod.metadata).unwrap_or_default();
        Self {
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            epoch,
            deleting: pod.metadata.deletion_timestamp.is_some(),
            phase: phase(pod, epoch),
        }
    }

    /// How the engine ended, if it did.
    pub(super) const fn exit(&self) -> Option<&Exit> {
        match &self.phase {
            Phase::Ended { exit, .. } => Some(exit),
            _ => None,
        }
    }
}

fn phase(pod: &Pod, epoch: i64) -> Phase {
    let status = pod.status.clone().unwrap_or_default();
    let message = |what: &str| explain(what, status.reason.as_deref(), status.message.as_deref());
    let name = status.phase.as_deref().unwrap_or_default();
    let containers = status.container_statuses.clone().unwrap_or_default();
    let container = containers.into_iter().find(|seen| seen.name == CONTAINER);
    if let Some(ended) = container.as_ref().and_then(|seen| ended(seen, epoch)) {
        return ended;
    }
    match (name, container.and_then(|seen| seen.state)) {
        // A node that runs short of something, or goes down, fails the whole pod.
        ("Failed" | "Succeeded", _) => Phase::Ended {
            exit: Exit {
                epoch,
                code: None,
                oom: false,
                at: None,
            },
            again: false,
        },
        ("Unknown", _) => Phase::Unknown(message("the cluster has lost the pod's node")),
        (_, Some(state)) => waiting(state).unwrap_or_else(|| Phase::Waiting(scheduling(pod))),
        (_, None) => Phase::Waiting(scheduling(pod)),
    }
}

/// The first end counts: what the cluster starts again afterwards is not another engine.
fn ended(container: &ContainerStatus, epoch: i64) -> Option<Phase> {
    let terminated = |state: &Option<ContainerState>| state.as_ref()?.terminated.clone();
    let last = terminated(&container.last_state).filter(|_| container.restart_count > 0);
    let again = last.is_some();
    let ended = last.or_else(|| terminated(&container.state))?;
    Some(Phase::Ended {
        exit: exit(&ended, epoch),
        again,
    })
}

fn exit(ended: &ContainerStateTerminated, epoch: i64) -> Exit {
    let at = ended.finished_at.as_ref();
    let at = at.map(|at| Timestamp::from(at.0));
    Exit {
        epoch,
        code: Some(ended.exit_code),
        oom: ended.reason.as_deref() == Some("OOMKilled"),
        at: at.filter(|at| *at > Timestamp::UNIX_EPOCH),
    }
}

fn waiting(state: ContainerState) -> Option<Phase> {
    if state.running.is_some() {
        return Some(Phase::Running);
    }
    let waiting = state.waiting?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    let text = |what| explain(what, Some(reason), waiting.message.as_deref());
    if NO_IMAGE.contains(&reason) {
        return Some(Phase::NoImage(text("the image cannot be had")));
    }
    Some(Phase::Waiting(match reason {
        "" | "ContainerCreating" | "PodInitializing" => {
            "the image is being pulled, or the container made".to_owned()
        }
        _ => text("the container cannot be made"),
    }))
}

/// What a pod waits for that no node runs yet.
fn scheduling(pod: &Pod) -> String {
    let conditions = pod.status.as_ref().and_then(|seen| seen.conditions.clone());
    let scheduled = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled");
    match scheduled {
        Some(condition) if condition.status == "False" => explain(
            "no node takes the pod",
            condition.reason.as_deref(),
            condition.message.as_deref(),
        ),
        Some(condition) if condition.status == "True" => "the node is preparing the pod".to_owned(),
        _ => "the pod waits for a node".to_owned(),
    }
}

/// The cluster's own words behind ours, printable.
pub(super) fn explain(what: &str, reason: Option<&str>, message: Option<&str>) -> String {
    let words = [reason, message].into_iter().flatten();
    let words: Vec<_> = words.filter(|text| !text.is_empty()).collect();
    if words.is_empty() {
        return what.to_owned();
    }
    text::printable(format!("{what}: {}", words.join(": ")).as_bytes(), MAX_TEXT)
}

#[cfg(test)]
#[path = "pod_tests.rs"]
mod tests;
