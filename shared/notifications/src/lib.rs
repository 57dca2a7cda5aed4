//! Notifications: what somebody is told, once, and by which way.
//!
//! [`submit`] takes [`Intent`]s in the transaction of what caused them: it checks them, notes each as a notification with
//! a route per channel, pushes through the event outbox and mails through the mail outbox. Mail that waits (quiet hours,
//! digest) stays a pending route until [`due`]. What cannot be told is kept with its reason ([`malformed`], [`dead_letters`]).
//!
//! To add a kind: its line in [`kind::KINDS`] and, if it is mailed, its section in the mail templates.
#![warn(missing_docs)]

pub mod dead_letters;
mod drop_for_user;
pub mod due;
mod intent;
pub mod kind;
pub mod list;
mod mail;
pub mod malformed;
mod plan;
pub mod preferences;
mod settings;
mod store;
mod submit;
pub mod unsubscribe;

pub use drop_for_user::drop_for_user;
pub use intent::{Intent, Recipient};
pub use preferences::Preferences;
pub use settings::Settings;
pub use submit::{Cause, Submitted, submit};
