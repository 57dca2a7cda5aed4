//! A kind of game, and what can be wrong with one.

use galaxy_core::Timestamp;

/// A kind of game. Versions belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// The key: 1 to 40 lower-case letters, digits and dashes, a letter first.
    pub engine_name: String,
    /// For people, 1 to 60 characters.
    pub title: String,
    /// The engine of games and versions that name none. Exactly one is.
    pub is_default: bool,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The engine cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not 1 to 40 lower-case letters, digits and dashes with a letter first.
    #[error(
        "{0} is not the name of an engine: use lower-case letters, digits and dashes, at most 40, a letter first"
    )]
    Name(String),
    /// Not 1 to 60 visible characters on one line.
    #[error("the title {0}")]
    Title(#[from] galaxy_core::text::InvalidText),
    /// It is there already.
    #[error("the engine {0} is known already")]
    Exists(String),
    /// There is none.
    #[error("there is no engine {0}")]
    NotFound(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}
