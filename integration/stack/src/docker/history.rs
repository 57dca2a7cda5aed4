//! What becomes of a deployment's containers, as Docker's own events tell it: nothing between two looks is missed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail, ensure};

use super::{Deployment, docker};

/// A line for each event; labels are attributes of the container.
const FORMAT: &str = r#"{{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "galaxy.game_id"}} {{index .Actor.Attributes "galaxy.epoch"}}"#;

/// One thing that happened to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerEvent {
    /// `create`, `start`, `die`, `destroy` and others.
    pub action: String,
    /// Docker's id of the container.
    pub container: String,
    pub game: String,
    pub epoch: String,
}

/// All events of a deployment since it was begun.
#[derive(Debug)]
pub struct History {
    follower: Child,
    events: Arc<Mutex<Vec<ContainerEvent>>>,
}

impl Deployment {
    /// Follows what happens to its containers from now on.
    pub fn follow(&self) -> Result<History> {
        let filter = self.label("deployment");
        let mut docker = docker()?;
        docker
            .args(["events", "--filter", "type=container", "--filter", &filter])
            .args(["--format", FORMAT])
            .stdout(Stdio::piped());
        let mut follower = docker.spawn().context("cannot run docker")?;
        let lines = follower.stdout.take().context("docker tells nothing")?;
        let events = Arc::<Mutex<Vec<ContainerEvent>>>::default();
        let told = events.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                told.extend(parse(&line));
            }
        });
        Ok(History { follower, events })
    }
}

impl History {
    /// What happened so far, in order.
    pub fn events(&self) -> Vec<ContainerEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.clone()
    }
}

impl Drop for History {
    fn drop(&mut self) {
        let _ = self.follower.kill();
        let _ = self.follower.wait();
    }
}

fn parse(line: &str) -> Option<ContainerEvent> {
    // An action may have words of its own after a colon.
    let (action, rest) = line.split_once(' ')?;
    let mut words = rest.rsplit(' ').map(str::to_owned);
    let (epoch, game, container) = (words.next()?, words.next()?, words.next()?);
    Some(ContainerEvent {
        action: action.to_owned(),
        container,
        game,
        epoch,
    })
}

/// An error if an epoch of a game had a second container, a container ran twice, or two of a game ran at once. Gives how many
/// containers there were.
pub fn check_single(events: &[ContainerEvent]) -> Result<usize> {
    let mut made = BTreeMap::new();
    let mut started = BTreeSet::new();
    let mut running: BTreeMap<&str, &str> = BTreeMap::new();
    for event in events {
        let container = event.container.as_str();
        match event.action.as_str() {
            "create" => {
                let epoch = (&event.game, &event.epoch);
                if let Some(first) = made.insert(epoch, container) {
                    bail!("{first} and {container} are of one epoch: {epoch:?}");
                }
            }
            "start" => {
                ensure!(started.insert(container), "{container} was started twice");
                if let Some(other) = running.insert(&event.game, container) {
                    bail!(
                        "{other} and {container} run at once for game {}",
                        event.game
                    );
                }
            }
            "die" => {
                running.remove(event.game.as_str());
            }
            _ => {}
        }
    }
    Ok(made.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(lines: &[&str]) -> Result<usize> {
        let events: Vec<_> = lines.iter().filter_map(|line| parse(line)).collect();
        assert_eq!(events.len(), lines.len());
        check_single(&events)
    }

    #[test]
    fn one_engine_after_the_other_is_well() {
        let lines = [
            "create a game 1",
            "start a game 1",
            "exec_create: /engine healthcheck a game 1",
            "die a game 1",
            "create b game 2",
            "destroy a game 1",
            "start b game 2",
            "create c other 1",
        ];
        assert_eq!(checked(&lines).unwrap(), 3);
    }

    #[test]
    fn a_second_engine_is_found() {
        for lines in [
            ["create a game 1", "die a game 1", "create b game 1"],
            ["start a game 1", "die a game 1", "start a game 1"],
            ["start a game 1", "create b game 2", "start b game 2"],
        ] {
            assert!(checked(&lines).is_err(), "{lines:?}");
        }
    }
}
