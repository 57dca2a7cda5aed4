//! Notifications for players and operators, over push and mail, each submitted once.
//!
//! [`submit`] takes [`Intent`]s in the transaction of what caused them: it checks them and writes each as a notification
//! with one route per channel, a push event to the event outbox and a mail to the mail outbox. A mail that must wait (quiet
//! hours, digest) is a pending route until [`due`] delivers it. Failures are stored: [`malformed`], [`dead_letters`].
//!
//! To add a kind, add a line to [`kind::KINDS`] and, if it is mailed, a section to the mail templates.
#![warn(missing_docs)]

pub mod dead_letters;
mod drop_for_user;
pub mod due;
mod intent;
pub mod kind;
pub mod list;
mod mail;
pub mod malformed;
pub mod metrics;
mod plan;
pub mod preferences;
mod route;
mod settings;
mod store;
mod submit;
pub mod unsubscribe;

pub use drop_for_user::drop_for_user;
pub use intent::{Intent, Recipient};
pub use preferences::Preferences;
pub use route::{Channel, RouteStatus};
pub use settings::Settings;
pub use submit::{Cause, Submitted, submit};
