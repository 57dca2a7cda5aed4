//! Who plays which race of a game's engine.

use std::collections::BTreeSet;

use galaxy_core::{RuntimeStatus, Timestamp, UserId};
use uuid::Uuid;

use crate::engine::{EngineAddress, EngineStatus};

/// One player of a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerMapping {
    /// The player.
    pub user_id: UserId,
    /// The race.
    pub race_name: String,
    /// What the engine calls the player.
    pub player_id: Uuid,
    /// When the player was put out of the game, if so.
    pub banished_at: Option<Timestamp>,
}

/// What it takes to let a player through to the engine, read in one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The player's race and id.
    pub mapping: PlayerMapping,
    /// The state of the game's runtime: while a turn is generated, players wait.
    pub status: RuntimeStatus,
    /// Where the engine is, if it is to be reached.
    pub engine: Option<EngineAddress>,
    /// The current turn.
    pub turn: u32,
    /// Whether the game is over.
    pub finished: bool,
}

/// The players in an engine's answer are not those of the game.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the engine answered with other players than the game has: {0}")]
pub struct RosterMismatch(pub String);

impl RosterMismatch {
    /// Checks that `status` names exactly the races of `players`, each with its id. Names decide which race name a player
    /// earns, so that an answer with a missing, renamed, doubled or foreign player must not be believed.
    pub fn check(players: &[PlayerMapping], status: &EngineStatus) -> Result<(), Self> {
        let ours: BTreeSet<(&str, Uuid)> = players
            .iter()
            .map(|player| (&player.race_name[..], player.player_id))
            .collect();
        let theirs: BTreeSet<(&str, Uuid)> = status
            .players
            .iter()
            .map(|player| (&player.race_name[..], player.player_id))
            .collect();
        if let Some((name, _)) = ours.difference(&theirs).next() {
            return Err(Self(format!("{name} is missing or has another id")));
        }
        if let Some((name, _)) = theirs.difference(&ours).next() {
            return Err(Self(format!("{name} does not play")));
        }
        if status.players.len() != players.len() {
            return Err(Self("a player is named twice".to_owned()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use galaxy_core::{GameId, GameStage};

    use super::*;
    use crate::engine::PlayerStatus;

    fn status(players: &[(&str, u128)]) -> EngineStatus {
        let player = |(name, id): &(&str, u128)| PlayerStatus {
            player_id: Uuid::from_u128(*id),
            race_name: (*name).to_owned(),
            planets: 1,
            population: 1,
            max_planets: 1,
            max_population: 1,
            initial_planets: 1,
            initial_population: 1,
            active: true,
        };
        EngineStatus {
            game_id: GameId::generate(),
            turn: 1,
            stage: GameStage::Running,
            players: players.iter().map(player).collect(),
            generating: false,
            failed: None,
            capabilities: vec![],
        }
    }

    #[test]
    fn only_the_games_own_players_pass() {
        let mapping = |(name, id): (&str, u128)| PlayerMapping {
            user_id: UserId::generate(),
            race_name: name.to_owned(),
            player_id: Uuid::from_u128(id),
            banished_at: None,
        };
        let ours: Vec<_> = [("Terrans", 1), ("Zorgons", 2)].map(mapping).into();
        let check = |players: &[(&str, u128)]| RosterMismatch::check(&ours, &status(players));
        assert_eq!(check(&[("Zorgons", 2), ("Terrans", 1)]), Ok(()));
        for wrong in [
            &[("Terrans", 1)][..],
            &[("Terrans", 1), ("Zorgon", 2)],
            &[("Terrans", 1), ("Zorgons", 3)],
            &[("Terrans", 2), ("Zorgons", 1)],
            &[("Terrans", 1), ("Zorgons", 2), ("Zorgons", 2)],
            &[("Terrans", 1), ("Zorgons", 2), ("Mechs", 3)],
            &[],
        ] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
