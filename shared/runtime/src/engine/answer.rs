//! What answers must be before they go on to a player.

use bytes::Bytes;
use galaxy_core::{GameId, text};
use http::{
    HeaderMap, Response,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use serde::Deserialize;
use uuid::Uuid;

use super::EngineError;

const MAX_SHOWN: usize = 100;

/// The body of an answer that says of itself that it is JSON and not compressed.
pub(super) fn plain_json(answer: Response<Bytes>) -> Result<Bytes, EngineError> {
    let headers = answer.headers();
    let media_type = header(headers, &CONTENT_TYPE);
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(garbage("content type", &media_type));
    }
    let encoding = header(headers, &CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(garbage("content encoding", &encoding));
    }
    Ok(answer.into_body())
}

/// Checks that a report is an object about this game, player and turn, so that nobody gets what another player knows.
pub(super) fn check_report(
    report: &[u8],
    game_id: GameId,
    player_id: Uuid,
    turn: u32,
) -> Result<(), EngineError> {
    #[derive(Deserialize)]
    struct Head {
        game_id: GameId,
        player_id: Uuid,
        turn: u32,
    }
    if report.trim_ascii_start().first() != Some(&b'{') {
        return Err(EngineError::Garbage("the report is no object".to_owned()));
    }
    let head: Head = super::client::decode(report)?;
    let mine = (head.game_id, head.player_id, head.turn) == (game_id, player_id, turn);
    if mine {
        return Ok(());
    }
    Err(EngineError::Garbage(format!(
        "asked for turn {turn} of player {player_id} in game {game_id}, the report is about turn {} of player {} in game {}",
        head.turn, head.player_id, head.game_id
    )))
}

fn header(headers: &HeaderMap, name: &http::HeaderName) -> String {
    let value = headers.get(name).map(http::HeaderValue::as_bytes);
    text::printable(value.unwrap_or_default(), MAX_SHOWN)
}

fn garbage(what: &str, found: &str) -> EngineError {
    EngineError::Garbage(format!("{what} {found:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(media_type: &str, encoding: Option<&str>) -> Result<Bytes, EngineError> {
        let mut answer = Response::builder().header(CONTENT_TYPE, media_type);
        if let Some(encoding) = encoding {
            answer = answer.header(CONTENT_ENCODING, encoding);
        }
        plain_json(answer.body(Bytes::from_static(b"{}")).unwrap())
    }

    #[test]
    fn only_plain_json_passes() {
        assert!(answer("application/json", None).is_ok());
        assert!(answer("Application/JSON; charset=utf-8", Some("identity")).is_ok());
        for (media_type, encoding) in [
            ("text/html", None),
            ("", None),
            ("application/json-seq", None),
            ("application/json", Some("gzip")),
        ] {
            let refused = answer(media_type, encoding);
            assert!(
                matches!(refused, Err(EngineError::Garbage(_))),
                "{media_type} {encoding:?}"
            );
        }
        assert!(plain_json(Response::new(Bytes::new())).is_err());
    }

    #[test]
    fn only_the_asked_report_passes() {
        let (game, player) = (GameId::generate(), Uuid::from_u128(7));
        let check = |text: String| check_report(text.as_bytes(), game, player, 3);
        let report = |game: GameId, player: Uuid, turn: u32| {
            format!(r#" {{"more":[],"turn":{turn},"player_id":"{player}","game_id":"{game}"}}"#)
        };
        assert_eq!(check(report(game, player, 3)), Ok(()));
        for wrong in [
            report(game, Uuid::from_u128(8), 3),
            report(game, player, 4),
            report(GameId::generate(), player, 3),
            "{}".to_owned(),
            format!(r#"["{game}","{player}",3]"#),
            String::new(),
        ] {
            assert!(check(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
