//! All SQL on the runtime's tables, a file for each subject. It knows the model, and nothing above it.

pub(crate) mod engines;
pub mod figures;
pub mod health;
pub(crate) mod image_checks;
pub mod leases;
pub mod nodes;
pub mod operations;
pub mod players;
pub mod queue;
pub mod records;
pub(crate) mod scheduling;
pub(crate) mod upkeep;
pub(crate) mod versions;

/// A count, turn or similar for a column of type `integer`.
pub(crate) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A count, turn or similar from a column of type `integer` that is checked not to be negative.
pub(crate) fn uint(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// A column holds what this version cannot read.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
