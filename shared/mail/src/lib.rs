//! The mail outbox: a mail is written in the transaction of what caused it, and sent afterwards by the mailer.
//!
//! A producer renders [`Content`] through [`templates::render`] and hands it to [`enqueue`]. The mailer takes due
//! deliveries with [`claim::claim`], sends them and notes what came of it with [`finish::finish`], fenced by its lease.
//! Operators look through [`list`] and [`view`] and send again with [`resend`]; [`sweep`] forgets what has done its work.
#![warn(missing_docs)]

pub mod claim;
pub mod depth;
mod drop_for_user;
mod enqueue;
pub mod finish;
pub mod list;
mod model;
mod resend;
pub mod sweep;
pub mod templates;
pub mod view;

pub use drop_for_user::drop_for_user;
pub use enqueue::{NewMail, enqueue};
pub use model::{Content, DeliveryStatus, Priority};
pub use resend::{ResendError, resend};
