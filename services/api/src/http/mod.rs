//! What every domain's routes share: the header that names the caller, the page query, and what documents the contract.

mod described;
pub mod docs;
mod page;
pub mod probes;
mod user_id;

pub use described::described;
pub use page::{PageQuery, list_error};
pub use user_id::{USER_ID, UserIdHeader};
