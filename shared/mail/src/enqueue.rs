//! Puts a mail into the outbox, in the transaction of what caused it.

use galaxy_core::{DeliveryId, EmailAddress, PayloadId, Timestamp, UserId};
use galaxy_service::telemetry;
use galaxy_store::{Result, Topic, Tx};
use uuid::Uuid;

use crate::model::{Content, MAX_SUBJECT, Priority, header_line};

/// A mail to one address. A mail to several people is several of these, so that a refusal of one concerns nobody else.
#[derive(Debug, Clone)]
pub struct NewMail<'a> {
    /// What kind of mail it is, such as `login_code` or the kind of a notification. At most 100 characters.
    pub template_id: &'a str,
    /// The same key with the same `template_id` asks for the same mail: it is sent once. 1–200 characters.
    pub idempotency_key: &'a str,
    /// Whose account it belongs to: what still waits goes with the account. `None` for login codes and operators.
    pub user_id: Option<UserId>,
    /// Where it goes.
    pub to: &'a EmailAddress,
    /// What it says.
    pub content: &'a Content,
    /// Whether it goes before others.
    pub priority: Priority,
    /// Not sent before this time; at once if `None`.
    pub not_before: Option<Timestamp>,
    /// Not sent after this time.
    pub expires_at: Option<Timestamp>,
    /// Holds a login code: shown to nobody, erased as soon as the delivery is over.
    pub secret: bool,
    /// An `https` address for one-click unsubscription (RFC 8058).
    pub list_unsubscribe: Option<&'a str>,
}

/// What [`enqueue`] found or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The delivery of this template and key.
    pub delivery_id: DeliveryId,
    /// Whether this call made it.
    pub is_new: bool,
}

/// Writes the mail into the outbox; it is sent once the transaction is committed, and never if it is not.
///
/// A second call with the same `template_id` and `idempotency_key` changes nothing and gives the first one's delivery.
#[tracing::instrument(name = "mail.enqueue", skip_all, fields(template_id = mail.template_id))]
pub async fn enqueue(tx: &mut Tx, mail: NewMail<'_>) -> Result<Enqueued> {
    let key = DeliveryKey {
        template_id: mail.template_id,
        idempotency_key: mail.idempotency_key,
    };
    if let Some(delivery_id) = find(tx, key).await? {
        return Ok(Enqueued {
            delivery_id,
            is_new: false,
        });
    }
    let payload_id = insert_payload(tx, mail.content, mail.secret).await?;
    let delivery_id = DeliveryId::generate();
    if !insert_delivery(tx, delivery_id, payload_id, &mail).await? {
        // Another transaction committed the same mail after we had looked; ours is left out.
        delete_payload(tx, payload_id).await?;
        let winner = find(tx, key).await?.ok_or(sqlx::Error::RowNotFound)?;
        return Ok(Enqueued {
            delivery_id: winner,
            is_new: false,
        });
    }
    insert_recipient(tx, delivery_id, mail.to.typed()).await?;
    tx.wake(Topic::Mail);
    Ok(Enqueued {
        delivery_id,
        is_new: true,
    })
}

#[derive(Clone, Copy)]
struct DeliveryKey<'a> {
    template_id: &'a str,
    idempotency_key: &'a str,
}

async fn find(tx: &mut Tx, key: DeliveryKey<'_>) -> Result<Option<DeliveryId>> {
    Ok(sqlx::query_scalar!(
        "select delivery_id from backend.mail_deliveries where template_id = $1 and idempotency_key = $2",
        key.template_id,
        key.idempotency_key,
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(DeliveryId))
}

async fn insert_payload(tx: &mut Tx, content: &Content, secret: bool) -> Result<Uuid> {
    let id = PayloadId::generate().uuid();
    let content_type = if content.html.is_some() {
        "multipart/alternative"
    } else {
        "text/plain; charset=utf-8"
    };
    sqlx::query!(
        "insert into backend.mail_payloads (payload_id, content_type, subject, body, html, secret)
         values ($1, $2, $3, $4, $5, $6)",
        id,
        content_type,
        header_line(&content.subject, MAX_SUBJECT),
        content.text.as_bytes(),
        content.html.as_deref().map(str::as_bytes),
        secret,
    )
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

async fn delete_payload(tx: &mut Tx, payload_id: Uuid) -> Result<()> {
    sqlx::query!(
        "delete from backend.mail_payloads where payload_id = $1",
        payload_id
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// `false` if another transaction has made the delivery meanwhile.
async fn insert_delivery(
    tx: &mut Tx,
    id: DeliveryId,
    payload_id: Uuid,
    mail: &NewMail<'_>,
) -> Result<bool> {
    let inserted = sqlx::query!(
        "insert into backend.mail_deliveries (delivery_id, template_id, idempotency_key, priority, next_attempt_at,
             payload_id, user_id, message_id, list_unsubscribe, expires_at, traceparent)
         values ($1, $2, $3, $4, coalesce($5, now()), $6, $7, $8, $9, $10, $11)
         on conflict (template_id, idempotency_key) do nothing",
        id.uuid(),
        mail.template_id,
        mail.idempotency_key,
        mail.priority.rank(),
        mail.not_before,
        payload_id,
        mail.user_id.map(UserId::uuid),
        id.to_string(),
        mail.list_unsubscribe,
        mail.expires_at,
        telemetry::traceparent(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(crate) async fn insert_recipient(tx: &mut Tx, id: DeliveryId, address: &str) -> Result<()> {
    sqlx::query!(
        "insert into backend.mail_recipients (recipient_id, delivery_id, address) values ($1, $2, $3)",
        Uuid::now_v7(),
        id.uuid(),
        address,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
