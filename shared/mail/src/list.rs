//! Lists for operators: deliveries by filter, newest first, and dead letters.

use galaxy_core::{Cursor, DeliveryId, Limit, Page, Timestamp, UserId};
use galaxy_store::{Db, ListError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::DeliveryStatus;

/// Which deliveries are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Filter {
    /// In this state.
    pub status: Option<DeliveryStatus>,
    /// Of this kind.
    pub template_id: Option<String>,
    /// Of this account.
    pub user_id: Option<UserId>,
    /// To addresses that begin like this, in either case.
    pub address: Option<String>,
}

/// A delivery as lists show it: without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Delivery {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// What kind of mail it is.
    pub template_id: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Whose account it belongs to.
    pub user_id: Option<UserId>,
    /// Where it goes.
    pub address: String,
    /// Attempts spent.
    pub attempts: i32,
    /// When it is tried next, while it is open.
    #[schema(value_type = String, format = DateTime)]
    pub next_attempt_at: Timestamp,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// The delivery that this one repeats.
    pub resend_of: Option<DeliveryId>,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// A mail that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MailDeadLetter)]
pub struct DeadLetter {
    /// The note itself.
    #[schema(value_type = String, format = Uuid)]
    pub dead_letter_id: Uuid,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// What kind of mail it was.
    pub template_id: String,
    /// Where it should have gone.
    pub address: String,
    /// When it was given up.
    #[schema(value_type = String, format = DateTime)]
    pub archived_at: Timestamp,
    /// Why.
    pub reason: String,
}

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
             r.address, d.attempts, d.next_attempt_at, d.last_error, d.resend_of as "resend_of: DeliveryId", d.created_at,
             d.finished_at
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
    Ok(Page::cut(rows, limit, DELIVERIES, |row: &Delivery| {
        (row.created_at, row.delivery_id.uuid())
    }))
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
    Ok(Page::cut(rows, limit, DEAD_LETTERS, |row: &DeadLetter| {
        (row.archived_at, row.dead_letter_id)
    }))
}

/// A `like` pattern for texts that begin with `prefix`, in lower case.
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
    fn a_prefix_is_no_pattern_of_its_own() {
        assert_eq!(prefix_pattern("A_b%\\"), "a\\_b\\%\\\\%");
    }
}
