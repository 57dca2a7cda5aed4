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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(state: &str, address: &str, epoch: i64) -> (Found, EngineNetwork) {
        let (game, names) = (GameId::from(uuid::Uuid::nil()), Names::new("d", "galaxy"));
        let network = EngineNetwork::of("n", "172.20.0.0/16");
        let container = serde_json::json!({
            "Id": "c",
            "State": {
                "Status": state, "Running": state == "running", "ExitCode": 137, "OOMKilled": true,
                "StartedAt": "2026-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z",
                "Error": "an error\u{0}",
            },
            "Config": { "Labels": {
                "galaxy.deployment": "d", "galaxy.game_id": game.to_string(),
                "galaxy.epoch": epoch.to_string(), "galaxy.engine_version": "1", "galaxy.digest": "s",
            } },
            "NetworkSettings": { "Networks": {
                "other": { "NetworkID": "m", "IPAddress": "172.20.0.9" },
                "engines": { "NetworkID": "n", "IPAddress": address },
            } },
        });
        let container = serde_json::from_value(container).unwrap();
        (Found::new(container, game, &names, &network), network)
    }

    fn sight(state: &str, address: &str) -> Sight {
        let (found, network) = found(state, address, 3);
        found.sight(&network)
    }

    #[test]
    fn an_engine_runs_where_the_network_of_engines_put_it() {
        let Sight::Running(instance) = sight("running", "172.20.0.2") else {
            panic!("it runs");
        };
        assert_eq!(instance.endpoint.to_string(), "http://172.20.0.2:8080");
        assert_eq!(instance.container_id, "c@2026-01-01T00:00:00Z");
        for wrong in ["", "172.21.0.2", "127.0.0.1", "169.254.169.254", "engine"] {
            let seen = sight("running", wrong);
            assert!(matches!(seen, Sight::Unknown(_)), "{wrong}: {seen:?}");
        }
    }

    #[test]
    fn every_state_is_seen() {
        assert_eq!(
            sight("exited", ""),
            Sight::Exited(Exit {
                epoch: 3,
                code: Some(137),
                oom: true,
                at: None
            })
        );
        for state in ["created", "paused", "restarting", "removing", "dead"] {
            let Sight::Pending { epoch: 3, why } = sight(state, "") else {
                panic!("{state}");
            };
            assert!(why.ends_with("an error\u{fffd}"), "{why:?}");
        }
        assert!(matches!(sight("", ""), Sight::Unknown(_)));
    }

    #[test]
    fn what_is_to_be_done_follows_from_epoch_version_and_digest() {
        let spec = |epoch, version: &str, digest: &str| EngineSpec {
            game: GameId::from(uuid::Uuid::nil()),
            epoch,
            image: "image".to_owned(),
            digest: digest.to_owned(),
            version: version.to_owned(),
            resources: crate::Resources::default(),
            token: None,
            environment: Vec::new(),
            log_limit: 0,
            grace: std::time::Duration::ZERO,
        };
        for (state, spec, step) in [
            ("created", spec(3, "1", "s"), Step::Start),
            ("running", spec(3, "1", "s"), Step::Keep),
            ("exited", spec(3, "1", "s"), Step::Keep),
            ("running", spec(4, "1", "s"), Step::Replace),
            ("created", spec(4, "1", "s"), Step::Replace),
            ("running", spec(3, "2", "s"), Step::Replace),
            ("exited", spec(3, "1", "t"), Step::Replace),
            ("exited", spec(2, "1", "s"), Step::Fenced(3)),
        ] {
            let (found, _) = found(state, "172.20.0.2", 3);
            assert_eq!(found.step(&spec), step, "{state} {spec:?}");
        }
        let (mut foreign, _) = found("running", "172.20.0.2", 3);
        foreign.tags = None;
        assert_eq!(foreign.step(&spec(9, "1", "s")), Step::Foreign);
    }
}
