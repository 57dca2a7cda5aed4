//! What a mail is made of and the states of its delivery.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest subject, in characters; what is longer is cut.
pub const MAX_SUBJECT: usize = 200;

/// What a person gets to read. `Debug` shows none of it, since it may hold a login code.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The subject, one line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part, an alternative to the text.
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

/// Which mail goes first when several are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Somebody waits in front of a screen: login codes.
    Urgent,
    /// Everything else.
    #[default]
    Normal,
    /// What may wait behind everything else.
    Bulk,
}

impl Priority {
    /// The column's value: smaller goes first.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
        }
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// New, or waiting to be tried again.
    Queued,
    /// A mailer holds it.
    Sending,
    /// The relay took it.
    Sent,
    /// Given up or refused for good.
    Dead,
    /// It would have come too late to be of use.
    Expired,
    /// Its user is gone.
    Dropped,
}

/// A text as one line of a header: what could end the line or is unseen becomes a space, the rest is cut to `max`
/// characters.
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
    fn a_subject_cannot_begin_another_header() {
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
    fn login_codes_go_before_everything_else() {
        assert!(Priority::Urgent.rank() < Priority::Normal.rank());
        assert!(Priority::Normal.rank() < Priority::Bulk.rank());
    }
}
