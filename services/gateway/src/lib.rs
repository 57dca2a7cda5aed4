//! The gateway is the edge: it lets in what a known device signed, once, and signs what goes out.
//!
//! The way of a request: [`edge`] takes it, [`gate`] checks it ([`shape`], [`limits`], [`sessions`],
//! signature, [`replay`]), [`operation`] turns it into a call of the REST contract that [`routes`]
//! read, [`backend`] makes the call. The way of an event: [`push`] hears of it from push-hub,
//! [`presence`] knows whose streams it goes to, [`events`] signs it for each. Every refusal is in
//! [`refusal`].

pub mod backend;
pub mod config;
pub mod edge;
pub mod events;
pub mod gate;
pub mod limits;
pub mod listen;
pub mod metrics;
pub mod operation;
pub mod presence;
pub mod push;
pub mod refusal;
pub mod replay;
pub mod routes;
pub mod session_cache;
pub mod sessions;
pub mod shape;
pub mod sign_in;
