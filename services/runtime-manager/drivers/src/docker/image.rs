//! Images: what a reference means here, and how it gets here.

use std::{collections::HashMap, time::Duration};

use bollard::{
    errors::Error,
    models::{CreateImageInfo, ImageInspect},
    query_parameters::{CreateImageOptions, CreateImageOptionsBuilder},
};
use futures_util::StreamExt as _;

use super::{
    Inner,
    config::PullPolicy,
    credentials,
    error::{driver_error, is_missing},
    jobs::{Jobs, Progress, Seen},
};
use crate::{DriverError, Resolved, Result};

/// How long an image that was just fetched is not fetched again, so that many games that start at once fetch it once.
const FRESH: Duration = Duration::from_mins(1);

/// How long a fetch may make no progress.
const STALLED: Duration = Duration::from_mins(5);

/// What is told of a fetch before the registry has answered.
const ASKS: &str = "the registry is asked";

/// An image by name, and tag or digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// As Docker takes it: never without tag and digest, since that means all tags.
    text: String,
    repository: String,
    /// What the image must be.
    digest: Option<String>,
}

impl Reference {
    /// Errors: [`DriverError::NoImage`] for what cannot be an image. It also keeps `..` out of Docker's paths.
    pub(super) fn parse(image: &str) -> Result<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
        let wrong = image.is_empty()
            || image.len() > 500
            || !image.bytes().all(plain)
            || !image.as_bytes()[0].is_ascii_alphanumeric()
            || image.contains("..")
            || image.contains("//")
            || image.starts_with("process:");
        if wrong {
            return Err(DriverError::no_image(format!(
                "{image:?} is not a reference of an image"
            )));
        }
        if let Some((repository, digest)) = image.split_once('@') {
            return Ok(Self::new(image.to_owned(), repository, Some(digest)));
        }
        if image.starts_with("sha256:") {
            return Ok(Self::new(image.to_owned(), image, Some(image)));
        }
        let name = image.rfind('/').map_or(0, |slash| slash + 1);
        match image[name..].find(':') {
            Some(colon) => Ok(Self::new(image.to_owned(), &image[..name + colon], None)),
            None => Ok(Self::new(format!("{image}:latest"), image, None)),
        }
    }

    fn new(text: String, repository: &str, digest: Option<&str>) -> Self {
        Self {
            text,
            repository: repository.to_owned(),
            digest: digest.map(str::to_owned),
        }
    }

    /// The digest that the reference names; else that of the manifest, which other nodes can fetch too; else Docker's id of the
    /// image.
    fn digest(&self, image: ImageInspect) -> Option<String> {
        if self.digest.is_some() {
            return self.digest.clone();
        }
        let manifest = image.repo_digests.into_iter().flatten().find_map(|text| {
            let (repository, digest) = text.split_once('@')?;
            (repository == self.repository).then(|| digest.to_owned())
        });
        manifest.or(image.id)
    }
}

impl Inner {
    /// See [`crate::Driver::resolve`].
    pub(super) async fn resolve(
        self: &std::sync::Arc<Self>,
        pulls: &Jobs<String, ()>,
        image: &str,
    ) -> Result<Resolved> {
        let reference = Reference::parse(image)?;
        let mut fresh = false;
        match pulls.look(&reference.text) {
            Some(Seen::Running { why, .. }) => return Ok(Resolved::Pulling(why)),
            Some(Seen::Done { result, at, .. }) => {
                fresh = at.elapsed() < FRESH;
                if result.is_err() {
                    pulls.forget(&reference.text);
                    result?;
                }
            }
            None => {}
        }
        let policy = self.config.pull;
        let is_pinned = reference.digest.is_some();
        match self.digest(&reference).await? {
            Some(digest) if policy != PullPolicy::Always || is_pinned || fresh => {
                Ok(Resolved::Ready(digest))
            }
            None if policy == PullPolicy::Never => Err(DriverError::no_image(format!(
                "{} is not there, and images are not fetched",
                reference.text
            ))),
            _ => {
                let inner = self.clone();
                pulls.begin(reference.text.clone(), (), |progress| async move {
                    progress.send_replace(ASKS.to_owned());
                    inner.pull(&reference, &progress).await
                });
                Ok(Resolved::Pulling(ASKS.to_owned()))
            }
        }
    }

    /// What `reference` means here, if it is here. An image that was made here and never pushed has no digest of a registry: its
    /// own id says what is in it.
    async fn digest(&self, reference: &Reference) -> Result<Option<String>> {
        if let Some(image) = self.image(&reference.text).await? {
            return Ok(reference.digest(image));
        }
        match &reference.digest {
            Some(id) if self.image(id).await?.is_some() => Ok(Some(id.clone())),
            _ => Ok(None),
        }
    }

    /// What to run for a digest that [`Self::resolve`] gave for `image`.
    pub(super) async fn runnable(&self, image: &str, digest: &str) -> Result<String> {
        let reference = Reference::parse(image)?;
        let by_manifest = format!("{}@{digest}", reference.repository);
        for name in [digest, by_manifest.as_str()] {
            if Reference::parse(name).is_ok() && self.image(name).await?.is_some() {
                return Ok(name.to_owned());
            }
        }
        Err(DriverError::no_image(format!(
            "{image} with the digest {digest} is not there any more"
        )))
    }

    async fn image(&self, name: &str) -> Result<Option<ImageInspect>> {
        match self.docker.inspect_image(name).await {
            Ok(image) => Ok(Some(image)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(driver_error(error)),
        }
    }

    /// Dropping the stream ends the fetch.
    async fn pull(&self, image: &Reference, progress: &Progress) -> Result<()> {
        let registry = credentials::registry_of(&image.repository);
        let login = match &self.config.registry_auth {
            Some(file) => credentials::read(file, registry).await?,
            None => None,
        };
        let with = if login.is_some() { "the" } else { "no" };
        let options: CreateImageOptions = CreateImageOptionsBuilder::default()
            .from_image(&image.text)
            .build();
        let mut lines = Box::pin(self.pulls.create_image(Some(options), None, login));
        let mut layers = Layers::default();
        loop {
            let line = tokio::time::timeout(STALLED, lines.next()).await;
            let line = line.map_err(|_| DriverError::no_image("the registry is too slow"))?;
            match line {
                None => return Ok(()),
                Some(Ok(line)) => {
                    layers.hear(line);
                    progress.send_replace(layers.to_string());
                }
                Some(Err(error)) => {
                    let asked = format!("{registry} was asked with {with} credentials set for it");
                    return Err(pull_error(error, &asked));
                }
            }
        }
    }
}

/// Texts of a registry that wants other credentials, or any.
const UNAUTHORIZED: [&str; 4] = [
    "unauthorized",
    "no basic auth credentials",
    "authentication required",
    "denied",
];

/// What a registry refuses is an image that cannot be had. `asked` says with which credentials.
fn pull_error(error: Error, asked: &str) -> DriverError {
    let text = match &error {
        Error::DockerResponseServerError { message, .. } => Some(message.clone()),
        Error::DockerStreamError { error } => Some(error.clone()),
        _ => None,
    };
    match (driver_error(error), text) {
        (full @ DriverError::NoCapacity(_), _) | (full, None) => full,
        (_, Some(text)) => {
            let lower = text.to_lowercase();
            let refused = UNAUTHORIZED.iter().any(|word| lower.contains(word));
            DriverError::no_image(if refused {
                format!("{text} ({asked})")
            } else {
                text
            })
        }
    }
}

/// How far a fetch is.
#[derive(Debug, Default)]
struct Layers {
    seen: HashMap<String, Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    done: bool,
    current: i64,
    total: i64,
}

impl Layers {
    fn hear(&mut self, line: CreateImageInfo) {
        let (Some(id), Some(status)) = (line.id, line.status) else {
            return;
        };
        // The first line has the tag where others have the layer.
        if status.starts_with("Pulling from") {
            return;
        }
        let layer = self.seen.entry(id).or_default();
        layer.done |= matches!(status.as_str(), "Pull complete" | "Already exists");
        if let (Some(detail), "Downloading") = (line.progress_detail, status.as_str()) {
            layer.current = detail.current.unwrap_or(layer.current);
            layer.total = detail.total.unwrap_or(layer.total);
        }
    }
}

impl std::fmt::Display for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let done = self.seen.values().filter(|layer| layer.done).count();
        let sum = |part: fn(&Layer) -> i64| self.seen.values().map(part).sum::<i64>() / 1024;
        write!(
            f,
            "{done} of {} layers, {} of {} KiB",
            self.seen.len(),
            sum(|layer| layer.current),
            sum(|layer| layer.total)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_never_means_all_tags_and_never_leaves_its_path() {
        let digest = Some("sha256:ab");
        for (image, text, repository, digest) in [
            ("engine", "engine:latest", "engine", None),
            ("engine:1", "engine:1", "engine", None),
            (
                "r:5000/engine",
                "r:5000/engine:latest",
                "r:5000/engine",
                None,
            ),
            (
                "r:5000/a/engine:1",
                "r:5000/a/engine:1",
                "r:5000/a/engine",
                None,
            ),
            ("engine@sha256:ab", "engine@sha256:ab", "engine", digest),
            ("sha256:ab", "sha256:ab", "sha256:ab", digest),
        ] {
            let expected = Reference::new(text.to_owned(), repository, digest);
            assert_eq!(Reference::parse(image), Ok(expected));
        }
        for wrong in [
            "",
            "../containers/a",
            "a/../b",
            "a//b",
            "a?b",
            "a#b",
            "a b",
            "-a",
            "ä",
            "process:engine",
        ] {
            let parsed = Reference::parse(wrong);
            assert!(matches!(parsed, Err(DriverError::NoImage(_))), "{wrong}");
        }
    }
}
