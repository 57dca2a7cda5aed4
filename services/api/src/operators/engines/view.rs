//! Engines in responses.

use galaxy_core::Timestamp;
use galaxy_runtime::engines::Engine;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A kind of game.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Engine)]
pub struct EngineView {
    /// Its name, also its id in paths.
    #[schema(example = "galaxy")]
    pub engine_name: String,
    /// For people.
    #[schema(example = "Galaxy")]
    pub title: String,
    /// The engine of games and versions that name none; exactly one is.
    pub is_default: bool,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<Engine> for EngineView {
    fn from(engine: Engine) -> Self {
        Self {
            engine_name: engine.engine_name,
            title: engine.title,
            is_default: engine.is_default,
            created_at: engine.created_at,
            updated_at: engine.updated_at,
        }
    }
}
