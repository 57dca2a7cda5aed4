//! All SQL of the lobby, a file per table. Locks are taken in one order: accounts, then games by id, then the rest.

pub mod applications;
pub mod game_counts;
pub mod game_lists;
pub mod games;
pub mod invites;
pub mod memberships;
pub mod mine;
pub mod race_names;
pub mod sweeps;
