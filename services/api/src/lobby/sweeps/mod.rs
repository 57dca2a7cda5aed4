//! Periodic changes: enrollment ends, invites expire, earned race names expire.
//!
//! Each sweep takes a bounded batch under row locks that other replicas skip, and commits it with its events.

mod enrollment;
mod invites;
mod race_names;

pub use enrollment::end_enrollment;
pub use invites::expire_invites;
pub use race_names::expire_race_names;
