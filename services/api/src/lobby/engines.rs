//! `GET /lobby/engines`: what kinds of games can be made.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use galaxy_runtime::{
    engines::{self, Engine},
    versions::{self, EngineVersion},
};
use serde::{Deserialize, Serialize};
use tracing::instrument;
use utoipa::ToSchema;

use super::{Lobby, refusal::Error};
use crate::accounts::Caller;

/// The kinds of games that can be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LobbyEngines {
    /// The default one first, then by name; only those with a version.
    pub items: Vec<LobbyEngine>,
}

/// A kind of game.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LobbyEngine {
    /// `engine_name` of a new game.
    #[schema(example = "galaxy")]
    pub engine_name: String,
    /// For people.
    #[schema(example = "Galaxy")]
    pub title: String,
    /// The kind of a game that names none.
    pub is_default: bool,
    /// The version of a game that names none; `null` if all there are must be named.
    #[schema(example = "1.0.0")]
    pub default_version: Option<String>,
    /// Those that may be chosen, the last registered one first.
    pub versions: Vec<LobbyEngineVersion>,
}

/// A version of an engine that may be chosen.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LobbyEngineVersion {
    /// `target_engine_version` of a new game.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// Being tried: only for games that name it.
    pub is_candidate: bool,
    /// The least that `min_players` of a game can be.
    #[schema(example = 1)]
    pub min_players: i32,
    /// The most that `max_players` of a game can be.
    #[schema(example = 64)]
    pub max_players: i32,
    /// JSON Schema of `options` of a game; `null`: there are none.
    #[schema(value_type = Option<Object>, example = json!({
        "type": "object", "additionalProperties": false,
        "properties": {"planets_per_race": {"type": "integer", "minimum": 3, "maximum": 12}}
    }))]
    pub options_schema: Option<serde_json::Value>,
}

/// The kinds of games with the versions that may be chosen, how many players each takes, and its options.
#[utoipa::path(
    get,
    path = "/api/v1/user/lobby/engines",
    tag = "User",
    operation_id = "list_lobby_engines",
    responses((status = 200, body = LobbyEngines, description = "The engines."))
)]
#[instrument(skip_all)]
pub async fn list_lobby_engines(
    State(lobby): State<Lobby>,
    _: Caller,
) -> Result<Json<LobbyEngines>, Error> {
    let mut connection = lobby.db.acquire().await?;
    let engines = engines::list(&mut connection).await?;
    let mut versions: BTreeMap<String, Vec<EngineVersion>> = BTreeMap::new();
    for version in versions::list_enabled(&mut connection).await? {
        let of_engine = versions.entry(version.engine_name.clone()).or_default();
        of_engine.push(version);
    }
    let items = engines
        .into_iter()
        .filter_map(|engine| {
            let versions = versions.remove(&engine.engine_name)?;
            Some(LobbyEngine::new(engine, versions))
        })
        .collect();
    Ok(Json(LobbyEngines { items }))
}

impl LobbyEngine {
    fn new(engine: Engine, versions: Vec<EngineVersion>) -> Self {
        Self {
            engine_name: engine.engine_name,
            title: engine.title,
            is_default: engine.is_default,
            default_version: versions::newest(&versions).map(|newest| newest.version.clone()),
            versions: versions.into_iter().map(LobbyEngineVersion::from).collect(),
        }
    }
}

impl From<EngineVersion> for LobbyEngineVersion {
    fn from(version: EngineVersion) -> Self {
        Self {
            version: version.version,
            is_candidate: version.is_candidate,
            min_players: version.min_players,
            max_players: version.max_players,
            options_schema: version.options_schema,
        }
    }
}
