//! Domain events: the catalogue, the outbox they are written to, the relay that publishes them, the consumers that
//! apply them, the push stream to gateways, and wake-ups between processes.
//!
//! A producer calls [`outbox::append`] in the transaction of the change. A consumer implements [`Handler`] and is
//! started with [`consumer::start`]. To add an event: a struct in its [`catalogue`] file, and its line in [`AnyEvent`].
#![warn(missing_docs)]

pub mod asyncapi;
pub mod broadcast;
pub mod catalogue;
pub mod config;
pub mod consumer;
mod envelope;
pub mod inbox;
mod metrics;
pub mod nats;
pub mod outbox;
pub mod push;
pub mod push_stream;
pub mod relay;
pub mod rpc;
mod stream_position;
mod stream_recovery;
mod streams;
mod wakeups;

pub use catalogue::{AnyEvent, Event};
pub use config::{NatsConfig, StreamSettings};
pub use consumer::{Handler, Verdict};
pub use envelope::Envelope;
pub use nats::Nats;
pub use stream_position::{StreamIdentity, StreamPosition};
