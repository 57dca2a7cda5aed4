//! The lobby: games from draft to finish, who may take part in them, and the directory of race names.
//!
//! ```text
//! draft ─open─▶ enrollment_open ─ready─▶ ready_to_start ─start─▶ starting ─ok─▶ running ─finish─▶ finished
//!   │                │                        │                  fail │ ▲ retry   pause │ ▲ resume     ▲
//!   └────cancel──────┴─────────cancel─────────┴──▶ cancelled ◀─cancel─ start_failed    paused ──finish──┘
//! ```
//!
//! What holds at every moment: a game's active members are `approved_count`, never more than `max_players`; a race name
//! is held once across all tiers and games; a game's version grows with every change. Every change locks the accounts
//! it counts for, then the game, checks the rule in [`game`], and writes its rows and events in one transaction.

pub mod access;
mod account_closure;
mod admission;
mod applications;
pub(crate) mod cancellation;
mod engine_choice;
mod engines;
mod enrollment;
pub mod events;
pub(crate) mod finish;
pub mod game;
mod games;
mod invites;
mod limits;
pub(crate) mod memberships;
pub mod metrics;
pub mod model;
mod my;
mod owner_notices;
mod race_names;
pub mod refusal;
pub(crate) mod runtime;
mod runtime_events;
mod settings;
pub mod store;
pub mod sweeps;
pub mod view;

use std::sync::Arc;

use axum::extract::FromRef;
use galaxy_core::Clock;
use galaxy_store::Db;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use account_closure::end_participation;
pub use runtime_events::{CONSUMER, RuntimeEvents};

use crate::{accounts::Accounts, keys::Keys};

/// The state of the domain. Cheap to clone.
#[derive(Clone)]
pub struct Lobby {
    db: Db,
    clock: Clock,
    keys: Keys,
    accounts: Accounts,
    /// Reserved race names besides the built-in ones.
    reserved_race_names: Arc<[String]>,
}

impl Lobby {
    /// The lobby in `db`; `keys` hash invite codes.
    pub fn new(
        db: &Db,
        clock: &Clock,
        keys: &Keys,
        accounts: &Accounts,
        reserved_race_names: &[String],
    ) -> Self {
        Self {
            db: db.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            accounts: accounts.clone(),
            reserved_race_names: reserved_race_names.into(),
        }
    }
}

impl FromRef<Lobby> for Accounts {
    fn from_ref(lobby: &Lobby) -> Self {
        lobby.accounts.clone()
    }
}

/// The operations of players.
pub fn user_router() -> OpenApiRouter<Lobby> {
    OpenApiRouter::new()
        .routes(routes!(engines::list_lobby_engines))
        .routes(routes!(games::list::list_games, games::create::create_game))
        .routes(routes!(games::get::get_game, games::update::update_game))
        .routes(routes!(games::open::open_enrollment))
        .routes(routes!(games::ready::ready_to_start))
        .routes(routes!(games::start::start_game))
        .routes(routes!(games::retry_start::retry_start))
        .routes(routes!(games::pause::pause_game))
        .routes(routes!(games::resume::resume_game))
        .routes(routes!(games::cancel::cancel_game))
        .routes(routes!(
            applications::list::list_applications,
            applications::submit::submit_application
        ))
        .routes(routes!(applications::approve::approve_application))
        .routes(routes!(applications::reject::reject_application))
        .routes(routes!(
            invites::list::list_invites,
            invites::create::create_invite
        ))
        .routes(routes!(invites::redeem::redeem_invite))
        .routes(routes!(invites::decline::decline_invite))
        .routes(routes!(invites::revoke::revoke_invite))
        .routes(routes!(memberships::list::list_memberships))
        .routes(routes!(memberships::remove::remove_membership))
        .routes(routes!(memberships::block::block_membership))
        .routes(routes!(my::games::list_my_games))
        .routes(routes!(my::applications::list_my_applications))
        .routes(routes!(my::invites::list_my_invites))
        .routes(routes!(my::race_names::list_my_race_names))
        .routes(routes!(race_names::register::register_race_name))
}
