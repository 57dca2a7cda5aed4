//! The mail outbox: a mail is written in the transaction of what caused it, and sent afterwards by the mailer.
//!
//! A producer renders [`Content`] through [`templates::render`] and hands it to [`enqueue`].

mod drop_for_user;
mod enqueue;
mod model;
pub mod templates;

pub use drop_for_user::drop_for_user;
pub use enqueue::{Enqueued, NewMail, enqueue};
pub use model::{Content, DeliveryStatus, Priority};
