//! All SQL on challenges and blocked addresses.
//!
//! Codes are asked for and confirmed in batches, as requests come together: the statements take arrays.

mod asking;
mod blocks;
mod confirming;

pub use asking::{Admission, Asked, ask, sweep_sent_codes};
pub use blocks::{block_email, drop_challenges, sweep_challenges, unblock_email};
pub use confirming::{
    Opened, Opening, Registration, Tried, count_wrong, is_taken, open, take_tries,
};
