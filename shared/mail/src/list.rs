//! Lists for operators, newest first: deliveries with filters, and dead letters.

use galaxy_core::{Cursor, DeliveryId, Limit, Page, Timestamp, UserId};
use galaxy_store::{Db, ListError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::DeliveryStatus;

/// Which deliveries to list; a field that is `None` does not restrict them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    /// Only those with this status.
    pub status: Option<DeliveryStatus>,
    /// Only mails of this kind.
    pub template_id: Option<String>,
    /// Only mails of this account.
    pub user_id: Option<UserId>,
    /// Only to addresses with this prefix, ignoring case.
    pub address: Option<String>,
}

/// A delivery without its content, as lists return it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Delivery {
    /// The id of the delivery.
    pub delivery_id: DeliveryId,
    /// The kind of mail, such as `login_code`.
    pub template_id: String,
    /// The state of the delivery.
    pub status: DeliveryStatus,
    /// The account that the mail belongs to; `null` for login codes and operators.
    pub user_id: Option<UserId>,
    /// The recipient's address.
    pub address: String,
    /// Attempts made so far.
    pub attempts: i32,
    /// When the next attempt is due, while the delivery is queued.
    #[schema(value_type = String, format = DateTime)]
    pub next_attempt_at: Timestamp,
    /// The last failure.
    pub last_error: Option<String>,
    /// The delivery that was sent again as this one.
    pub resend_of: Option<DeliveryId>,
    /// When it was enqueued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it reached its final state.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// A mail that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MailDeadLetter)]
pub struct DeadLetter {
    /// The id of the dead letter.
    #[schema(value_type = String, format = Uuid)]
    pub dead_letter_id: Uuid,
    /// The delivery that was given up.
    pub delivery_id: DeliveryId,
    /// The kind of mail.
    pub template_id: String,
    /// The recipient's address.
    pub address: String,
    /// When it was given up.
    #[schema(value_type = String, format = DateTime)]
    pub archived_at: Timestamp,
    /// Why it was given up.
    pub reason: String,
}

/// What both lists are ordered by: a time and, for equal times, an id.
type Key = (Timestamp, Uuid);

const DELIVERIES: &str = "mail_deliveries";
const DEAD_LETTERS: &str = "mail_dead_letters";

/// A page of deliveries, newest first.
#[tracing::instrument(name = "db.mail.deliveries", skip_all)]
pub async fn deliveries(
    db: &Db,
    filter: &Filter,
    cursor: Option<&str>,
    limit: Limit,
) -> Result<Page<Delivery>, ListError> {
    let (at, id) = Cursor::after::<Key>(DELIVERIES, cursor)?.unzip();
    let mut connection = db.acquire().await?;
    let rows = sqlx::query_as!(
        Delivery,
        r#"select d.delivery_id, d.template_id, d.status as "status: DeliveryStatus", d.user_id as "user_id: UserId",
             r.address, d.attempts, d.next_attempt_at, d.last_error, d.resend_of as "resend_of: DeliveryId",
             d.created_at, d.finished_at
         from backend.mail_deliveries d
         join backend.mail_recipients r on r.delivery_id = d.delivery_id
         where ($1::text is null or d.status = $1) and ($2::text is null or d.template_id = $2)
           and ($3::uuid is null or d.user_id = $3) and ($4::text is null or lower(r.address) like $4)
           and ($5::timestamptz is null or (d.created_at, d.delivery_id) < ($5, $6))
         order by d.created_at desc, d.delivery_id desc limit $7"#,
        filter.status as _,
        filter.template_id,
        filter.user_id.map(UserId::uuid),
        filter.address.as_deref().map(prefix_pattern),
        at,
        id,
        limit.probe(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let key = |row: &Delivery| (row.created_at, row.delivery_id.uuid());
    Ok(Page::cut(rows, limit, DELIVERIES, key))
}

/// A page of dead letters, newest first.
#[tracing::instrument(name = "db.mail.dead_letters", skip_all)]
pub async fn dead_letters(
    db: &Db,
    cursor: Option<&str>,
    limit: Limit,
) -> Result<Page<DeadLetter>, ListError> {
    let (at, id) = Cursor::after::<Key>(DEAD_LETTERS, cursor)?.unzip();
    let mut connection = db.acquire().await?;
    let rows = sqlx::query_as!(
        DeadLetter,
        "select l.dead_letter_id, l.delivery_id, d.template_id, r.address, l.archived_at, l.reason
         from backend.mail_dead_letters l
         join backend.mail_deliveries d on d.delivery_id = l.delivery_id
         join backend.mail_recipients r on r.delivery_id = l.delivery_id
         where $1::timestamptz is null or (l.archived_at, l.dead_letter_id) < ($1, $2)
         order by l.archived_at desc, l.dead_letter_id desc limit $3",
        at,
        id,
        limit.probe(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let key = |row: &DeadLetter| (row.archived_at, row.dead_letter_id);
    Ok(Page::cut(rows, limit, DEAD_LETTERS, key))
}

/// A lower-case `like` pattern for texts with this prefix, with the wildcards in it escaped.
fn prefix_pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "%"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_in_a_prefix_are_escaped() {
        assert_eq!(prefix_pattern("A_b%\\"), "a\\_b\\%\\\\%");
    }
}
