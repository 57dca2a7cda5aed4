//! Sends a finished mail again, as a new delivery linked to the old one.

use galaxy_core::{DeliveryId, PayloadId};
use galaxy_store::{Topic, Tx};

use crate::model::DeliveryStatus;

/// Why a mail cannot be sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// The id is unknown.
    #[error("there is no such delivery")]
    NotFound,
    /// It is queued or being sent.
    #[error("the delivery is not over yet; it will still be tried")]
    StillOpen,
    /// Its body was erased: it contained a login code, the retention time passed, or its account was deleted.
    #[error("the text of the mail is erased")]
    Erased,
    /// A query failed.
    #[error(transparent)]
    Store(#[from] galaxy_store::Error),
}

impl From<sqlx::Error> for ResendError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Enqueues a copy of a finished delivery, due at once and with a `Message-ID` of its own. Returns the new delivery.
#[tracing::instrument(name = "mail.resend", skip_all, fields(delivery_id = %old))]
pub async fn resend(tx: &mut Tx, old: DeliveryId) -> Result<DeliveryId, ResendError> {
    let found = sqlx::query!(
        r#"select d.status as "status: DeliveryStatus", p.secret or p.erased_at is not null as "is_erased!"
         from backend.mail_deliveries d join backend.mail_payloads p on p.payload_id = d.payload_id
         where d.delivery_id = $1 for update of d"#,
        old.uuid(),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(ResendError::NotFound)?;
    if matches!(
        found.status,
        DeliveryStatus::Queued | DeliveryStatus::Sending
    ) {
        return Err(ResendError::StillOpen);
    }
    if found.is_erased {
        return Err(ResendError::Erased);
    }
    let new = DeliveryId::generate();
    sqlx::query!(
        "with payload as (
             insert into backend.mail_payloads (payload_id, content_type, subject, body, html)
             select $3, p.content_type, p.subject, p.body, p.html
             from backend.mail_deliveries d join backend.mail_payloads p on p.payload_id = d.payload_id
             where d.delivery_id = $1
             returning payload_id),
         delivery as (
             insert into backend.mail_deliveries (delivery_id, template_id, idempotency_key, priority, payload_id,
                 user_id, message_id, list_unsubscribe, resend_of, traceparent)
             select $2, d.template_id, 'resend:' || $4, d.priority, payload.payload_id, d.user_id, $4,
                 d.list_unsubscribe, d.delivery_id, d.traceparent
             from backend.mail_deliveries d, payload where d.delivery_id = $1
             returning delivery_id)
         insert into backend.mail_recipients (recipient_id, delivery_id, address, kind)
         select gen_random_uuid(), delivery.delivery_id, r.address, r.kind
         from backend.mail_recipients r, delivery where r.delivery_id = $1",
        old.uuid(),
        new.uuid(),
        PayloadId::generate().uuid(),
        new.to_string(),
    )
    .execute(&mut **tx)
    .await?;
    tx.notify(Topic::Mail);
    Ok(new)
}
