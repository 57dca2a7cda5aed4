//! Lists of the caller's own games, applications, invites and race names.

pub mod applications;
pub mod games;
pub mod invites;
pub mod race_names;
