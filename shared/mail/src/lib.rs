//! The mail outbox: a mail is written in the transaction of what caused it, and sent afterwards by the mailer.
//!
//! A producer renders [`Content`] with [`templates::render`] and passes it to [`enqueue`]. The mailer claims due
//! deliveries with [`claim::claim`], sends them and records each outcome with [`finish::finish`], fenced by its lease.
//! Operators read [`list`] and [`view`] and send a mail again with [`resend`]; [`sweep`] expires mails and erases bodies.
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
pub use model::{AttemptOutcome, Content, DeliveryStatus, Priority};
pub use resend::{ResendError, resend};
