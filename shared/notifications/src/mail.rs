//! Writes a notification as a mail and puts it into the mail outbox.

use galaxy_core::{EmailAddress, Locale, NotificationId, UserId};
use galaxy_mail::{
    Content, NewMail, Priority, enqueue,
    templates::{self, RenderError},
};
use galaxy_store::{Result, Tx};
use serde_json::{Map, Value};

use crate::{
    kind::{Group, Kind, Mail},
    plan::Contact,
    settings::Settings,
    unsubscribe,
};

/// A mail that is written but not yet in the outbox.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub template: &'static str,
    content: Content,
    unsubscribe: Option<String>,
    user_id: Option<UserId>,
    to: Vec<EmailAddress>,
    priority: Priority,
}

/// Writes the mail of `kind` in the reader's language, or in English for operators (`contact` is `None`).
pub(crate) fn write(
    kind: &'static Kind,
    payload: &Map<String, Value>,
    contact: Option<&Contact>,
    settings: &Settings,
) -> std::result::Result<Letter, RenderError> {
    write_as(kind.name, kind.mail, payload, contact, settings)
}

/// Writes the mail called `template`, which goes as one of `mail` does.
pub(crate) fn write_as(
    template: &'static str,
    mail: Mail,
    payload: &Map<String, Value>,
    contact: Option<&Contact>,
    settings: &Settings,
) -> std::result::Result<Letter, RenderError> {
    let group = match (mail, contact) {
        (Mail::Preferred(group), Some(_)) => Some(group),
        _ => None,
    };
    let unsubscribe = contact
        .zip(group)
        .and_then(|(contact, group)| unsubscribe::link(settings, contact.user_id, group));
    let context = context(payload, contact, unsubscribe.as_deref());
    let locale = contact.map_or(Locale::En, |contact| contact.locale);
    Ok(Letter {
        template,
        content: templates::render(template, locale, &context)?,
        unsubscribe,
        user_id: contact.map(|contact| contact.user_id),
        to: match contact {
            Some(contact) => contact.email.iter().cloned().collect(),
            None => settings.operators.clone(),
        },
        priority: if group == Some(Group::Turns) {
            Priority::Bulk
        } else {
            Priority::Normal
        },
    })
}

/// The payload's members beside what we know of the reader, which no payload can replace.
fn context(
    payload: &Map<String, Value>,
    contact: Option<&Contact>,
    unsubscribe: Option<&str>,
) -> Map<String, Value> {
    let mut context: Map<String, Value> = payload
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let ours = [
        ("display_name", contact.map(|c| c.display_name.as_str())),
        ("time_zone", contact.map(|c| c.time_zone.as_str())),
        ("unsubscribe_url", unsubscribe),
    ];
    for (name, value) in ours {
        match value {
            Some(value) => context.insert(name.to_owned(), value.into()),
            None => context.remove(name),
        };
    }
    context
}

/// Puts the letters into the mail outbox with one statement: one mail for each address.
pub(crate) async fn send(tx: &mut Tx, letters: &[(NotificationId, &Letter)]) -> Result<()> {
    let addressed: Vec<_> = letters
        .iter()
        .flat_map(|(id, letter)| {
            letter
                .to
                .iter()
                .map(move |to| (*letter, to, key(*id, letter, to)))
        })
        .collect();
    let mails: Vec<_> = addressed
        .iter()
        .map(|(letter, to, key)| NewMail {
            template_id: letter.template,
            idempotency_key: key,
            user_id: letter.user_id,
            to,
            content: &letter.content,
            priority: letter.priority,
            expires_at: None,
            secret: false,
            list_unsubscribe: letter.unsubscribe.as_deref(),
            traceparent: None,
            suppressed: false,
        })
        .collect();
    enqueue(tx, &mails).await?;
    Ok(())
}

/// The notification's id; for operators also the beginning of the address, since several get the same one.
fn key(id: NotificationId, letter: &Letter, to: &EmailAddress) -> String {
    if letter.user_id.is_some() {
        return id.to_string();
    }
    let address: String = to.identity().chars().take(150).collect();
    format!("{id}:{address}")
}
