//! The Docker driver against the Docker engine of this machine. Without one the tests say so, and end.

mod hardening;
mod image;
mod lifecycle;
mod listing;
mod outage;
mod pull;
mod races;
mod registry;
mod world;
