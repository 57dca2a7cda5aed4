//! Admission of a player to a game: membership, reservation of the race name and roster check in one transaction.

use galaxy_core::{RaceName, Timestamp, UserId};
use galaxy_store::Tx;
use sqlx::PgConnection;

use super::{
    game::Game,
    limits,
    model::{MembershipStatus, RaceNameStatus},
    refusal::{Error, Refusal, wrong},
    store::{games, memberships, memberships::Membership, race_names},
};
use crate::{accounts::LimitCode, lobby::Lobby};

/// Parses the name of a race to play: 400 if it is not valid, 409 if it is reserved.
pub fn race_name(lobby: &Lobby, text: &str) -> Result<RaceName, Error> {
    let name = RaceName::parse(text).map_err(|reason| wrong("race_name", reason))?;
    if name.is_reserved(&lobby.reserved_race_names) {
        return Err(Refusal::RaceNameReserved.into());
    }
    Ok(name)
}

/// Whether `user_id` can play under the name: it is free, or registered to the player.
pub async fn is_available(
    connection: &mut PgConnection,
    user_id: UserId,
    canonical: &str,
) -> Result<bool, Error> {
    let held = race_names::holder(connection, canonical).await?;
    Ok(held.is_none_or(|held| {
        held.owner_user_id == user_id && held.status == RaceNameStatus::Registered
    }))
}

/// Refuses a player who is a member of the game or blocked from it.
pub async fn check_newcomer(
    connection: &mut PgConnection,
    game: &Game,
    user_id: UserId,
) -> Result<(), Error> {
    let before = memberships::of(connection, game.game_id, user_id).await?;
    match before.map(|member| member.status) {
        Some(MembershipStatus::Blocked) => Err(Refusal::BlockedFromGame.into()),
        Some(MembershipStatus::Active) => Err(Refusal::AlreadyMember.into()),
        Some(MembershipStatus::Removed) | None => Ok(()),
    }
}

/// Makes the player a member of the locked game and saves the game. The player's account is locked for counting.
pub async fn admit(
    tx: &mut Tx,
    game: &mut Game,
    user_id: UserId,
    race: (&str, &str),
    now: Timestamp,
) -> Result<Membership, Error> {
    check_newcomer(tx, game, user_id).await?;
    game.admit()?;
    let count = memberships::count_active(tx, user_id).await?;
    limits::check(tx, user_id, LimitCode::MaxActiveMemberships, count, now).await?;
    if !race_names::reserve(tx, race, user_id, game.game_id, now).await?
        && !is_available(tx, user_id, race.1).await?
    {
        return Err(Refusal::RaceNameTaken.into());
    }
    let member = memberships::join(tx, game.game_id, user_id, race, now)
        .await?
        .ok_or(Refusal::AlreadyMember)?;
    games::save(tx, game, now).await?;
    Ok(member)
}
