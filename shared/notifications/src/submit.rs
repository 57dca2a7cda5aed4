//! Submits intents: checks and inserts them, publishes push events, enqueues mails, all in the caller's transaction.

use std::collections::HashMap;

use galaxy_core::{EventId, NotificationId, Timestamp, UserId};
use galaxy_events::push::publish_client_event;
use galaxy_store::{Result, Tx};
use uuid::Uuid;

use crate::{
    intent::{Intent, Recipient},
    kind::Kind,
    mail::{self, RenderedMail},
    malformed, metrics,
    plan::{self, Contact, MailPlan},
    route::{Channel, RouteStatus},
    settings::Settings,
    store::{self, NewNotification, NewRoute},
};

/// The cause of a submission, and its time.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// The event that the intents follow from.
    pub event_id: Option<EventId>,
    /// The time that quiet hours are compared with.
    pub now: Timestamp,
}

/// What happened with an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// This call created the notification.
    Created(NotificationId),
    /// Its key was submitted before.
    Duplicate,
    /// The recipient's account is deleted; nothing was written.
    AccountDeleted,
    /// It breaks this rule, and was stored for [`crate::list::malformed`].
    Malformed(String),
}

/// A checked intent with its mail, before anything is written.
struct Prepared<'a> {
    id: NotificationId,
    intent: &'a Intent,
    kind: &'static Kind,
    mail: MailPlan,
    rendered: Option<RenderedMail>,
}

/// Submits the intents and returns what happened with each, in their order.
///
/// Several intents take hardly more statements than one. After an error, which comes from the database, the transaction
/// must be rolled back.
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
    let new = store::insert_notifications(tx, cause.event_id, &rows).await?;
    let mut routes = vec![];
    let mut mails = vec![];
    let mut outcomes = vec![];
    for (intent, prepared) in intents.iter().zip(&prepared) {
        outcomes.push(match prepared {
            Ok(prepared) if new.contains(&prepared.id) => {
                routes.extend(push(tx, prepared, cause.now).await?);
                routes.extend(prepared.mail_route(cause.now));
                mails.extend(prepared.rendered.as_ref().map(|mail| (prepared.id, mail)));
                Submitted::Created(prepared.id)
            }
            Ok(_) => Submitted::Duplicate,
            Err(Submitted::Malformed(reason)) => {
                malformed::record(tx, &intent.as_json(), reason, cause.event_id).await?;
                Submitted::Malformed(reason.clone())
            }
            Err(other) => other.clone(),
        });
    }
    mail::enqueue(tx, &mails).await?;
    store::insert_routes(tx, &routes).await?;
    outcomes.iter().for_each(metrics::submitted);
    for route in &routes {
        metrics::routed(route.channel, route.status, 1);
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
            Some(contact) if contact.is_deleted => return Err(Submitted::AccountDeleted),
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
    let rendered = match mail {
        MailPlan::Send => Some(
            mail::render(kind, payload, contact, settings)
                .map_err(|error| Submitted::Malformed(error.to_string()))?,
        ),
        _ => None,
    };
    Ok(Prepared {
        id: NotificationId::generate(),
        intent,
        kind,
        mail,
        rendered,
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

    fn route(&self, channel: Channel, status: RouteStatus, due_at: Timestamp) -> NewRoute {
        NewRoute {
            notification_id: self.id,
            channel,
            status,
            reason: None,
            due_at,
        }
    }

    fn mail_route(&self, now: Timestamp) -> Option<NewRoute> {
        let route = |status, due_at| self.route(Channel::Mail, status, due_at);
        match self.mail {
            MailPlan::None => None,
            MailPlan::Skip(reason) => Some(NewRoute {
                reason: Some(reason),
                ..route(RouteStatus::Skipped, now)
            }),
            MailPlan::Wait(until) => Some(route(RouteStatus::Pending, until)),
            MailPlan::Send => Some(route(RouteStatus::Delivered, now)),
        }
    }
}

/// Publishes the push event, if the kind has one; returns its route.
async fn push(tx: &mut Tx, prepared: &Prepared<'_>, now: Timestamp) -> Result<Option<NewRoute>> {
    let intent = prepared.intent;
    let Some(user_id) = intent.recipient.user_id() else {
        return Ok(None);
    };
    if !plan::pushes(prepared.kind, intent.recipient) {
        return Ok(None);
    }
    publish_client_event(tx, user_id, None, prepared.kind.name, &intent.payload).await?;
    Ok(Some(prepared.route(
        Channel::Push,
        RouteStatus::Delivered,
        now,
    )))
}
