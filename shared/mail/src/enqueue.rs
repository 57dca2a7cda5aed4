//! Writes mails into the outbox, in the transaction of what caused them: one statement for any number of mails.

use galaxy_core::{DeliveryId, EmailAddress, PayloadId, Timestamp, UserId};
use galaxy_service::telemetry;
use galaxy_store::{Result, Topic, Tx};
use uuid::Uuid;

use crate::model::{Content, MAX_SUBJECT, Priority, header_line};

/// A mail to one address. A mail to several people is several of these, so that one refused recipient does not hold up
/// the others.
#[derive(Debug, Clone)]
pub struct NewMail<'a> {
    /// The kind of mail, such as `login_code` or the kind of a notification. At most 100 characters.
    pub template_id: &'a str,
    /// Identifies the mail among those of the same `template_id`: a key is written once. 1–200 characters.
    pub idempotency_key: &'a str,
    /// The account that the mail belongs to; deleting the account drops the mail. `None` for login codes and operators.
    pub user_id: Option<UserId>,
    /// The recipient.
    pub to: &'a EmailAddress,
    /// Subject and body.
    pub content: &'a Content,
    /// Which of several due mails is sent first.
    pub priority: Priority,
    /// Not sent after this time.
    pub expires_at: Option<Timestamp>,
    /// Contains a login code: never shown to operators, erased as soon as the delivery is finished.
    pub secret: bool,
    /// An `https` address for one-click unsubscription (RFC 8058).
    pub list_unsubscribe: Option<&'a str>,
    /// The W3C trace context of the cause; `None` takes that of the current span.
    pub traceparent: Option<&'a str>,
    /// Passed to the database like the others but not written, so that response times do not tell which mails are sent.
    pub suppressed: bool,
}

/// Writes the mails; they are sent after the transaction is committed. Returns the deliveries that were created.
///
/// A mail whose `template_id` and `idempotency_key` were enqueued before is left out, also if a concurrent transaction
/// commits the same key first.
#[tracing::instrument(name = "mail.enqueue", skip_all, fields(mails = mails.len()))]
pub async fn enqueue(tx: &mut Tx, mails: &[NewMail<'_>]) -> Result<Vec<DeliveryId>> {
    if mails.is_empty() {
        return Ok(vec![]);
    }
    let current_trace = telemetry::traceparent();
    let payloads = column(mails, |_| PayloadId::generate().uuid());
    let deliveries = column(mails, |_| DeliveryId::generate().uuid());
    let recipients = column(mails, |_| Uuid::now_v7());
    let content_types = column(mails, |mail| mail.content.content_type());
    let subjects = column(mails, |mail| {
        header_line(&mail.content.subject, MAX_SUBJECT)
    });
    let texts = column(mails, |mail| mail.content.text.as_bytes());
    let htmls = column(mails, |mail| {
        mail.content.html.as_deref().map(str::as_bytes)
    });
    let secrets = column(mails, |mail| mail.secret);
    let templates = column(mails, |mail| mail.template_id);
    let keys = column(mails, |mail| mail.idempotency_key);
    let priorities = column(mails, |mail| mail.priority.rank());
    let users = column(mails, |mail| mail.user_id.map(UserId::uuid));
    let unsubscribe = column(mails, |mail| mail.list_unsubscribe);
    let expires = column(mails, |mail| mail.expires_at);
    let traces = column(mails, |mail| mail.traceparent.or(current_trace.as_deref()));
    let addresses = column(mails, |mail| mail.to.typed());
    let suppressed = column(mails, |mail| mail.suppressed);
    let created = sqlx::query_scalar!(
        "with mail as (
             select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bytea[],
                 $8::bool[], $9::text[], $10::text[], $11::smallint[], $12::uuid[], $13::text[], $14::timestamptz[],
                 $15::text[], $16::text[], $17::bool[])
             m (payload_id, delivery_id, recipient_id, content_type, subject, body, html, secret, template_id,
                idempotency_key, priority, user_id, list_unsubscribe, expires_at, traceparent, address, suppressed)
             where not suppressed),
         deliveries as (
             insert into backend.mail_deliveries (delivery_id, template_id, idempotency_key, priority,
                 payload_id, user_id, message_id, list_unsubscribe, expires_at, traceparent)
             select delivery_id, template_id, idempotency_key, priority,
                 payload_id, user_id, delivery_id::text, list_unsubscribe, expires_at, traceparent from mail
             on conflict (template_id, idempotency_key) do nothing
             returning delivery_id),
         created as (select mail.* from mail join deliveries using (delivery_id)),
         payloads as (
             insert into backend.mail_payloads (payload_id, content_type, subject, body, html, secret)
             select payload_id, content_type, subject, body, html, secret from created)
         insert into backend.mail_recipients (recipient_id, delivery_id, address)
         select recipient_id, delivery_id, address from created
         returning delivery_id",
        &payloads,
        &deliveries,
        &recipients,
        &content_types as _,
        &subjects,
        &texts as _,
        &htmls as _,
        &secrets,
        &templates as _,
        &keys as _,
        &priorities,
        &users as _,
        &unsubscribe as _,
        &expires as _,
        &traces as _,
        &addresses as _,
        &suppressed,
    )
    .fetch_all(&mut **tx)
    .await?;
    tx.notify(Topic::Mail);
    Ok(created.into_iter().map(DeliveryId).collect())
}

/// One value of each mail, in the order of `mails`.
fn column<'m, T>(mails: &'m [NewMail<'_>], value: impl Fn(&'m NewMail<'_>) -> T) -> Vec<T> {
    mails.iter().map(value).collect()
}
