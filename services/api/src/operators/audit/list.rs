//! `GET /audit-log`.

use axum::{Json, extract::State};
use galaxy_core::{AuditId, Page, Timestamp};
use galaxy_http::{ApiError, ApiQuery};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::instrument;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::store::{self, AuditEntry, AuditFilter};
use crate::{
    http::PageQuery,
    operators::{Admin, Operators},
};

const LIST: &str = "audit_log";

/// An entry of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditLogEntry {
    /// Its id.
    pub audit_id: AuditId,
    /// The operator.
    #[schema(example = "root")]
    pub username: String,
    /// What the operator did.
    #[schema(example = "users.sanction")]
    pub action: String,
    /// The kind of the changed object.
    #[schema(example = "user")]
    pub target_kind: String,
    /// The id of the changed object.
    pub target_id: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// Details of the change, depending on the action.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When it was done.
    pub created_at: Timestamp,
}

impl From<AuditEntry> for AuditLogEntry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            audit_id: entry.audit_id,
            username: entry.username,
            action: entry.action,
            target_kind: entry.target_kind,
            target_id: entry.target_id,
            request_id: entry.request_id,
            details: entry.details,
            created_at: entry.created_at,
        }
    }
}

/// Which entries to list; all filters must match.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only what this operator did.
    #[param(max_length = 64)]
    username: Option<String>,
    /// Only this action.
    #[param(max_length = 100)]
    action: Option<String>,
    /// Only changes of this kind of object.
    #[param(max_length = 100)]
    target_kind: Option<String>,
    /// Only changes of the object with this id.
    #[param(max_length = 200)]
    target_id: Option<String>,
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// Changes made by operators, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/admin/audit-log",
    tag = "Admin",
    operation_id = "list_audit_log",
    params(AuditQuery),
    responses((status = 200, body = Page<AuditLogEntry>, description = "A page of the log."))
)]
#[instrument(skip_all, fields(admin = %admin.username))]
pub async fn list_audit_log(
    State(operators): State<Operators>,
    admin: Admin,
    ApiQuery(query): ApiQuery<AuditQuery>,
) -> Result<Json<Page<AuditLogEntry>>, ApiError> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (limit, before) = page.read::<(Timestamp, Uuid)>(LIST)?;
    let filter = AuditFilter {
        username: query.username,
        target_kind: query.target_kind,
        target_id: query.target_id,
        action: query.action,
    };
    let mut connection = operators.db.acquire().await?;
    let rows = store::list_audit(&mut connection, &filter, before, limit).await?;
    let page = Page::cut(rows, limit, LIST, |row| (row.created_at, row.audit_id));
    Ok(Json(page.map(AuditLogEntry::from)))
}
