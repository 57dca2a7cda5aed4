//! Images: whether a cluster can have them, and what they are.
//!
//! A cluster has no request for that. So a pod of the image is made whose program is not in any image: its node fetches
//! the image, tells its digest, and cannot start it. The pod is removed as soon as it has told that.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use k8s_openapi::{
    api::core::v1::{Container, Pod, PodSpec, ResourceRequirements},
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use kube::api::{DeleteParams, Preconditions};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    Inner,
    claim::post_params,
    error::{driver_error, unless_changed},
    harden,
    manifest::{CONTAINER, pull_policy},
    pod::{Phase, SeenPod, explain},
};
use crate::{DriverError, PullPolicy, Resolved, Result};

/// How long an image that was just fetched is not fetched again, so that many games that start at once fetch it once.
const FRESH: Duration = Duration::from_mins(1);

/// How long a node may take to fetch an image, in seconds.
const FETCH_LIMIT: i64 = 600;

/// In no image.
const NO_PROGRAM: &str = "/galaxy-image-check";

/// What is known of images.
#[derive(Debug, Default)]
pub(super) struct Images(Mutex<HashMap<String, (Result<Known>, Instant)>>);

/// An image that the cluster can have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    digest: String,
    /// What a pod names to run exactly this image.
    run: String,
}

/// Whether an image can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Image {
    /// Under this name.
    Ready(String),
    /// Not yet: how far it is.
    Pulling(String),
}

/// What the pod of an image has told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Nothing(String),
    Known(Known),
    NoImage(String),
}

impl Images {
    fn get(&self, image: &str) -> Option<(Result<Known>, Instant)> {
        self.0.lock().get(image).cloned()
    }

    fn put(&self, image: &str, known: Result<Known>) {
        let entry = (known, Instant::now());
        self.0.lock().insert(image.to_owned(), entry);
    }
}

impl Inner {
    /// See [`crate::Driver::resolve`].
    pub(super) async fn resolve(&self, image: &str) -> Result<Resolved> {
        if let Some((Ok(known), at)) = self.images.get(image) {
            let lasting = self.config.pull != PullPolicy::Always || image.contains('@');
            if lasting || at.elapsed() < FRESH {
                return Ok(Resolved::Ready(known.digest));
            }
        }
        match self.ask(image).await? {
            Ok(known) => Ok(Resolved::Ready(known.digest)),
            Err(progress) => Ok(Resolved::Pulling(progress)),
        }
    }

    /// What to run for a digest that [`Self::resolve`] gave for `image`. Errors: [`DriverError::NoImage`] if that cannot be
    /// had, or could not the last time.
    pub(super) async fn runnable(&self, image: &str, digest: &str) -> Result<Image> {
        let known = match self.images.get(image) {
            Some((known, _)) => known?,
            None => match self.ask(image).await? {
                Ok(known) => known,
                Err(progress) => return Ok(Image::Pulling(progress)),
            },
        };
        if known.digest == digest {
            return Ok(Image::Ready(known.run));
        }
        // The name means something else by now; the content may still be there under its digest.
        let pinned = format!("{}@{digest}", repository(image));
        if !digest.starts_with("sha256:") || pinned == image {
            return Err(DriverError::no_image(format!(
                "{image} with the digest {digest} is not there any more"
            )));
        }
        let known = match self.images.get(&pinned) {
            Some((known, _)) => known.map(Ok),
            None => self.ask(&pinned).await,
        };
        Ok(match known? {
            Ok(known) => Image::Ready(known.run),
            Err(progress) => Image::Pulling(progress),
        })
    }

    /// Has a pod tell about the image; `Err` in `Ok` is how far that is.
    async fn ask(&self, image: &str) -> Result<Result<Known, String>> {
        if image.is_empty() || image.len() > 500 || image.contains(|c: char| c.is_whitespace()) {
            return Err(DriverError::no_image(format!(
                "{image:?} is not a reference of an image"
            )));
        }
        let name = self.names.image_pod(image);
        let Some(pod) = self.api.pods.get_opt(&name).await.map_err(driver_error)? else {
            let made = self
                .api
                .pods
                .create(&post_params(), &self.image_pod(image))
                .await;
            unless_changed(made)?;
            return Ok(Err("a pod that fetches it is made".to_owned()));
        };
        let known = match told(image, &pod) {
            Told::Nothing(progress) => return Ok(Err(progress)),
            Told::Known(known) => Ok(known),
            Told::NoImage(why) => Err(DriverError::no_image(why)),
        };
        // Nothing of it ever ran.
        let params = DeleteParams::default()
            .grace_period(0)
            .preconditions(Preconditions {
                uid: pod.metadata.uid,
                resource_version: None,
            });
        unless_changed(self.api.pods.delete(&name, &params).await)?;
        self.images.put(image, known.clone());
        known.map(Ok)
    }

    fn image_pod(&self, image: &str) -> Pod {
        let small = [
            ("cpu", "10m"),
            ("memory", "16Mi"),
            ("ephemeral-storage", "1Mi"),
        ];
        let small: BTreeMap<_, _> = small
            .map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned())))
            .into();
        Pod {
            metadata: ObjectMeta {
                name: Some(self.names.image_pod(image)),
                labels: Some(self.names.image_labels(image)),
                ..ObjectMeta::default()
            },
            spec: Some(PodSpec {
                active_deadline_seconds: Some(FETCH_LIMIT),
                containers: vec![Container {
                    name: CONTAINER.to_owned(),
                    image: Some(image.to_owned()),
                    image_pull_policy: Some(pull_policy(self.config.pull, image).to_owned()),
                    command: Some(vec![NO_PROGRAM.to_owned()]),
                    resources: Some(ResourceRequirements {
                        limits: Some(small.clone()),
                        requests: Some(small),
                        ..ResourceRequirements::default()
                    }),
                    security_context: Some(harden::container()),
                    ..Container::default()
                }],
                restart_policy: Some("Never".to_owned()),
                termination_grace_period_seconds: Some(1),
                ..harden::pod(&self.config)
            }),
            ..Pod::default()
        }
    }
}

/// The digest is told once a container was made of the image.
fn told(image: &str, pod: &Pod) -> Told {
    let status = pod.status.clone().unwrap_or_default();
    let containers = status.container_statuses.into_iter().flatten();
    let id = containers
        .map(|container| container.image_id)
        .find_map(|id| known(image, &id));
    let seen = SeenPod::new(pod);
    match (id, seen.phase) {
        (Some(known), _) => Told::Known(known),
        // An earlier one, which has told what it knew.
        _ if seen.deleting => Told::Nothing("an older pod that fetched it is going".to_owned()),
        (None, Phase::NoImage(why)) => Told::NoImage(why),
        (None, Phase::Ended { .. }) => Told::NoImage(explain(
            "the node has not fetched it",
            status.reason.as_deref(),
            status.message.as_deref(),
        )),
        (None, Phase::Waiting(why) | Phase::Unknown(why)) => Told::Nothing(why),
        (None, Phase::Running) => Told::Nothing("the node has not told its digest yet".to_owned()),
    }
}

/// What a container's `imageID` says: the digest of the manifest, by which any node can fetch it, or the id that the image
/// has on nodes into which it was loaded.
fn known(image: &str, id: &str) -> Option<Known> {
    let id = id.split_once("://").map_or(id, |(_, id)| id);
    let (pinned, digest) = match id.rsplit_once('@') {
        Some((_, digest)) => (true, digest),
        None => (false, id),
    };
    if !digest.starts_with("sha256:") {
        return None;
    }
    Some(Known {
        digest: digest.to_owned(),
        run: if pinned {
            format!("{}@{digest}", repository(image))
        } else {
            image.to_owned()
        },
    })
}

/// An image reference without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    let tag = image[name..].find(':');
    tag.map_or(image, |colon| &image[..name + colon])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_repository_is_a_reference_without_tag_and_digest() {
        for (image, repo) in [
            ("engine", "engine"),
            ("engine:1", "engine"),
            (
                "registry.example:5000/a/engine:1",
                "registry.example:5000/a/engine",
            ),
            (
                "registry.example:5000/engine",
                "registry.example:5000/engine",
            ),
            ("a/engine:1@sha256:00", "a/engine"),
        ] {
            assert_eq!(repository(image), repo);
        }
    }

    #[test]
    fn an_image_is_run_by_the_digest_that_its_node_tells() {
        let of = |id| known("registry.example/engine:1", id);
        let manifest = Known {
            digest: "sha256:aa".to_owned(),
            run: "registry.example/engine@sha256:aa".to_owned(),
        };
        assert_eq!(
            of("registry.example/engine@sha256:aa"),
            Some(manifest.clone())
        );
        let docker = "docker-pullable://registry.example/engine@sha256:aa";
        assert_eq!(of(docker), Some(manifest));
        let loaded = Known {
            digest: "sha256:bb".to_owned(),
            run: "registry.example/engine:1".to_owned(),
        };
        assert_eq!(of("sha256:bb"), Some(loaded));
        assert_eq!(of(""), None);
    }

    fn pod(status: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({ "metadata": {}, "status": status })).unwrap()
    }

    #[test]
    fn a_pod_tells_of_its_image_when_it_cannot_start_it() {
        let container = |id: &str, state: serde_json::Value| {
            pod(&json!({ "phase": "Pending", "containerStatuses": [{
                "name": "engine", "image": "e", "imageID": id, "ready": false, "restartCount": 0,
                "state": state,
            }] }))
        };
        let ended = json!({ "terminated": { "exitCode": 128, "reason": "StartError" } });
        let told_of = told("e:1", &container("e@sha256:aa", ended.clone()));
        assert!(matches!(told_of, Told::Known(known) if known.run == "e@sha256:aa"));
        assert!(matches!(
            told("e:1", &container("", ended)),
            Told::NoImage(_)
        ));
        for reason in ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"] {
            let state = json!({ "waiting": { "reason": reason, "message": "not found" } });
            let told_of = told("e:1", &container("", state));
            assert!(matches!(told_of, Told::NoImage(why) if why.ends_with("not found")));
        }
        let state = json!({ "waiting": { "reason": "ContainerCreating" } });
        assert!(matches!(
            told("e:1", &container("", state)),
            Told::Nothing(_)
        ));
        let late = json!({ "phase": "Failed", "reason": "DeadlineExceeded" });
        assert!(matches!(told("e:1", &pod(&late)), Told::NoImage(why) if why.contains("Deadline")));
        assert!(matches!(told("e:1", &pod(&json!({}))), Told::Nothing(_)));
    }
}
