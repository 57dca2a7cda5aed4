//! What operators do about games: look at all of them, start, stop, and put players out.

pub mod ban_member;
pub mod force_start;
pub mod force_stop;
pub mod get;
pub mod list;

use galaxy_core::GameId;
use galaxy_store::Tx;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    game::Game,
    refusal::Error,
    store,
    view::{GameView, MembershipView},
};

/// A game with what only operators see.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AdminGame)]
pub struct AdminGameView {
    /// What players see.
    #[serde(flatten)]
    pub game: GameView,
    /// When operators took it over from an owner who left.
    pub handed_over_at: Option<Timestamp>,
    /// Everybody who plays or has played, at most 200.
    pub members: Vec<MembershipView>,
}

async fn lock(tx: &mut Tx, game_id: GameId) -> Result<Game, Error> {
    store::games::lock(tx, game_id)
        .await?
        .ok_or(Error::Missing("game"))
}
