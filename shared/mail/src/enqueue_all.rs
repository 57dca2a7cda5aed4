//! Puts several mails into the outbox with one statement, for producers that work in batches.

use galaxy_core::{DeliveryId, PayloadId, UserId};
use galaxy_store::{Result, Topic, Tx};
use uuid::Uuid;

use crate::{
    enqueue::NewMail,
    model::{MAX_SUBJECT, header_line},
};

/// A mail and the trace that it belongs to.
#[derive(Debug, Clone)]
pub struct TracedMail<'a> {
    /// The mail. Nobody has enqueued its key before: a second one is an error here.
    pub mail: NewMail<'a>,
    /// The `traceparent` of what caused it.
    pub traceparent: Option<String>,
    /// Not written after all. It goes the way of the others up to there, so that nobody can tell by the time.
    pub left_out: bool,
}

/// Writes the mails into the outbox, as [`crate::enqueue`] does with one; their keys must be new.
#[tracing::instrument(name = "mail.enqueue_all", skip_all, fields(mails = mails.len()))]
pub async fn enqueue_all(tx: &mut Tx, mails: &[TracedMail<'_>]) -> Result<()> {
    if mails.is_empty() {
        return Ok(());
    }
    let all = || mails.iter().map(|traced| &traced.mail);
    let payloads: Vec<Uuid> = all().map(|_| PayloadId::generate().uuid()).collect();
    let deliveries: Vec<Uuid> = all().map(|_| DeliveryId::generate().uuid()).collect();
    let recipients: Vec<Uuid> = all().map(|_| Uuid::now_v7()).collect();
    let content_types: Vec<&str> = all()
        .map(|mail| match mail.content.html {
            Some(_) => "multipart/alternative",
            None => "text/plain; charset=utf-8",
        })
        .collect();
    let subjects: Vec<String> = all()
        .map(|mail| header_line(&mail.content.subject, MAX_SUBJECT))
        .collect();
    let texts: Vec<&[u8]> = all().map(|mail| mail.content.text.as_bytes()).collect();
    let htmls: Vec<Option<&[u8]>> = all()
        .map(|mail| mail.content.html.as_deref().map(str::as_bytes))
        .collect();
    let secrets: Vec<bool> = all().map(|mail| mail.secret).collect();
    let templates: Vec<&str> = all().map(|mail| mail.template_id).collect();
    let keys: Vec<&str> = all().map(|mail| mail.idempotency_key).collect();
    let priorities: Vec<i16> = all().map(|mail| mail.priority.rank()).collect();
    let not_before: Vec<_> = all().map(|mail| mail.not_before).collect();
    let users: Vec<Option<Uuid>> = all().map(|mail| mail.user_id.map(UserId::uuid)).collect();
    let unsubscribe: Vec<Option<&str>> = all().map(|mail| mail.list_unsubscribe).collect();
    let expires: Vec<_> = all().map(|mail| mail.expires_at).collect();
    let traces: Vec<Option<&str>> = mails
        .iter()
        .map(|traced| traced.traceparent.as_deref())
        .collect();
    let addresses: Vec<&str> = all().map(|mail| mail.to.typed()).collect();
    let left_out: Vec<bool> = mails.iter().map(|traced| traced.left_out).collect();
    sqlx::query!(
        "with mail as (
             select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bytea[],
                 $8::bool[], $9::text[], $10::text[], $11::smallint[], $12::timestamptz[], $13::uuid[], $14::text[],
                 $15::timestamptz[], $16::text[], $17::text[], $18::bool[])
             m (payload_id, delivery_id, recipient_id, content_type, subject, body, html, secret, template_id,
                idempotency_key, priority, not_before, user_id, list_unsubscribe, expires_at, traceparent, address,
                left_out)
             where not left_out),
         payloads as (
             insert into backend.mail_payloads (payload_id, content_type, subject, body, html, secret)
             select payload_id, content_type, subject, body, html, secret from mail),
         deliveries as (
             insert into backend.mail_deliveries (delivery_id, template_id, idempotency_key, priority, next_attempt_at,
                 payload_id, user_id, message_id, list_unsubscribe, expires_at, traceparent)
             select delivery_id, template_id, idempotency_key, priority, coalesce(not_before, now()),
                 payload_id, user_id, delivery_id::text, list_unsubscribe, expires_at, traceparent from mail)
         insert into backend.mail_recipients (recipient_id, delivery_id, address)
         select recipient_id, delivery_id, address from mail",
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
        &not_before as _,
        &users as _,
        &unsubscribe as _,
        &expires as _,
        &traces as _,
        &addresses as _,
        &left_out,
    )
    .execute(&mut **tx)
    .await?;
    tx.wake(Topic::Mail);
    Ok(())
}
