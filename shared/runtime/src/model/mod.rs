//! What a game's runtime is, and its rules: pure types without a database.

mod health;
mod node;
mod operation;
mod players;
mod record;
mod registry;
mod request;
pub(crate) mod restart_policy;
mod token;
mod version;
mod work;

pub use health::{KEPT, Seen, Watched};
pub use node::{NewNode, Node};
pub use operation::{Claimed, EndError, LEASE, NewOperation, Operation, PutBack};
pub use players::{PlayerMapping, RosterMismatch, Seat};
pub use record::{EngineUp, Record};
pub use registry::{Engine, RegistryError};
pub use request::RequestError;
pub use token::EngineToken;
pub use version::{EngineVersion, NewVersion, VersionChange, VersionError};
pub use work::{Lane, RosterEntry, TurnMode, Waiting, Work};

pub(crate) use operation::LEASE_SPAN;
