//! The lobby through its public surface: requests in, answers, rows and events out.

mod applications;
mod create;
mod finish;
mod invites;
mod lifecycle;
mod lists;
mod memberships;
mod races;
mod release;
mod support;
mod sweeps;
mod visibility;
