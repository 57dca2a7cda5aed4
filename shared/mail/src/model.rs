//! The content of a mail, its priority, and the states of deliveries and attempts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest subject, in characters; longer ones are truncated.
pub const MAX_SUBJECT: usize = 200;

/// Subject and body of a mail. `Debug` prints none of it, since it may contain a login code.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The subject. Line breaks in it become spaces when it is enqueued.
    pub subject: String,
    /// The plain-text part.
    pub text: String,
    /// The HTML part, sent as an alternative to the plain text.
    pub html: Option<String>,
}

impl Content {
    /// The MIME type of the whole body.
    pub(crate) const fn content_type(&self) -> &'static str {
        match self.html {
            Some(_) => "multipart/alternative",
            None => "text/plain; charset=utf-8",
        }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(…)")
    }
}

/// Which of several due mails is sent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Login codes: a person is waiting for the mail.
    Urgent,
    /// Mails without a reason for another priority.
    #[default]
    Normal,
    /// Mails that may be late, such as those about new turns.
    Bulk,
}

impl Priority {
    /// The value of the `priority` column; smaller values are claimed first.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
        }
    }
}

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// New, or waiting for another attempt.
    Queued,
    /// Claimed by a mailer.
    Sending,
    /// Accepted by the SMTP server.
    Sent,
    /// Refused permanently, or given up after too many attempts.
    Dead,
    /// Not sent because its `expires_at` passed.
    Expired,
    /// Not sent because its account was deleted.
    Dropped,
}

/// How an attempt to send a mail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Accepted by the SMTP server.
    Sent,
    /// Failed; the mail is tried again.
    TransientFailure,
    /// Failed; the mail is not tried again.
    PermanentFailure,
    /// Never finished: the mailer lost its lease or ended.
    Abandoned,
}

/// A text as the value of one header: control characters and line separators become spaces, and the result is truncated
/// to `max` characters.
pub(crate) fn header_line(text: &str, max: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .take(max)
        .collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_in_a_subject_cannot_start_another_header() {
        assert_eq!(
            header_line("Hi\r\nBcc: eve@example.org\u{85}\u{2028}x\0", 200),
            "Hi  Bcc: eve@example.org  x"
        );
        assert_eq!(
            header_line(&"x".repeat(500), MAX_SUBJECT).len(),
            MAX_SUBJECT
        );
    }

    #[test]
    fn login_codes_have_the_highest_priority() {
        assert!(Priority::Urgent.rank() < Priority::Normal.rank());
        assert!(Priority::Normal.rank() < Priority::Bulk.rank());
    }
}
