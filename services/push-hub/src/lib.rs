//! push-hub hosts the stream that every gateway follows: it reads the push stream of the broker once and fans it out.
//!
//! The way of an event: [`feed`] reads it from the broker and encodes it once into the shared
//! [`ring`]; each connection ([`connection`]) walks the ring with its own [`reader`] at the pace of
//! its gateway; [`service`] is the gRPC end. A gateway resumes by [`cursor`] on any replica.

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
