//! The vocabulary that every process shares: ids, time, randomness, pages, names, languages, and the enums that cross
//! processes.
//!
//! Everything here is pure: no I/O, no async, no ambient clock or random source except through
//! [`Clock`] and [`entropy`]. To add an id, add a line to [`ids`]; to add a text rule, a module of its own.
#![warn(missing_docs)]

pub mod account;
pub mod clock;
pub mod dependency;
pub mod email;
pub mod endpoint;
pub mod entropy;
pub mod ids;
pub mod locale;
pub mod network;
pub mod page;
pub mod race_name;
pub mod resources;
pub mod runtime;
pub mod text;
pub mod text_enum;
pub mod timestamp;
pub mod timezone;

pub use account::{RevocationReason, SanctionCode, SessionStatus, Tier};
pub use clock::Clock;
pub use dependency::DependencyError;
pub use email::EmailAddress;
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use ids::*;
pub use locale::Locale;
pub use network::SourceNetwork;
pub use page::{Cursor, InvalidCursor, Limit, Page};
pub use race_name::RaceName;
pub use resources::{InvalidResources, Resources};
pub use runtime::{
    EngineHealth, FailureCode, GameStage, ImageCheck, Incident, Op, OperationStatus, RuntimeStatus,
};
pub use text_enum::OpenEnum;
pub use timestamp::Timestamp;
