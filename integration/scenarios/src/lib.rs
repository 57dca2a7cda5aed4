//! Operations of players and operators on a running stack: sign in by mail, fill a game, play turns, administrate.
//!
//! The scenarios in `tests/` are black-box tests over it, with real binaries; the demo prints them step by step. Everything a
//! player does goes through the gateway; only operators speak to `api` directly.

mod admin;
mod authority;
mod inbox;
mod player;
mod table;
mod wait;

pub use admin::Admin;
pub use authority::Authority;
pub use inbox::{Inbox, Mail};
pub use player::Player;
pub use table::Table;
pub use wait::eventually;
