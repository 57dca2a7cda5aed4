//! A version of the engine, and what can be wrong with one.

use galaxy_core::{InvalidResources, Timestamp};
use serde_json::Value;

/// A version of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// SemVer, the key.
    pub version: String,
    /// The image, a full reference.
    pub image_ref: String,
    /// What `image_ref` meant when it was first pulled.
    pub image_digest: Option<String>,
    /// Whether new games may use it.
    pub enabled: bool,
    /// Limits of its containers, an object.
    pub resources: Value,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A version to be made known.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// SemVer.
    pub version: String,
    /// A full reference: see [`crate::versions::is_full_reference`].
    pub image_ref: String,
    /// Limits of its containers, an object.
    pub resources: Value,
}

/// What to change; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct VersionChange {
    /// Another image; the recorded digest goes.
    pub image_ref: Option<String>,
    /// Offered to new games or not.
    pub enabled: Option<bool>,
    /// Other limits.
    pub resources: Option<Value>,
}

/// The version cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// Not SemVer, or longer than 100 bytes.
    #[error("{0} is not a version such as 1.2.3")]
    NotSemver(String),
    /// Not a full reference.
    #[error("{0} is not a full image reference such as registry.example.org/engine:1.2.3")]
    NotAReference(String),
    /// The limits are not such.
    #[error("resources {0}")]
    Resources(#[from] InvalidResources),
    /// It is there already.
    #[error("version {0} is known already")]
    Exists(String),
    /// There is none.
    #[error("there is no version {0}")]
    NotFound(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}
