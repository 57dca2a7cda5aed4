//! One delivery for operators: with its body, unless that is secret or erased, and its attempts.

use galaxy_core::{Cursor, DeliveryId, Limit, Page, Timestamp, UserId};
use galaxy_store::{Db, ListError, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    list::Delivery,
    model::{AttemptOutcome, DeliveryStatus},
};

/// Why a body is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Withheld {
    /// It contains a login code.
    Secret,
    /// It was erased: the retention time passed, or its account was deleted.
    Erased,
}

/// A delivery with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryDetail {
    /// The fields that lists return.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// The local part of its `Message-ID`.
    pub message_id: String,
    /// The subject line.
    pub subject: String,
    /// The plain-text part; `null` if withheld.
    pub text: Option<String>,
    /// The HTML part; `null` if withheld or if the mail has none.
    pub html: Option<String>,
    /// Why the body is withheld; `null` if it is not.
    pub withheld: Option<Withheld>,
}

/// One attempt to send a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attempt {
    /// Counted from 1.
    pub attempt_no: i32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// `sent`, `transient_failure`, `permanent_failure` or `abandoned`.
    #[schema(value_type = Option<String>)]
    pub outcome: Option<AttemptOutcome>,
    /// The SMTP server's reply code.
    pub smtp_code: Option<i16>,
    /// The SMTP server's reply or the error.
    pub error: Option<String>,
}

/// Reads one delivery; `None` if the id is unknown.
#[tracing::instrument(name = "db.mail.delivery", skip_all, fields(%delivery_id))]
pub async fn delivery(db: &Db, delivery_id: DeliveryId) -> Result<Option<DeliveryDetail>> {
    let mut connection = db.acquire().await?;
    let row = sqlx::query!(
        r#"select d.template_id, d.status as "status: DeliveryStatus", d.user_id, r.address, d.attempts,
             d.next_attempt_at, d.last_error, d.resend_of, d.created_at, d.finished_at, d.message_id, p.subject,
             p.secret, p.erased_at is not null as "erased!",
             case when p.secret then null else convert_from(p.body, 'UTF8') end as text,
             case when p.secret then null else convert_from(p.html, 'UTF8') end as html
         from backend.mail_deliveries d
         join backend.mail_recipients r on r.delivery_id = d.delivery_id
         join backend.mail_payloads p on p.payload_id = d.payload_id
         where d.delivery_id = $1"#,
        delivery_id.uuid(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(row.map(|row| {
        let withheld = match (row.secret, row.erased) {
            (true, _) => Some(Withheld::Secret),
            (false, true) => Some(Withheld::Erased),
            (false, false) => None,
        };
        DeliveryDetail {
            delivery: Delivery {
                delivery_id,
                template_id: row.template_id,
                status: row.status,
                user_id: row.user_id.map(UserId),
                address: row.address,
                attempts: row.attempts,
                next_attempt_at: row.next_attempt_at,
                last_error: row.last_error,
                resend_of: row.resend_of.map(DeliveryId),
                created_at: row.created_at,
                finished_at: row.finished_at,
            },
            message_id: row.message_id,
            subject: row.subject,
            text: row.text.filter(|_| withheld.is_none()),
            html: row.html.filter(|_| withheld.is_none()),
            withheld,
        }
    }))
}

const ATTEMPTS: &str = "mail_attempts";

/// A page of a delivery's attempts, in order; empty if the delivery is unknown.
#[tracing::instrument(name = "db.mail.attempts", skip_all, fields(%delivery_id))]
pub async fn attempts(
    db: &Db,
    delivery_id: DeliveryId,
    cursor: Option<&str>,
    limit: Limit,
) -> std::result::Result<Page<Attempt>, ListError> {
    let after: i32 = Cursor::after(ATTEMPTS, cursor)?.unwrap_or(0);
    let mut connection = db.acquire().await?;
    let rows = sqlx::query_as!(
        Attempt,
        r#"select attempt_no, started_at, finished_at, outcome as "outcome: AttemptOutcome", smtp_code, error
         from backend.mail_attempts
         where delivery_id = $1 and attempt_no > $2 order by attempt_no limit $3"#,
        delivery_id.uuid(),
        after,
        limit.probe(),
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(Page::cut(rows, limit, ATTEMPTS, |row| row.attempt_no))
}
