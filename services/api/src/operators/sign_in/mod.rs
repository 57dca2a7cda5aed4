//! How operators prove who they are: HTTP Basic, checked by the [`Admin`] extractor.

mod access;
pub mod credentials;
mod metrics;
pub mod model;
pub mod passwords;
mod store;

pub use access::Admin;
