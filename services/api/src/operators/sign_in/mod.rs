//! Sign-in of operators: HTTP Basic, checked by the [`Admin`] extractor.

mod access;
pub mod credentials;
mod metrics;
pub mod model;
pub mod passwords;
pub(super) mod store;

pub use access::Admin;
