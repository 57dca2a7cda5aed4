//! The gateway is the edge of the back end: it accepts requests that a known device signed, once each, and signs every
//! response and event.
//!
//! The way of a request: [`edge`] receives it, [`verifier`] checks it ([`request_shape`], [`rate_limits`], [`sessions`],
//! signature, [`replay`]), [`operation`] converts it into a call of an operation in [`routes`], [`backend`] makes the
//! call. The way of an event: [`push_subscriber`] receives it from push-hub, [`connection_registry`] finds the streams it
//! is for, [`event_stream`] signs it for each. Every reason to refuse is in [`refusal`].

pub mod backend;
pub mod config;
pub mod connection_registry;
pub mod edge;
pub mod event_stream;
pub mod listen;
pub mod metrics;
pub mod operation;
pub mod push_subscriber;
pub mod rate_limits;
pub mod refusal;
pub mod replay;
pub mod request_shape;
pub mod routes;
pub mod session_cache;
pub mod sessions;
pub mod sign_in;
pub mod token;
pub mod verifier;
