//! What a gateway does with requests, streams and sign-ins, from the outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod edges;
mod events;
mod execute;
mod support;
