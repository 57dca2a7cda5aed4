//! Engine versions in responses.

use galaxy_core::Timestamp;
use galaxy_runtime::versions::EngineVersion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version of the engine.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = EngineVersion)]
pub struct EngineVersionView {
    /// SemVer; also its id in paths.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// The image.
    #[schema(example = "registry.example.org/galaxy/engine:1.0.0")]
    pub image_ref: String,
    /// The digest of the image when it was first pulled.
    pub image_digest: Option<String>,
    /// Whether new games may use it.
    pub enabled: bool,
    /// Limits of its containers.
    #[schema(value_type = Object)]
    pub resources: serde_json::Value,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<EngineVersion> for EngineVersionView {
    fn from(version: EngineVersion) -> Self {
        Self {
            version: version.version,
            image_ref: version.image_ref,
            image_digest: version.image_digest,
            enabled: version.enabled,
            resources: version.resources,
            created_at: version.created_at,
            updated_at: version.updated_at,
        }
    }
}
