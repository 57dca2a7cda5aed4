//! All SQL on accounts, entitlements, sanctions and limits.

mod accounts;
mod entitlements;
mod limits;
mod sanctions;

pub use accounts::*;
pub use entitlements::*;
pub use limits::*;
pub use sanctions::*;
