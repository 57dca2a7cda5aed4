//! The race name directory's one call of players: an earned name becomes its holder's for good.

pub mod register;
