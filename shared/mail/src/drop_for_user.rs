//! Drops a deleted account's mail.

use galaxy_core::UserId;
use galaxy_store::{Result, Tx};

/// Drops the unsent mails of `user_id`, and erases the addresses and bodies of all mails of that account. Returns how many
/// mails were dropped.
///
/// A mail that is being sent at this moment may still arrive; recording its outcome is refused.
pub async fn drop_for_user(tx: &mut Tx, user_id: UserId) -> Result<u64> {
    let dropped = sqlx::query!(
        "update backend.mail_deliveries
         set status = 'dropped', lease_token = null, lease_expires_at = null, finished_at = now(), updated_at = now()
         where user_id = $1 and status in ('queued', 'sending')",
        user_id.uuid(),
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    sqlx::query!(
        "update backend.mail_payloads p set body = '', html = null, erased_at = now()
         from backend.mail_deliveries d
         where d.user_id = $1 and p.payload_id = d.payload_id and p.erased_at is null",
        user_id.uuid(),
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update backend.mail_recipients r set address = 'deleted'
         from backend.mail_deliveries d
         where d.user_id = $1 and r.delivery_id = d.delivery_id",
        user_id.uuid(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(dropped)
}
