//! Accounts by the million: hexadecimal names and addresses, eight countries, a sanction for one in ten.

use anyhow::Result;
use galaxy_core::Timestamp;
use galaxy_store::Db;
use uuid::Uuid;

/// An account to ask about.
pub struct Account {
    pub user_id: Uuid,
    pub email: String,
    pub display_name: String,
    pub country: String,
    pub created_at: Timestamp,
}

const ACCOUNTS: &str = "
insert into backend.accounts
    (user_id, email, delivery_email, user_name, display_name, declared_country, created_at)
select gen_random_uuid(), h || '@example.org', h || '@example.org', 'player-' || h, substr(md5(h), 1, 12),
    (array['AT','BR','CH','DE','FR','IT','JP','US'])[1 + n % 8],
    now() - n * interval '1 minute'
from generate_series(1, $1) n cross join lateral (select md5(n::text)) t (h)";

const ENTITLEMENTS: &str = "
insert into backend.entitlement_snapshots (user_id, tier, max_registered_race_names)
select user_id, 'free', 1 from backend.accounts";

const SANCTION_RECORDS: &str = "
insert into backend.sanction_records (record_id, user_id, sanction_code, action, reason, actor)
select gen_random_uuid(), user_id, 'game_join_block', 'apply', 'bench', 'bench' from backend.accounts
where email < '1a'";

const SANCTIONS: &str = "
insert into backend.sanction_active (user_id, sanction_code, record_id)
select user_id, sanction_code, record_id from backend.sanction_records";

/// Makes `count` accounts; gives up to a thousand of them.
pub async fn accounts(db: &Db, count: u32) -> Result<Vec<Account>> {
    let pool = db.pool();
    sqlx::query(ACCOUNTS)
        .bind(i32::try_from(count)?)
        .execute(pool)
        .await?;
    for statement in [ENTITLEMENTS, SANCTION_RECORDS, SANCTIONS] {
        sqlx::query(statement).execute(pool).await?;
    }
    // What is written later would be written beside the questions.
    for statement in ["vacuum analyze", "checkpoint"] {
        sqlx::query(statement).execute(pool).await?;
    }
    let rows: Vec<(Uuid, String, String, String, Timestamp)> = sqlx::query_as(
        "select user_id, email, display_name, declared_country, created_at from backend.accounts
         order by user_id limit 1000",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(
            |(user_id, email, display_name, country, created_at)| Account {
                user_id,
                email,
                display_name,
                country,
                created_at,
            },
        )
        .collect())
}
