//! Renders notifications as mails and puts them into the mail outbox.

use galaxy_core::{EmailAddress, Locale, NotificationId, UserId};
use galaxy_mail::{
    Content, NewMail, Priority,
    templates::{self, RenderError},
};
use galaxy_store::{Result, Tx};
use serde_json::{Map, Value};

use crate::{
    kind::{Group, Kind, MailPolicy},
    plan::Contact,
    settings::Settings,
    unsubscribe,
};

/// A mail that is not enqueued yet, with the addresses that each get a copy.
#[derive(Debug, Clone)]
pub(crate) struct RenderedMail {
    template: &'static str,
    content: Content,
    unsubscribe: Option<String>,
    user_id: Option<UserId>,
    to: Vec<EmailAddress>,
    priority: Priority,
}

/// Renders the mail of `kind` in the recipient's language, or in English for operators (`contact` is `None`).
pub(crate) fn render(
    kind: &'static Kind,
    payload: &Map<String, Value>,
    contact: Option<&Contact>,
    settings: &Settings,
) -> std::result::Result<RenderedMail, RenderError> {
    render_template(kind.name, kind.mail, payload, contact, settings)
}

/// Renders the mail `template` for a notification with this policy.
pub(crate) fn render_template(
    template: &'static str,
    policy: MailPolicy,
    payload: &Map<String, Value>,
    contact: Option<&Contact>,
    settings: &Settings,
) -> std::result::Result<RenderedMail, RenderError> {
    let group = match (policy, contact) {
        (MailPolicy::Preferred(group), Some(_)) => Some(group),
        _ => None,
    };
    let unsubscribe = contact
        .zip(group)
        .and_then(|(contact, group)| unsubscribe::link(settings, contact.user_id, group));
    let context = context(payload, contact, unsubscribe.as_deref());
    let locale = contact.map_or(Locale::En, |contact| contact.locale);
    Ok(RenderedMail {
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

/// The payload's members and what is known of the recipient; the payload cannot override the latter.
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
    let reserved = [
        ("display_name", contact.map(|c| c.display_name.as_str())),
        ("time_zone", contact.map(|c| c.time_zone.as_str())),
        ("unsubscribe_url", unsubscribe),
    ];
    for (name, value) in reserved {
        match value {
            Some(value) => context.insert(name.to_owned(), value.into()),
            None => context.remove(name),
        };
    }
    context
}

/// Puts the mails of several notifications into the mail outbox together, one for each address.
pub(crate) async fn enqueue(tx: &mut Tx, mails: &[(NotificationId, &RenderedMail)]) -> Result<()> {
    let addressed: Vec<_> = mails
        .iter()
        .flat_map(|(id, mail)| {
            let copy = move |to| (*mail, to, key(*id, mail, to));
            mail.to.iter().map(copy)
        })
        .collect();
    let mails: Vec<_> = addressed
        .iter()
        .map(|(mail, to, key)| NewMail {
            template_id: mail.template,
            idempotency_key: key,
            user_id: mail.user_id,
            to,
            content: &mail.content,
            priority: mail.priority,
            expires_at: None,
            secret: false,
            list_unsubscribe: mail.unsubscribe.as_deref(),
            traceparent: None,
            suppressed: false,
        })
        .collect();
    galaxy_mail::enqueue(tx, &mails).await?;
    Ok(())
}

/// The notification's id; for operators with the beginning of the address, since several get the same notification.
fn key(id: NotificationId, mail: &RenderedMail, to: &EmailAddress) -> String {
    if mail.user_id.is_some() {
        return id.to_string();
    }
    let address: String = to.identity().chars().take(150).collect();
    format!("{id}:{address}")
}
