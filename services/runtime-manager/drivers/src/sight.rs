//! What a driver sees.

use galaxy_core::{Endpoint, GameId, Timestamp};

/// The place that a driver runs engines in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The place's own id: two managers of one place see the same one, and no other place has it.
    pub id: String,
    /// For people: a host name, a namespace, a directory.
    pub name: String,
    /// `docker`, `kubernetes` or `process`.
    pub driver: &'static str,
}

/// What became of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// It is there. The text names its content for good, such as `sha256:…`.
    Ready(String),
    /// It is being fetched; how far, for operators. Ask again.
    Pulling(String),
}

/// What there is of a game's engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Nothing at all.
    Absent,
    /// No engine; its state is there.
    StateOnly,
    /// An engine that is coming or going. Look again, or wait for an event.
    Pending {
        /// Its epoch.
        epoch: i64,
        /// For operators: what it waits for.
        why: String,
    },
    /// It runs. Whether it answers is another question.
    Running(Instance),
    /// It ended, by itself or because it was told to.
    Exited(Exit),
    /// The driver cannot tell. Nothing follows from it.
    Unknown(String),
}

/// An engine that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The driver's name of exactly this run of it: it changes with each start. 1 to 200 characters.
    pub container_id: String,
    /// Where it is reached: an address that this driver made.
    pub endpoint: Endpoint,
    /// The epoch it was made under.
    pub epoch: i64,
    /// What it runs from.
    pub digest: String,
    /// The version it was made for.
    pub version: String,
}

/// How an engine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The epoch it was made under.
    pub epoch: i64,
    /// Its exit status, 128 + the signal if one ended it; `None` if nobody saw it.
    pub code: Option<i32>,
    /// Whether it was killed because it used more memory than it may.
    pub oom: bool,
    /// When, if somebody saw it.
    pub at: Option<Timestamp>,
}

impl Sight {
    /// The epoch of the engine, if there is one.
    pub const fn epoch(&self) -> Option<i64> {
        match self {
            Self::Pending { epoch, .. } => Some(*epoch),
            Self::Running(instance) => Some(instance.epoch),
            Self::Exited(exit) => Some(exit.epoch),
            Self::Absent | Self::StateOnly | Self::Unknown(_) => None,
        }
    }
}

/// A page of what there is of all engines of this deployment on the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What was seen; a game of which nothing is left is not in it.
    pub engines: Vec<(GameId, Sight)>,
    /// Whether everything that is there was seen. From a listing that is not complete no absence follows.
    pub complete: bool,
    /// When the reading began.
    pub as_of: Timestamp,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
}

/// Which part of an engine's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// Lines from the end, 1 to 10,000.
    pub tail: u32,
    /// Of the run before the current one, where the driver keeps it.
    pub previous: bool,
}
