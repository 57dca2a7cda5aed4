//! What every HTTP listener shares: serving and draining, the error body, request ids and access lines, the source
//! address, extractors whose refusals are that error body, and the operations listener of each process.
//!
//! Crates below this one know no HTTP: their errors become an [`ApiError`] in a handler.
#![warn(missing_docs)]

pub mod address;
pub mod bearer;
pub mod error;
pub mod extract;
mod healthcheck;
pub mod layers;
pub mod ops;
mod readiness_metrics;
pub mod serve;

pub use address::{ClientAddress, TrustedProxies};
pub use error::{ApiError, ErrorBody, FieldError, Invalid};
pub use extract::{ApiJson, ApiPath, ApiQuery};
