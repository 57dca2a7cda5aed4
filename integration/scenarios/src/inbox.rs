//! The mail that the stack caught, read through Mailpit's API.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use galaxy_stack::web;
use serde_json::Value;

use crate::eventually;

/// The inbox of a stack.
#[derive(Debug, Clone)]
pub struct Inbox {
    url: String,
}

/// A caught mail.
#[derive(Debug, Clone)]
pub struct Mail {
    pub subject: String,
    /// The text part.
    pub text: String,
    /// Its `Message-ID`, without brackets.
    pub message_id: String,
}

impl Inbox {
    /// The inbox at `url`.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
        }
    }

    /// All mails to `address`, newest first.
    pub async fn mails_to(&self, address: &str) -> Result<Vec<Mail>> {
        let list = self.get("/api/v1/messages?limit=500").await?;
        let messages = list["messages"]
            .as_array()
            .context("the inbox has no list of messages")?;
        let mut mails = vec![];
        for message in messages.iter().filter(|message| is_to(message, address)) {
            let id = message["ID"].as_str().context("a message has no ID")?;
            let whole = self.get(&format!("/api/v1/message/{id}")).await?;
            let text = |field: &str| whole[field].as_str().unwrap_or_default().to_owned();
            mails.push(Mail {
                subject: text("Subject"),
                text: text("Text"),
                message_id: text("MessageID"),
            });
        }
        Ok(mails)
    }

    /// Waits for a mail to `address` that `wanted` accepts.
    pub async fn mail_to(&self, address: &str, wanted: impl Fn(&Mail) -> bool) -> Result<Mail> {
        eventually(
            &format!("a mail to {address}"),
            Duration::from_secs(20),
            async || {
                Ok(self
                    .mails_to(address)
                    .await?
                    .into_iter()
                    .find(|mail| wanted(mail)))
            },
        )
        .await
    }

    /// Waits for a sign-in code to `address`.
    pub async fn code_for(&self, address: &str) -> Result<String> {
        let mail = self
            .mail_to(address, |mail| code_in(&mail.text).is_some())
            .await?;
        code_in(&mail.text).context("the mail has no code")
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let (status, body) = web::get(&format!("{}{path}", self.url)).await?;
        ensure!(status.is_success(), "the inbox answered {status}");
        Ok(serde_json::from_slice(&body)?)
    }
}

fn is_to(message: &Value, address: &str) -> bool {
    message["To"].as_array().is_some_and(|to| {
        to.iter().any(|to| {
            to["Address"]
                .as_str()
                .is_some_and(|to| to.eq_ignore_ascii_case(address))
        })
    })
}

/// The first word of exactly six digits.
fn code_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_and_nothing_else() {
        assert_eq!(code_in("Your code: 042137.").as_deref(), Some("042137"));
        assert_eq!(code_in("In 2026, 1234567 or abc123"), None);
    }
}
