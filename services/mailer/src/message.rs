//! Builds the message that is sent from a claimed mail.

use std::time::SystemTime;

use galaxy_mail::claim::Claim;
use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::config::Sending;

/// The mail cannot be made into a message; trying again would change nothing.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The recipient is not an address that SMTP can take.
    #[error("the recipient is no address: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// The parts do not make a message.
    #[error("the message cannot be built: {0}")]
    Message(#[from] lettre::error::Error),
}

/// The message, the same at every attempt but for the boundary between its parts.
///
/// Its `Message-ID` ends with the sender's domain. It says that nobody typed it (RFC 3834), and, if the mail has an address for
/// that, how to unsubscribe with one click (RFC 8058).
pub fn build(claim: &Claim, sending: &Sending) -> Result<Message, BuildError> {
    let to = Mailbox::new(None, claim.to.parse()?);
    let id = format!("<{}@{}>", claim.message_id, sending.from.email.domain());
    let mut builder = Message::builder()
        .from(sending.from.clone())
        .to(to)
        .subject(claim.content.subject.clone())
        .message_id(Some(id))
        .date(SystemTime::from(*claim.created_at))
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(reply_to) = &sending.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    if let Some(url) = claim.list_unsubscribe.as_deref().filter(|url| is_link(url)) {
        builder = builder
            .raw_header(header("List-Unsubscribe", &format!("<{url}>")))
            .raw_header(header(
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click",
            ));
    }
    let text = claim.content.text.clone();
    Ok(match &claim.content.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, html.clone()))?,
        None => builder.singlepart(SinglePart::plain(text))?,
    })
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Whether the text can stand between the angle brackets of a header.
fn is_link(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','))
}
