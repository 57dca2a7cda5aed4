//! The engine version of a game: which one it is, and whether the roster fits it.

use galaxy_runtime::{
    engines,
    versions::{self, EngineVersion},
};
use sqlx::PgConnection;

use super::{
    game::Game,
    refusal::{Error, Refusal, wrong},
    settings::Settings,
};

/// Looks up the version that `game` will have with `settings`. Settings that name an engine and no version get the newest
/// one. 400 for an engine that is not there, or a version that is not enabled.
pub async fn complete(
    connection: &mut PgConnection,
    game: &Game,
    settings: &mut Settings,
) -> Result<(), Error> {
    let engine = match &settings.engine_name {
        Some(name) if engines::get(connection, name).await?.is_none() => {
            return Err(wrong("engine_name", "is not an engine"));
        }
        Some(name) => name.clone(),
        None => game.engine_name.clone(),
    };
    if let Some(asked) = &settings.target_engine_version {
        let found = versions::enabled(connection, &engine, asked).await?;
        let missing = || wrong("target_engine_version", "is not an enabled engine version");
        settings.version = Some(found.ok_or_else(missing)?);
    } else if settings.engine_name.is_some() {
        settings.version = versions::newest_enabled(connection, &engine).await?;
        let newest = settings.version.as_ref();
        settings.target_engine_version = newest.map(|newest| newest.version.clone());
    } else {
        settings.version = of(connection, game).await?;
    }
    Ok(())
}

/// The version that the game is played with as it stands, also one that is not enabled any more.
async fn of(
    connection: &mut PgConnection,
    game: &Game,
) -> galaxy_store::Result<Option<EngineVersion>> {
    match &game.target_engine_version {
        Some(version) => versions::get(connection, &game.engine_name, version).await,
        None => versions::newest_enabled(connection, &game.engine_name).await,
    }
}

/// Whether the game's version takes as many players as the game has.
pub async fn takes_roster(
    connection: &mut PgConnection,
    game: &Game,
) -> galaxy_store::Result<bool> {
    let version = of(connection, game).await?;
    Ok(version.is_none_or(|version| version.takes(game.approved_count)))
}

/// Refuses a roster that the game's version does not take.
pub async fn check_roster(connection: &mut PgConnection, game: &Game) -> Result<(), Error> {
    match of(connection, game).await? {
        Some(version) if !version.takes(game.approved_count) => Err(Refusal::PlayerLimits {
            players: game.approved_count,
            version: version.id(),
            min: version.min_players,
            max: version.max_players,
        }
        .into()),
        _ => Ok(()),
    }
}
