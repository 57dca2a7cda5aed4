//! Drops a deleted account's pending notifications.

use galaxy_core::UserId;
use galaxy_store::{Result, Tx};

/// Marks the pending routes of `user_id` as skipped and drops the account's mail.
pub async fn drop_for_user(tx: &mut Tx, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "update backend.notification_routes r
         set status = 'skipped', reason = 'the account is deleted', lease_token = null, lease_expires_at = null,
             updated_at = now()
         from backend.notifications n
         where n.user_id = $1 and r.notification_id = n.notification_id and r.status = 'pending'",
        user_id.uuid(),
    )
    .execute(&mut **tx)
    .await?;
    galaxy_mail::drop_for_user(tx, user_id).await?;
    Ok(())
}
