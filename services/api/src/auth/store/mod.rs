//! All SQL on challenges and blocked addresses.
//!
//! Codes are requested and confirmed in batches, as requests come together: the statements take arrays.

mod blocks;
mod code_requests;
mod confirming;

pub use blocks::{block_email, drop_challenges, sweep_challenges, unblock_email};
pub use code_requests::{Admission, CodeRequest, request_codes, sweep_sent_codes};
pub use confirming::{Opened, Opening, Registration, Tried, is_taken, open, take_tries};
