//! Engines in containers, and what happens to them and to what runs them. Without a Docker engine the tests say so, and end.

mod by_hand;
mod chaos;
mod common;
mod full_volume;
mod memory;
mod outage;
mod played;
