//! Engines: the kinds of games of the deployment. What speaks to a running one is [`crate::engine`].

use galaxy_core::{Timestamp, text};
use galaxy_store::{Result, Tx};
use sqlx::PgConnection;

pub use crate::model::{Engine, RegistryError};
use crate::store;

/// The engine that every deployment begins with.
pub const FIRST: &str = "galaxy";

/// All engines, the default one first, then by name. There are few, at most 200 are given.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Engine>> {
    store::engines::list(connection).await
}

/// One engine.
pub async fn get(connection: &mut PgConnection, name: &str) -> Result<Option<Engine>> {
    store::engines::get(connection, name).await
}

/// The engine of games and versions that name none.
pub async fn default_name(connection: &mut PgConnection) -> Result<String> {
    store::engines::default_name(connection).await
}

/// Makes an engine known. It has no versions yet.
pub async fn create(
    connection: &mut PgConnection,
    name: &str,
    title: &str,
    now: Timestamp,
) -> std::result::Result<Engine, RegistryError> {
    if !is_name(name) {
        return Err(RegistryError::Name(name.to_owned()));
    }
    let title = text::line(title, 1, 60)?;
    store::engines::insert(connection, name, &title, now)
        .await?
        .ok_or_else(|| RegistryError::Exists(name.to_owned()))
}

/// Changes the title, if one is given, and makes the engine the default one instead of another, if that is wished.
pub async fn update(
    tx: &mut Tx,
    name: &str,
    title: Option<&str>,
    make_default: bool,
    now: Timestamp,
) -> std::result::Result<Engine, RegistryError> {
    let title = title.map(|title| text::line(title, 1, 60)).transpose()?;
    let missing = || RegistryError::NotFound(name.to_owned());
    // Locks all, so that of two that become the default one waits for the other.
    if !store::engines::lock_all(tx)
        .await?
        .iter()
        .any(|known| known == name)
    {
        return Err(missing());
    }
    if make_default {
        store::engines::clear_default(tx, name, now).await?;
    }
    store::engines::update(tx, name, title.as_deref(), make_default, now)
        .await?
        .ok_or_else(missing)
}

/// Whether `name` can be an engine's.
pub fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.as_bytes()[0].is_ascii_lowercase()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_slug() {
        for name in ["galaxy", "go-9", "x", &"a".repeat(40)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "9go", "-go", "Go", "gö", "a b", "a@b", &"a".repeat(41)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
