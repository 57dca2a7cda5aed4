//! The audit log: an entry for every change by an operator, written in the transaction of the change.

mod list;
mod store;

use galaxy_core::{AuditId, Timestamp};
use galaxy_store::{Result, Tx};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::store::AuditEntry;
use super::Admin;
use crate::operators::Operators;

pub(super) fn router() -> OpenApiRouter<Operators> {
    OpenApiRouter::new().routes(routes!(list::list_audit_log))
}

/// Records that `admin` did `action` (such as `users.sanction`) to the `target_kind` (`user`, `game`, …) named
/// `target_id`. `details` is an object without secrets and personal data.
pub async fn record(
    tx: &mut Tx,
    admin: &Admin,
    action: &str,
    target_kind: &str,
    target_id: impl ToString,
    details: Value,
) -> Result<()> {
    let entry = AuditEntry {
        audit_id: AuditId::generate(),
        username: admin.username.to_string(),
        action: action.to_owned(),
        target_kind: target_kind.to_owned(),
        target_id: Some(target_id.to_string()).filter(|id| !id.is_empty()),
        request_id: Some(admin.request_id.clone()).filter(|id| !id.is_empty()),
        details,
        created_at: Timestamp::UNIX_EPOCH,
    };
    store::insert_audit(tx, &entry).await
}
