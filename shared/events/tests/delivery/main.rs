//! From the outbox through a real broker to the consumers: what is committed is applied once, whatever happens between.

#![cfg(test)]

mod broadcasting;
mod consuming;
mod faults;
mod relaying;
mod world;
