//! The driver trait.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};
use galaxy_core::GameId;

use crate::{EngineSpec, Listing, LogQuery, Node, Resolved, Result, Sight};

/// What may have changed. A hint: the listing is the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverEvent {
    /// Something happened to a game's engine.
    Changed(GameId),
    /// Events may have been missed: list everything.
    Resync,
}

/// Events, for as long as the driver lives. A broken connection is mended inside, and ends in [`DriverEvent::Resync`].
pub type Events = BoxStream<'static, DriverEvent>;

/// The lines of a log, as bytes of the engine: not made printable.
pub type Logs = BoxStream<'static, Result<Bytes>>;

/// Runs engines on one node. Verbs return at once with what is seen; call them again, or wait for an event.
pub trait Driver: Send + Sync + 'static {
    /// The node that this driver runs engines on.
    fn node(&self) -> &Node;

    /// Begins to fetch `image` if it is missing, and tells how far that is. Errors: [`crate::DriverError::NoImage`] when
    /// the fetch failed; the next call tries again.
    fn resolve<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<Resolved>>;

    /// Makes it so: the game's engine is made, started, or replaced if epoch, version or digest differ. State that is
    /// there is used. An engine of `spec.epoch` that has exited stays exited: a new run takes a new epoch.
    /// Errors: [`crate::DriverError::Fenced`] if a newer engine is there.
    fn apply<'a>(&'a self, spec: &'a EngineSpec) -> BoxFuture<'a, Result<Sight>>;

    /// Asks the engine to end, and kills it after `grace`; state and identity stay.
    /// Errors: [`crate::DriverError::Fenced`] if the engine's epoch is above `epoch`.
    fn sleep(&self, game: GameId, epoch: i64, grace: Duration) -> BoxFuture<'_, Result<Sight>>;

    /// Kills the engine if it runs, and removes it; its state stays. Gives [`Sight::StateOnly`] or [`Sight::Absent`] when
    /// done. Errors: [`crate::DriverError::Fenced`] if the engine's epoch is above `epoch`.
    fn delete_engine(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<Sight>>;

    /// Removes the game's state. Errors: [`crate::DriverError::Fenced`] if an engine above `epoch` was ever made on it,
    /// [`crate::DriverError::Invalid`] while there is an engine.
    fn delete_state(&self, game: GameId, epoch: i64) -> BoxFuture<'_, Result<()>>;

    /// What there is of the game's engine.
    fn observe(&self, game: GameId) -> BoxFuture<'_, Result<Sight>>;

    /// What there is of all engines of this deployment, from `page` on.
    fn list(&self, page: Option<String>) -> BoxFuture<'_, Result<Listing>>;

    /// Hints from now on.
    fn events(&self) -> Events;

    /// The end of the engine's log.
    fn logs(&self, game: GameId, query: LogQuery) -> BoxFuture<'_, Result<Logs>>;
}
