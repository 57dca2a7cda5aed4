//! All SQL on accounts, entitlements, sanctions and limits.

mod accounts;
mod entitlements;
mod history;
mod limits;
mod restrictions;
mod sanctions;

pub use accounts::*;
pub use entitlements::*;
pub use history::*;
pub use limits::*;
pub use restrictions::*;
pub use sanctions::*;
