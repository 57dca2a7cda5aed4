//! Takes intents: checks, notes, pushes and mails, all in the caller's transaction.

use std::collections::HashMap;

use galaxy_core::{EventId, NotificationId, Timestamp, UserId};
use galaxy_events::push;
use galaxy_store::{Result, Tx};
use uuid::Uuid;

use crate::{
    intent::{Intent, Recipient},
    kind::Kind,
    mail::{self, Letter},
    malformed,
    plan::{self, Contact, MailPlan},
    settings::Settings,
    store::{self, NewNotification, NewRoute},
};

/// Why something is submitted, and when.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// The event it follows from.
    pub event_id: Option<EventId>,
    /// The time that quiet hours are reckoned from.
    pub now: Timestamp,
}

/// What became of an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// The recipient is told, or will be.
    Told(NotificationId),
    /// The recipient was told before.
    Duplicate,
    /// The recipient's account is deleted; nothing is noted.
    Gone,
    /// It cannot be followed and is kept among the malformed; why.
    Malformed(String),
}

/// A checked intent and what is to be done about it.
struct Prepared<'a> {
    id: NotificationId,
    intent: &'a Intent,
    kind: &'static Kind,
    mail: MailPlan,
    letter: Option<Letter>,
}

/// Takes intents and says of each, in their order, what became of it.
///
/// Several intents cost hardly more statements than one. An error is the database's; roll back and try again.
#[tracing::instrument(name = "notifications.submit", skip_all, fields(intents = intents.len()))]
pub async fn submit(
    tx: &mut Tx,
    settings: &Settings,
    cause: Cause,
    intents: &[Intent],
) -> Result<Vec<Submitted>> {
    let users: Vec<Uuid> = intents
        .iter()
        .filter_map(|intent| intent.recipient.user_id().map(UserId::uuid))
        .collect();
    let contacts = store::contacts(tx, &users).await?;
    let prepared: Vec<_> = intents
        .iter()
        .map(|intent| prepare(intent, &contacts, settings, cause.now))
        .collect();
    let rows: Vec<_> = prepared.iter().flatten().map(Prepared::row).collect();
    let new = if rows.is_empty() {
        std::collections::HashSet::new()
    } else {
        store::insert_notifications(tx, cause.event_id, &rows).await?
    };
    let mut routes = vec![];
    let mut letters = vec![];
    let mut outcomes = vec![];
    for (intent, prepared) in intents.iter().zip(&prepared) {
        outcomes.push(match prepared {
            Ok(prepared) if new.contains(&prepared.id) => {
                routes.extend(tell(tx, prepared, cause.now).await?);
                letters.extend(prepared.letter.as_ref().map(|letter| (prepared.id, letter)));
                Submitted::Told(prepared.id)
            }
            Ok(_) => Submitted::Duplicate,
            Err(Submitted::Malformed(reason)) => {
                malformed::keep(tx, &intent.as_json(), reason, cause.event_id).await?;
                Submitted::Malformed(reason.clone())
            }
            Err(other) => other.clone(),
        });
    }
    mail::send(tx, &letters).await?;
    if !routes.is_empty() {
        store::insert_routes(tx, &routes).await?;
    }
    Ok(outcomes)
}

fn prepare<'a>(
    intent: &'a Intent,
    contacts: &HashMap<UserId, Contact>,
    settings: &Settings,
    now: Timestamp,
) -> std::result::Result<Prepared<'a>, Submitted> {
    let (kind, payload) = intent.check().map_err(Submitted::Malformed)?;
    let contact = match intent.recipient {
        Recipient::Operators => None,
        Recipient::User(id) => match contacts.get(&id) {
            Some(contact) if contact.is_deleted => return Err(Submitted::Gone),
            Some(contact) => Some(contact),
            None => {
                let reason = "the recipient does not exist".to_owned();
                return Err(Submitted::Malformed(reason));
            }
        },
    };
    let mail = match plan::mail(kind, contact, now) {
        MailPlan::Send if contact.is_none() && settings.operators.is_empty() => {
            MailPlan::Skip("no operators are configured")
        }
        plan => plan,
    };
    let letter = match mail {
        MailPlan::Send => Some(
            mail::write(kind, payload, contact, settings)
                .map_err(|error| Submitted::Malformed(error.to_string()))?,
        ),
        _ => None,
    };
    Ok(Prepared {
        id: NotificationId::generate(),
        intent,
        kind,
        mail,
        letter,
    })
}

impl Prepared<'_> {
    fn row(&self) -> NewNotification<'_> {
        NewNotification {
            id: self.id,
            kind: self.kind.name,
            idempotency_key: &self.intent.idempotency_key,
            user_id: self.intent.recipient.user_id(),
            payload: &self.intent.payload,
        }
    }

    fn route(&self, channel: &'static str, status: &'static str, due_at: Timestamp) -> NewRoute {
        NewRoute {
            notification_id: self.id,
            channel,
            status,
            reason: None,
            due_at,
        }
    }
}

/// Pushes; gives the routes to note.
async fn tell(tx: &mut Tx, prepared: &Prepared<'_>, now: Timestamp) -> Result<Vec<NewRoute>> {
    let mut routes = vec![];
    let intent = prepared.intent;
    if let Some(user_id) = intent.recipient.user_id()
        && plan::pushes(prepared.kind, intent.recipient)
    {
        push::publish_client_event(tx, user_id, None, prepared.kind.name, &intent.payload).await?;
        routes.push(prepared.route("push", "delivered", now));
    }
    match prepared.mail {
        MailPlan::None => {}
        MailPlan::Skip(reason) => routes.push(NewRoute {
            reason: Some(reason),
            ..prepared.route("mail", "skipped", now)
        }),
        MailPlan::Wait(until) => routes.push(prepared.route("mail", "pending", until)),
        MailPlan::Send => routes.push(prepared.route("mail", "delivered", now)),
    }
    Ok(routes)
}
