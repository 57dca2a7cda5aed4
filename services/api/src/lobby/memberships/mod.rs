//! Places in games: who plays, who left, who may not come back.

pub mod block;
pub mod end;
pub mod list;
pub mod remove;

use galaxy_core::MembershipId;
use serde::Deserialize;

/// A membership in a path, after its game.
#[derive(Deserialize)]
pub(super) struct MembershipPath {
    membership_id: MembershipId,
}
