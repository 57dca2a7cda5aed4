//! What things in a cluster are called, and the labels by which they are found again.

use std::collections::BTreeMap;

use galaxy_core::GameId;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sha2::{Digest as _, Sha256};

use crate::EngineSpec;

pub(super) const BACKEND: &str = "galaxy.backend";
pub(super) const DEPLOYMENT: &str = "galaxy.deployment";
pub(super) const GAME: &str = "galaxy.game_id";
pub(super) const EPOCH: &str = "galaxy.epoch";
pub(super) const VERSION: &str = "galaxy.engine_version";
/// An annotation: digests are longer than labels may be.
pub(super) const DIGEST: &str = "galaxy.digest";
/// An annotation: how the engine ended. Once it is there, the engine of this epoch does not run again.
pub(super) const EXIT: &str = "galaxy.exit";
/// An annotation: whether the engine was ever started.
pub(super) const STARTED: &str = "galaxy.started";
/// A label of pods that only fetch an image.
pub(super) const IMAGE: &str = "galaxy.image";

type Labels = BTreeMap<String, String>;

/// Names and labels of one deployment in one namespace.
#[derive(Debug, Clone)]
pub(super) struct Names {
    deployment: String,
    prefix: String,
    domain: String,
}

/// What labels and annotations say of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) epoch: i64,
    pub(super) version: String,
    pub(super) digest: String,
}

impl Names {
    /// `domain` is the cluster's.
    pub(super) fn new(deployment: &str, namespace: &str, domain: &str) -> Self {
        Self {
            deployment: deployment.to_owned(),
            prefix: format!("galaxy-{}", &hash(deployment)[..8]),
            domain: format!("{namespace}.svc.{domain}"),
        }
    }

    /// The name of the game's set, service and claim: 48 characters. Kubernetes makes a label of a set's name and eleven
    /// more characters, and a label has 63 at most.
    pub(super) fn engine(&self, game: GameId) -> String {
        format!("{}-{}", self.prefix, game.uuid().simple())
    }

    /// The name of the set's only pod.
    pub(super) fn pod(&self, game: GameId) -> String {
        format!("{}-0", self.engine(game))
    }

    /// The name of the secret with the environment of one epoch.
    pub(super) fn secret(&self, game: GameId, epoch: i64) -> String {
        format!("{}-{epoch}", self.engine(game))
    }

    /// The name of the pod that fetches an image.
    pub(super) fn image_pod(&self, image: &str) -> String {
        format!("{}-image-{}", self.prefix, &hash(image)[..16])
    }

    /// The name under which the cluster's DNS knows the game's engine.
    pub(super) fn host(&self, game: GameId) -> String {
        format!("{}.{}", self.engine(game), self.domain)
    }

    /// Labels by which the pods of a game are found: they never change.
    pub(super) fn selector(&self, game: GameId) -> Labels {
        Labels::from([
            (DEPLOYMENT.to_owned(), self.deployment.clone()),
            (GAME.to_owned(), game.to_string()),
        ])
    }

    /// Labels of what belongs to a game, whatever its epoch.
    pub(super) fn game_labels(&self, game: GameId) -> Labels {
        let mut labels = self.selector(game);
        labels.insert(BACKEND.to_owned(), "1".to_owned());
        labels
    }

    /// Labels of what belongs to one epoch of a game.
    pub(super) fn epoch_labels(&self, game: GameId, epoch: i64) -> Labels {
        let mut labels = self.game_labels(game);
        labels.insert(EPOCH.to_owned(), epoch.to_string());
        labels
    }

    /// Labels of an engine. The version is made a label's value; as it is it stands in the annotations.
    pub(super) fn engine_labels(&self, spec: &EngineSpec) -> Labels {
        let mut labels = self.epoch_labels(spec.game, spec.epoch);
        labels.insert(VERSION.to_owned(), label_value(&spec.version));
        labels
    }

    /// Annotations of an engine.
    pub(super) fn engine_annotations(spec: &EngineSpec) -> Labels {
        Labels::from([
            (VERSION.to_owned(), spec.version.clone()),
            (DIGEST.to_owned(), spec.digest.clone()),
        ])
    }

    /// Labels of a pod that fetches an image.
    pub(super) fn image_labels(&self, image: &str) -> Labels {
        Labels::from([
            (BACKEND.to_owned(), "1".to_owned()),
            (DEPLOYMENT.to_owned(), self.deployment.clone()),
            (IMAGE.to_owned(), hash(image)[..16].to_owned()),
        ])
    }

    /// Selects everything that belongs to a game of this deployment.
    pub(super) fn games(&self) -> String {
        format!("{DEPLOYMENT}={},{GAME}", self.deployment)
    }

    /// The game that an object belongs to, if it is this deployment's.
    pub(super) fn game(&self, meta: &ObjectMeta) -> Option<GameId> {
        let labels = meta.labels.as_ref()?;
        if labels.get(DEPLOYMENT) != Some(&self.deployment) {
            return None;
        }
        labels.get(GAME)?.parse().ok()
    }
}

/// The epoch in an object's labels.
pub(super) fn epoch(meta: &ObjectMeta) -> Option<i64> {
    meta.labels.as_ref()?.get(EPOCH)?.parse().ok()
}

/// An annotation, if it is there and says something.
pub(super) fn annotation<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    let text = meta.annotations.as_ref()?.get(name)?;
    (!text.is_empty()).then_some(text)
}

/// What an object says of its engine; `None` if it is none.
pub(super) fn tags(meta: &ObjectMeta) -> Option<Tags> {
    let text = |name| annotation(meta, name).unwrap_or_default().to_owned();
    Some(Tags {
        epoch: epoch(meta)?,
        version: text(VERSION),
        digest: text(DIGEST),
    })
}

/// `text` as the value of a label: 63 characters at most, letters, digits, `-`, `_` and `.`, a letter or digit at both ends.
fn label_value(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let value: String = text
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(63)
        .collect();
    let ends = |c: char| !c.is_ascii_alphanumeric();
    value.trim_matches(ends).to_owned()
}

/// The digest in 64 hexadecimal digits.
fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(&"d".repeat(63), &"n".repeat(63), "cluster.local")
    }

    #[test]
    fn names_are_dns_labels_with_room_for_what_kubernetes_adds() {
        let game = GameId::generate();
        let names = names();
        let engine = names.engine(game);
        // `<set>-<hash of the revision>` is the value of a label.
        assert!(engine.len() + 1 + 10 <= 63, "{engine}");
        let image = names.image_pod("registry.example/engine:1");
        for name in [
            &engine,
            &names.pod(game),
            &names.secret(game, i64::MAX),
            &image,
        ] {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(name.bytes().all(plain), "{name}");
            assert!(name.as_bytes()[0].is_ascii_lowercase());
        }
        assert!(names.pod(game).len() <= 63 && image.len() <= 63);
        let host = names.host(game);
        assert!(host.len() <= 253);
        assert!(galaxy_core::Endpoint::new(&host, 8080).is_ok(), "{host}");
    }

    #[test]
    fn deployments_in_one_namespace_have_names_of_their_own() {
        let game = GameId::generate();
        let name = |deployment| Names::new(deployment, "n", "c").engine(game);
        assert_eq!(name("a"), name("a"));
        assert_ne!(name("a"), name("b"));
    }

    #[test]
    fn a_version_becomes_a_value_that_a_label_may_have() {
        let long = "a".repeat(62) + "++";
        for (version, value) in [
            ("1.2.3", "1.2.3"),
            ("1.2.3-rc.1+linux/amd64", "1.2.3-rc.1_linux_amd64"),
            ("+1 ", "1"),
            ("?", ""),
            (&long, &long[..62]),
        ] {
            assert_eq!(label_value(version), value);
        }
    }

    #[test]
    fn only_what_is_labelled_as_this_deployments_is_a_game() {
        let (names, game) = (names(), GameId::generate());
        let mut labels = names.epoch_labels(game, 7);
        let meta = |labels: &Labels| ObjectMeta {
            labels: Some(labels.clone()),
            ..ObjectMeta::default()
        };
        assert_eq!(names.game(&meta(&labels)), Some(game));
        assert_eq!(epoch(&meta(&labels)), Some(7));
        labels.insert(DEPLOYMENT.to_owned(), "another".to_owned());
        assert_eq!(names.game(&meta(&labels)), None);
        assert_eq!(names.game(&ObjectMeta::default()), None);
    }
}
