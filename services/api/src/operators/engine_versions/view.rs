//! Engine versions in responses.

use galaxy_core::{ImageCheck, Timestamp};
use galaxy_runtime::versions::EngineVersion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version of an engine.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = EngineVersion)]
pub struct EngineVersionView {
    /// Its id in paths: the engine's name, `@`, and the version. For the default engine the version alone will do.
    #[schema(example = "galaxy@1.0.0")]
    pub id: String,
    /// The engine.
    #[schema(example = "galaxy")]
    pub engine_name: String,
    /// SemVer, unique in the engine.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// The image.
    #[schema(example = "registry.example.org/galaxy/engine:1.0.0")]
    pub image_ref: String,
    /// The digest of the image when it was first found; this is what runs from then on.
    pub image_digest: Option<String>,
    /// Whether new games may use it.
    pub enabled: bool,
    /// Only for games that name it: it is never taken as the newest by default.
    pub is_candidate: bool,
    /// Limits of its containers.
    #[schema(value_type = Object)]
    pub resources: serde_json::Value,
    /// Players that it needs.
    #[schema(example = 1)]
    pub min_players: i32,
    /// Players that it takes.
    #[schema(example = 64)]
    pub max_players: i32,
    /// JSON Schema of the options of a game; `null`: it takes none.
    #[schema(value_type = Option<Object>)]
    pub options_schema: Option<serde_json::Value>,
    /// Whether its image was found.
    pub check: ImageCheckView,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether the image of a version was found. A runtime manager looks for it after the registration, and when it is asked to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ImageCheck)]
pub struct ImageCheckView {
    /// `pending`: no runtime manager has found it or given it up yet; `ok`; `failed`: it cannot be had.
    #[schema(example = "ok")]
    pub state: String,
    /// Why it cannot be had.
    #[schema(example = "the engine's image cannot be had: manifest unknown")]
    pub error: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When `ok` or `failed` was known.
    pub checked_at: Option<Timestamp>,
    /// What was found.
    pub digest: Option<String>,
}

impl From<EngineVersion> for EngineVersionView {
    fn from(version: EngineVersion) -> Self {
        let found = version.check_status == ImageCheck::Ok;
        Self {
            id: version.id(),
            check: ImageCheckView {
                state: version.check_status.to_string(),
                error: version.check_error,
                requested_at: version.check_requested_at,
                checked_at: version.checked_at,
                digest: version.image_digest.clone().filter(|_| found),
            },
            engine_name: version.engine_name,
            version: version.version,
            image_ref: version.image_ref,
            image_digest: version.image_digest,
            enabled: version.enabled,
            is_candidate: version.is_candidate,
            resources: version.resources,
            min_players: version.min_players,
            max_players: version.max_players,
            options_schema: version.options_schema,
            created_at: version.created_at,
            updated_at: version.updated_at,
        }
    }
}
