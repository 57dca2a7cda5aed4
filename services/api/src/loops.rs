//! The background loops of `api`: consumers of runtime events, sweeps, write-behind batches.

use galaxy_events::Nats;

use crate::App;

/// Starts them all; they end when the process drains.
pub fn start(_app: &App, _nats: &Nats) {}
