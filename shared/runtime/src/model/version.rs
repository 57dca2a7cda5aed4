//! A version of an engine, and what can be wrong with one.

use galaxy_core::{ImageCheck, InvalidResources, Timestamp};
use serde_json::Value;

use crate::options::InvalidSchema;

/// A version of an engine. Its key is the engine's name with the number.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineVersion {
    /// The engine.
    pub engine_name: String,
    /// SemVer, unique in the engine.
    pub version: String,
    /// The image, a full reference.
    pub image_ref: String,
    /// What `image_ref` meant when it was first found: this is what runs from then on.
    pub image_digest: Option<String>,
    /// Whether new games may use it.
    pub enabled: bool,
    /// Only for those who name it: never taken as the newest by default.
    pub is_candidate: bool,
    /// Limits of its containers, an object.
    pub resources: Value,
    /// Players that it needs, 1 to 64.
    pub min_players: i32,
    /// Players that it takes, up to 64.
    pub max_players: i32,
    /// JSON Schema of a game's options; without one there are none. See [`crate::options`].
    pub options_schema: Option<Value>,
    /// Whether its image was found.
    pub check_status: ImageCheck,
    /// When it was asked for.
    pub check_requested_at: Timestamp,
    /// Why it was not found, in the driver's words, at most 1,000 characters.
    pub check_error: Option<String>,
    /// When that was known.
    pub checked_at: Option<Timestamp>,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl EngineVersion {
    /// `name@1.0.0`: its id in paths and logs.
    pub fn id(&self) -> String {
        format!("{}@{}", self.engine_name, self.version)
    }

    /// Whether that many can play it.
    pub const fn takes(&self, players: i32) -> bool {
        self.min_players <= players && players <= self.max_players
    }
}

/// A version to be made known.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// An engine that is there.
    pub engine_name: String,
    /// SemVer.
    pub version: String,
    /// A full reference: see [`crate::versions::is_full_reference`].
    pub image_ref: String,
    /// Limits of its containers, an object.
    pub resources: Value,
    /// Only for those who name it.
    pub is_candidate: bool,
    /// 1 to 64.
    pub min_players: i32,
    /// At least `min_players`, up to 64.
    pub max_players: i32,
    /// JSON Schema of a game's options.
    pub options_schema: Option<Value>,
}

impl NewVersion {
    /// With the default limits, for 1 to 64 players, without options.
    pub fn plain(engine_name: &str, version: &str, image_ref: &str) -> Self {
        Self {
            engine_name: engine_name.to_owned(),
            version: version.to_owned(),
            image_ref: image_ref.to_owned(),
            resources: Value::Object(serde_json::Map::new()),
            is_candidate: false,
            min_players: 1,
            max_players: 64,
            options_schema: None,
        }
    }
}

/// What to change; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct VersionChange {
    /// The image, named anew: the recorded digest goes and the image is looked for, also if the text is the same (a tag that was
    /// moved on purpose).
    pub image_ref: Option<String>,
    /// Offered to new games or not.
    pub enabled: Option<bool>,
    /// Taken by default or not.
    pub is_candidate: Option<bool>,
    /// Other limits.
    pub resources: Option<Value>,
    /// 1 to 64.
    pub min_players: Option<i32>,
    /// 1 to 64.
    pub max_players: Option<i32>,
    /// Another schema, or none.
    pub options_schema: Option<Option<Value>>,
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
    /// Not 1 to 64, or the minimum is above the maximum.
    #[error("the players must be 1 to 64, and not more at least than at most")]
    Players,
    /// Not a schema of options.
    #[error("options_schema {0}")]
    Schema(#[from] InvalidSchema),
    /// There is no such engine.
    #[error("there is no engine {0}")]
    NoEngine(String),
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
