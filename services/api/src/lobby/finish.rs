//! The end of a played game: capable players earn their race names, the other names are released.

use galaxy_core::{Timestamp, UserId};
use galaxy_events::catalogue::{lobby::GameFinished, runtime::PlayerSnapshot};
use galaxy_store::Tx;
use jiff::SignedDuration;

use super::{
    events,
    game::Game,
    model::Action,
    refusal::Error,
    store::{games, race_names},
};

/// How long an earned name can be registered.
pub const REGISTRATION_TIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether a player has earned the race name: planets and population have both grown.
pub const fn is_capable(player: &PlayerSnapshot) -> bool {
    player.max_planets > player.initial_planets && player.max_population > player.initial_population
}

/// Finishes the locked game; `players` are those of the last snapshot.
pub async fn finish(
    tx: &mut Tx,
    game: &mut Game,
    action: Action,
    players: &[PlayerSnapshot],
    now: Timestamp,
) -> Result<(), Error> {
    game.finish(action, now)?;
    games::save(tx, game, now).await?;
    let capable: Vec<UserId> = players
        .iter()
        .filter(|player| is_capable(player))
        .map(|player| player.user_id)
        .collect();
    let expires_at = now.saturating_add(REGISTRATION_TIME);
    for name in race_names::reservations(tx, game.game_id).await? {
        let holder = name.owner_user_id;
        if capable.contains(&holder) {
            race_names::make_pending(tx, name.race_name_id, expires_at, now).await?;
            events::race_name_pending(tx, holder, &name.name, game.game_id, expires_at).await?;
        } else {
            race_names::release(tx, name.race_name_id, now).await?;
            events::race_name_released(tx, holder, &name.name, false).await?;
        }
    }
    events::game(tx, game, |roster| GameFinished { roster }).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_is_capable_who_grew_in_planets_and_in_population() {
        let player = |max_planets, max_population| PlayerSnapshot {
            user_id: UserId::generate(),
            race_name: "Zorgons".to_owned(),
            planets: 0,
            population: 0,
            max_planets,
            max_population,
            initial_planets: 1,
            initial_population: 500,
            active: false,
        };
        assert!(is_capable(&player(2, 501)));
        assert!(!is_capable(&player(1, 501)));
        assert!(!is_capable(&player(2, 500)));
    }
}
