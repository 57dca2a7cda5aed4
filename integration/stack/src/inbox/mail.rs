//! A caught mail, read once when it arrives.

use galaxy_core::{Clock, Timestamp};
use mail_parser::{Address, MessageParser, MimeHeaders};
use serde::Serialize;
use uuid::Uuid;

/// Characters of the text that a list shows.
const SNIPPET: usize = 200;

/// A name and an address, as Mailpit writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mailbox {
    /// Display name; empty if there is none.
    pub name: String,
    /// Address.
    pub address: String,
}

/// A mail as it was sent, and what it says.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Made here, not by the sender.
    pub id: String,
    /// `Message-ID` without brackets; empty if there is none.
    pub message_id: String,
    /// When it arrived.
    pub created: Timestamp,
    /// `Date`; without one the time of arrival.
    pub date: Timestamp,
    /// `MAIL FROM`.
    pub return_path: String,
    /// `RCPT TO`, in order: who really gets it.
    pub recipients: Vec<String>,
    /// `From`.
    pub from: Mailbox,
    /// `To`.
    pub to: Vec<Mailbox>,
    /// `Cc`.
    pub cc: Vec<Mailbox>,
    /// `Reply-To`.
    pub reply_to: Vec<Mailbox>,
    /// `Subject`, decoded.
    pub subject: String,
    /// The text part, decoded; made from HTML if there is only that.
    pub text: String,
    /// The HTML part, decoded; empty if there is none.
    pub html: String,
    /// Number of attachments.
    pub attachments: usize,
    /// Header names and values in their order, unfolded.
    pub headers: Vec<(String, String)>,
    /// Every byte, dot-stuffing undone.
    pub raw: Vec<u8>,
}

impl Mail {
    /// Parses a mail. Fields that cannot be parsed are left empty; the raw bytes are always kept.
    pub fn read(return_path: String, recipients: Vec<String>, raw: Vec<u8>) -> Self {
        let created = Clock::system().now();
        let parsed = MessageParser::default().parse(&raw);
        let mut mail = Self {
            id: Uuid::now_v7().simple().to_string(),
            message_id: String::new(),
            created,
            date: created,
            return_path,
            recipients,
            from: Mailbox {
                name: String::new(),
                address: String::new(),
            },
            to: Vec::new(),
            cc: Vec::new(),
            reply_to: Vec::new(),
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            attachments: 0,
            headers: Vec::new(),
            raw: Vec::new(),
        };
        if let Some(message) = &parsed {
            mail.fill(message);
        }
        drop(parsed);
        mail.raw = raw;
        mail
    }

    fn fill(&mut self, message: &mail_parser::Message<'_>) {
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        self.message_id = owned(message.message_id());
        let written = message
            .date()
            .and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
        self.date = written.unwrap_or(self.created);
        if let Some(from) = mailboxes(message.from()).into_iter().next() {
            self.from = from;
        }
        self.to = mailboxes(message.to());
        self.cc = mailboxes(message.cc());
        self.reply_to = mailboxes(message.reply_to());
        self.subject = owned(message.subject());
        self.text = message.body_text(0).unwrap_or_default().into_owned();
        let is_html = |part: &mail_parser::MessagePart<'_>| part.is_content_type("text", "html");
        if message.html_part(0).is_some_and(is_html) {
            self.html = message.body_html(0).unwrap_or_default().into_owned();
        }
        self.attachments = message.attachment_count();
        self.headers = message
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), unfold(value)))
            .collect();
    }

    /// The first header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether `address` gets this mail, by the envelope; case does not matter.
    pub fn is_to(&self, address: &str) -> bool {
        self.recipients
            .iter()
            .any(|recipient| recipient.eq_ignore_ascii_case(address))
    }

    /// Recipients of the envelope that no header names.
    pub fn bcc(&self) -> Vec<Mailbox> {
        let named = |address: &str| {
            self.to
                .iter()
                .chain(&self.cc)
                .any(|one| one.address.eq_ignore_ascii_case(address))
        };
        let hidden = self.recipients.iter().filter(|address| !named(address));
        hidden
            .map(|address| Mailbox {
                name: String::new(),
                address: address.clone(),
            })
            .collect()
    }

    /// The text's beginning on one line.
    pub fn snippet(&self) -> String {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        words.join(" ").chars().take(SNIPPET).collect()
    }
}

fn mailboxes(address: Option<&Address<'_>>) -> Vec<Mailbox> {
    let all = address.into_iter().flat_map(Address::iter);
    let mailbox = |one: &mail_parser::Addr<'_>| Mailbox {
        name: one.name().unwrap_or_default().to_owned(),
        address: one.address().unwrap_or_default().to_owned(),
    };
    all.map(mailbox).collect()
}

/// RFC 5322, 2.2.3: a line end before white space continues the line.
fn unfold(value: &str) -> String {
    value
        .replace("\r\n", "")
        .replace('\n', "")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTIPART: &[u8] = b"Message-ID: <one@galaxy>\r\n\
        From: =?utf-8?q?Gal=C3=A4xy?= <galaxy@example.org>\r\nTo: Ada <ada@example.org>\r\n\
        Subject: =?utf-8?b?RGVpbiBDb2Rl?=\r\nDate: Sun, 1 Nov 2026 10:00:00 +0100\r\n\
        List-Unsubscribe: <https://x.example/u>,\r\n <mailto:u@x.example>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Code: 123=\r\n456 =E2=9C=93\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<b>123456</b>\r\n--b--\r\n";

    #[test]
    fn encoded_words_parts_and_folded_headers_are_decoded() {
        let recipients = vec![
            "ada@example.org".to_owned(),
            "hidden@example.org".to_owned(),
        ];
        let mail = Mail::read("galaxy@example.org".into(), recipients, MULTIPART.to_vec());
        assert_eq!(mail.message_id, "one@galaxy");
        assert_eq!(mail.from.name, "Galäxy");
        assert_eq!(
            (mail.to[0].name.as_str(), mail.to[0].address.as_str()),
            ("Ada", "ada@example.org")
        );
        assert_eq!(mail.subject, "Dein Code");
        assert_eq!(mail.text.trim(), "Code: 123456 ✓");
        assert_eq!(mail.html.trim(), "<b>123456</b>");
        assert_eq!(mail.date.to_string(), "2026-11-01T09:00:00Z");
        assert_eq!(
            mail.header("list-unsubscribe"),
            Some("<https://x.example/u>, <mailto:u@x.example>")
        );
        assert_eq!(mail.bcc().len(), 1, "only the envelope names it");
        assert!(mail.is_to("HIDDEN@example.org"));
    }

    #[test]
    fn a_mail_of_text_only_has_no_html_and_unparsable_bytes_are_kept() {
        let plain = Mail::read(
            String::new(),
            vec![],
            b"Subject: hi\r\n\r\none\r\ntwo".to_vec(),
        );
        assert_eq!(
            (plain.snippet().as_str(), plain.html.as_str()),
            ("one two", "")
        );
        let unparsable = Mail::read(String::new(), vec![], vec![0xff, 0, 0xfe]);
        assert_eq!(unparsable.raw, [0xff, 0, 0xfe]);
    }
}
