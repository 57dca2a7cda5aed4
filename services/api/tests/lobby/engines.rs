//! The registry of engines: several kinds of games, who can play them, and what can be chosen of them.

mod games;
mod registry;

use galaxy_core::{GameId, UserId};
use serde_json::{Value, json};

use crate::support::{Answer, Lobby, text};

/// The options of the chess engine: a board of 5 to 9, which must be said.
fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["board"],
        "properties": { "board": { "type": "integer", "minimum": 5, "maximum": 9 } }
    })
}

/// A second engine, `chess`, for two to four players, with a version of the number that the first engine has too.
async fn with_chess(lobby: &Lobby) {
    let engine = json!({ "engine_name": "chess", "title": "Star chess" });
    let made = lobby.admin("POST", "/engines", Some(engine)).await;
    assert_eq!(made.expect(201)["is_default"], false);
    let version = json!({
        "engine_name": "chess", "version": "1.0.0", "image_ref": "example.org/chess:1", "min_players": 2,
        "max_players": 4, "options_schema": schema()
    });
    let made = lobby.admin("POST", "/engine-versions", Some(version)).await;
    assert_eq!(made.expect(201)["id"], "chess@1.0.0");
}

async fn patch_version(lobby: &Lobby, id: &str, body: Value) -> Answer {
    let path = format!("/engine-versions/{id}");
    lobby.admin("PATCH", &path, Some(body)).await
}

async fn create(lobby: &Lobby, owner: UserId, change: Value) -> Answer {
    let mut request = lobby.game_request();
    for (field, value) in change.as_object().unwrap() {
        request[field] = value.clone();
    }
    lobby.post(owner, "/lobby/games", request).await
}

async fn change(lobby: &Lobby, owner: UserId, game: GameId, body: Value) -> Answer {
    let path = format!("/lobby/games/{game}");
    lobby.call(owner, "PATCH", &path, Some(body)).await
}

/// The first wrong field with its reason.
#[track_caller]
fn wrong(answer: Answer) -> (String, String) {
    let body = answer.expect(400);
    assert_eq!(body["error"]["code"], "invalid_request");
    let detail = &body["error"]["details"][0];
    (text(detail, "field"), text(detail, "reason"))
}
