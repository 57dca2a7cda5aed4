//! From the outbox through a real broker to the consumers: what is committed is applied once, whatever happens between.

#![cfg(test)]

mod consuming;
mod faults;
mod relaying;
mod world;
