//! What an inspected container is, as the trait sees it.

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status,
};
use galaxy_core::{Endpoint, GameId, Timestamp, text};

use super::{
    names::{Names, Tags},
    network::EngineNetwork,
};
use crate::{EngineSpec, Exit, Instance, Sight};

/// The port that every engine in a container listens on.
pub(super) const ENGINE_PORT: u16 = 8080;

/// The longest text of Docker in a sight, in characters.
const MAX_TEXT: usize = 300;

/// A container with the name of a game's engine.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Docker's id of it: no other container ever has it.
    pub(super) id: String,
    /// What its labels say; `None` if it is not an engine of this game and deployment.
    pub(super) tags: Option<Tags>,
    /// Whether it was made and never ran.
    pub(super) unstarted: bool,
    state: ContainerState,
    address: Option<String>,
}

/// What is to be done so that a spec holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// It holds, or the engine of that epoch has ended: nothing.
    Keep,
    /// There is no container: make it.
    Make,
    /// The container was made and not started.
    Start,
    /// The container is another one: end and remove it.
    Replace,
    /// A newer engine is there.
    Fenced(i64),
    /// What has the name is not an engine of this game.
    Foreign,
}

impl Found {
    pub(super) fn new(
        container: ContainerInspectResponse,
        game: GameId,
        names: &Names,
        network: &EngineNetwork,
    ) -> Self {
        let state = container.state.unwrap_or_default();
        let labels = container.config.and_then(|config| config.labels);
        let networks = container.network_settings.and_then(|seen| seen.networks);
        let address = networks
            .into_iter()
            .flatten()
            .find(|(_, seen)| seen.network_id.as_ref() == Some(&network.id))
            .and_then(|(_, seen)| seen.ip_address)
            .filter(|address| !address.is_empty());
        Self {
            id: container.id.unwrap_or_default(),
            tags: labels
                .and_then(|labels| names.tags(&labels))
                .filter(|tags| tags.game == game),
            unstarted: state.status == Some(Status::CREATED),
            state,
            address,
        }
    }

    /// Whether a process of it runs.
    pub(super) fn runs(&self) -> bool {
        self.state.running.unwrap_or(false)
    }

    /// What is to be done so that `spec` holds.
    pub(super) fn step(&self, spec: &EngineSpec) -> Step {
        let Some(tags) = &self.tags else {
            return Step::Foreign;
        };
        if tags.epoch > spec.epoch {
            return Step::Fenced(tags.epoch);
        }
        let same =
            tags.epoch == spec.epoch && tags.version == spec.version && tags.digest == spec.digest;
        match (same, self.unstarted) {
            (false, _) => Step::Replace,
            (true, true) => Step::Start,
            (true, false) => Step::Keep,
        }
    }

    /// What there is.
    pub(super) fn sight(&self, network: &EngineNetwork) -> Sight {
        let Some(tags) = &self.tags else {
            return Sight::Unknown(
                "a container that is not an engine of this game has its name".to_owned(),
            );
        };
        let pending = |why: &str| Sight::Pending {
            epoch: tags.epoch,
            why: self.with_error(why),
        };
        match self.state.status {
            Some(Status::RUNNING | Status::STOPPING) => self.running(tags, network),
            Some(Status::EXITED) => Sight::Exited(self.exit(tags)),
            Some(Status::CREATED) => pending("the container is made, and not started"),
            Some(Status::PAUSED) => pending("somebody paused the container"),
            Some(Status::RESTARTING) => pending("the container restarts"),
            Some(Status::REMOVING) => pending("the container is being removed"),
            Some(Status::DEAD) => pending("Docker could not remove the container"),
            Some(Status::EMPTY) | None => {
                Sight::Unknown("Docker does not say what the container does".to_owned())
            }
        }
    }

    /// Only an address that this driver's network gave is an engine's.
    fn running(&self, tags: &Tags, network: &EngineNetwork) -> Sight {
        let Some(address) = &self.address else {
            return Sight::Unknown("the container is not on the network of engines".to_owned());
        };
        let inside = address.parse().is_ok_and(|ip| network.holds(ip));
        match Endpoint::new(address, ENGINE_PORT) {
            Ok(endpoint) if inside => Sight::Running(Instance {
                container_id: self.run_id(),
                endpoint,
                epoch: tags.epoch,
                digest: tags.digest.clone(),
                version: tags.version.clone(),
            }),
            _ => Sight::Unknown(text::printable(
                format!("{address} is not an address of the network of engines").as_bytes(),
                MAX_TEXT,
            )),
        }
    }

    /// A container may be started again by hand, which makes another run of it.
    fn run_id(&self) -> String {
        let started = self.state.started_at.as_deref().unwrap_or_default();
        text::printable(format!("{}@{started}", self.id).as_bytes(), 200)
    }

    fn exit(&self, tags: &Tags) -> Exit {
        let code = self.state.exit_code.and_then(|code| code.try_into().ok());
        let at = self.state.finished_at.as_deref();
        Exit {
            epoch: tags.epoch,
            code,
            oom: self.state.oom_killed.unwrap_or(false),
            at: at
                .and_then(|at| at.parse::<Timestamp>().ok())
                .filter(|at| *at > Timestamp::UNIX_EPOCH),
        }
    }

    fn with_error(&self, why: &str) -> String {
        match self.state.error.as_deref() {
            None | Some("") => why.to_owned(),
            Some(error) => text::printable(format!("{why}: {error}").as_bytes(), MAX_TEXT),
        }
    }
}
