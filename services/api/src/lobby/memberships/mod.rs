//! Memberships of games: active, removed and blocked ones.

pub(super) mod block;
pub mod end;
pub(super) mod list;
pub(super) mod remove;

use galaxy_core::{GameId, MembershipId};
use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    refusal::Error,
    store::memberships::{self, Membership},
};

/// A membership in a path, after its game.
#[derive(Deserialize)]
pub(super) struct MembershipPath {
    membership_id: MembershipId,
}

/// The membership of the path, in any status.
async fn find(
    connection: &mut PgConnection,
    game_id: GameId,
    id: MembershipId,
) -> Result<Membership, Error> {
    memberships::find(connection, game_id, id)
        .await?
        .ok_or(Error::Missing("membership"))
}
