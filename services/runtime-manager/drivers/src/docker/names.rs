//! What things in Docker are called, and the labels by which they are found again.

use std::collections::HashMap;

use galaxy_core::GameId;

use crate::EngineSpec;

/// Names and labels of one deployment.
#[derive(Debug, Clone)]
pub(super) struct Names {
    deployment: String,
    prefix: String,
}

/// What the labels of a container say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) game: GameId,
    pub(super) epoch: i64,
    pub(super) version: String,
    pub(super) digest: String,
}

/// What a volume is for: the value of the label `volume`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Volume {
    /// A game's state.
    State,
    /// Empty: its label says that an engine of that epoch was made. It outlives the engine.
    Epoch,
}

impl Volume {
    const fn text(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Epoch => "epoch",
        }
    }
}

impl Names {
    pub(super) fn new(deployment: &str, prefix: &str) -> Self {
        Self {
            deployment: deployment.to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    /// The name of the game's container, and of its volume.
    pub(super) fn engine(&self, game: GameId) -> String {
        format!("galaxy-{}-{game}", self.deployment)
    }

    /// The name of the volume that remembers `epoch`.
    pub(super) fn epoch_volume(&self, game: GameId, epoch: i64) -> String {
        format!("{}.epoch-{epoch}", self.engine(game))
    }

    /// The labels of a container that is never started: it gives a volume its owner.
    pub(super) fn helper_labels(&self) -> HashMap<String, String> {
        HashMap::from([
            (self.key("backend"), "1".to_owned()),
            (self.key("helper"), self.deployment.clone()),
        ])
    }

    pub(super) fn network_labels(&self) -> HashMap<String, String> {
        HashMap::from([(self.key("backend"), "1".to_owned())])
    }

    pub(super) fn engine_labels(&self, spec: &EngineSpec) -> HashMap<String, String> {
        let mut labels = self.labels(spec.game, spec.epoch);
        labels.insert(self.key("engine_version"), spec.version.clone());
        labels.insert(self.key("digest"), spec.digest.clone());
        labels
    }

    /// The labels of a volume; `epoch` is the one of the engine that it was made for.
    pub(super) fn volume_labels(
        &self,
        kind: Volume,
        game: GameId,
        epoch: i64,
    ) -> HashMap<String, String> {
        let mut labels = self.labels(game, epoch);
        labels.insert(self.key("volume"), kind.text().to_owned());
        labels
    }

    /// Finds all engines.
    pub(super) fn engine_filter(&self) -> HashMap<String, Vec<String>> {
        filter([format!("{}={}", self.key("deployment"), self.deployment)])
    }

    /// Finds all helpers.
    pub(super) fn helper_filter(&self) -> HashMap<String, Vec<String>> {
        filter([format!("{}={}", self.key("helper"), self.deployment)])
    }

    /// Finds all volumes of a kind, or those of one game.
    pub(super) fn volume_filter(
        &self,
        kind: Volume,
        game: Option<GameId>,
    ) -> HashMap<String, Vec<String>> {
        let deployment = format!("{}={}", self.key("deployment"), self.deployment);
        let volume = format!("{}={}", self.key("volume"), kind.text());
        let game = game.map(|game| format!("{}={game}", self.key("game_id")));
        filter([deployment, volume].into_iter().chain(game))
    }

    /// What the labels of an engine say; `None` if they are not ours or cannot be read.
    pub(super) fn tags(&self, labels: &HashMap<String, String>) -> Option<Tags> {
        let text = |name: &str| labels.get(&self.key(name)).cloned().unwrap_or_default();
        Some(Tags {
            game: self.game(labels)?,
            epoch: self.epoch(labels)?,
            version: text("engine_version"),
            digest: text("digest"),
        })
    }

    /// The game that the labels are about, if they are this deployment's.
    pub(super) fn game(&self, labels: &HashMap<String, String>) -> Option<GameId> {
        if labels.get(&self.key("deployment")) != Some(&self.deployment) {
            return None;
        }
        labels.get(&self.key("game_id"))?.parse().ok()
    }

    /// The epoch in the labels.
    pub(super) fn epoch(&self, labels: &HashMap<String, String>) -> Option<i64> {
        labels.get(&self.key("epoch"))?.parse().ok()
    }

    fn labels(&self, game: GameId, epoch: i64) -> HashMap<String, String> {
        HashMap::from([
            (self.key("backend"), "1".to_owned()),
            (self.key("deployment"), self.deployment.clone()),
            (self.key("game_id"), game.to_string()),
            (self.key("epoch"), epoch.to_string()),
        ])
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }
}

fn filter(labels: impl IntoIterator<Item = String>) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), labels.into_iter().collect())])
}
