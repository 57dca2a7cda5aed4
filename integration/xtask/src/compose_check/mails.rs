//! All mail that arrived, compared with what was to be sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use galaxy_scenarios::{Admin, eventually};
use galaxy_stack::web;
use serde_json::Value;

const SETTLED_WITHIN: Duration = Duration::from_mins(1);

/// Each mail once for each time it arrived.
#[derive(Debug)]
pub struct Mails(Vec<Mail>);

#[derive(Debug)]
struct Mail {
    to: String,
    /// Without brackets.
    message_id: String,
    text: String,
}

impl Mails {
    /// Reads every mail, once all that the platform was to send have left it.
    pub async fn settled(admin: &Admin, inbox: &str) -> Result<Self> {
        eventually("all mail is sent", SETTLED_WITHIN, async || {
            let deliveries = deliveries(admin).await?;
            let sent = deliveries.iter().filter(|one| one["status"] == "sent");
            if sent.count() < deliveries.len() {
                return Ok(None);
            }
            let mails = Self::read(inbox).await?;
            let distinct: BTreeSet<_> = mails.0.iter().map(|mail| &mail.message_id).collect();
            Ok((distinct.len() == deliveries.len()).then_some(mails))
        })
        .await
        .context("the mails that arrived are not those that were sent")
    }

    async fn read(inbox: &str) -> Result<Self> {
        let list = get(&format!("{inbox}/api/v1/messages?limit=1000")).await?;
        let messages = list["messages"].as_array().context("a list of mails")?;
        let mut mails = Vec::new();
        for message in messages {
            let id = message["ID"].as_str().context("the id of a mail")?;
            let whole = get(&format!("{inbox}/api/v1/message/{id}")).await?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            mails.push(Mail {
                to: text(&whole["To"][0]["Address"]),
                message_id: text(&whole["MessageID"]),
                text: text(&whole["Text"]),
            });
        }
        Ok(Self(mails))
    }

    /// The address got a sign-in code.
    pub fn check_code(&self, address: &str) -> Result<()> {
        let is_code = |word: &str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        let mut to = self.0.iter().filter(|mail| mail.to == address);
        let has_code = to.any(|mail| mail.text.split_whitespace().any(is_code));
        ensure!(has_code, "no sign-in code arrived at {address}");
        Ok(())
    }

    /// No mail arrived twice, but for so many.
    pub fn check_once(&self, repeated: usize) -> Result<()> {
        let mut times = BTreeMap::new();
        for mail in &self.0 {
            *times.entry(&mail.message_id).or_insert(0) += 1;
        }
        let more: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        ensure!(
            more.len() <= repeated && more.iter().all(|(_, times)| **times == 2),
            "mails that arrived more than once: {more:?}"
        );
        Ok(())
    }
}

impl fmt::Display for Mails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mails", self.0.len())
    }
}

/// What the platform was to send.
async fn deliveries(admin: &Admin) -> Result<Vec<Value>> {
    let list = admin.get("/mail/deliveries?limit=200").await?;
    let items = list["items"].as_array().context("a list of deliveries")?;
    ensure!(list["next_cursor"].is_null(), "more mail than a page has");
    Ok(items.clone())
}

async fn get(url: &str) -> Result<Value> {
    let (status, body) = web::get(url).await?;
    ensure!(status.is_success(), "the inbox answered {status}");
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mails(ids: &[&str]) -> Mails {
        let mail = |id: &&str| Mail {
            to: "ada@example.org".to_owned(),
            message_id: (*id).to_owned(),
            text: "Your code is 042137".to_owned(),
        };
        Mails(ids.iter().map(mail).collect())
    }

    #[test]
    fn a_mail_that_arrived_twice_is_noticed_unless_a_kill_explains_it() {
        assert!(mails(&["a", "b"]).check_once(0).is_ok());
        assert!(mails(&["a", "a", "b"]).check_once(0).is_err());
        assert!(mails(&["a", "a", "b"]).check_once(1).is_ok());
        assert!(mails(&["a", "a", "b", "b"]).check_once(1).is_err());
        assert!(mails(&["a", "a", "a"]).check_once(1).is_err());
    }

    #[test]
    fn an_address_without_a_code_is_noticed() {
        assert!(mails(&["a"]).check_code("ada@example.org").is_ok());
        assert!(mails(&["a"]).check_code("grace@example.org").is_err());
    }
}
