//! push-hub serves the stream that every gateway subscribes to: it reads the push stream of the broker once and fans it out.
//!
//! [`feed`] reads each event from the broker and encodes it once into the shared [`ring`]. Each
//! [`connection`] reads the ring through its own [`reader`], as fast as its gateway receives.
//! [`service`] is the gRPC service. A gateway resumes by its [`cursor`] on any replica.

pub mod config;
pub mod connection;
pub mod cursor;
pub mod feed;
pub mod metrics;
pub mod reader;
pub mod registry;
pub mod ring;
pub mod service;
mod status;
