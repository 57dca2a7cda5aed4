//! The migrations themselves: they apply to an empty database and on top of every earlier step,
//! end in the same schema either way, and keep the rules that all tables share.

use galaxy_store::MIGRATOR;
use sqlx::PgPool;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Every table the back end relies on.
const TABLES: [&str; 42] = [
    "accounts",
    "admin_accounts",
    "admin_audit_log",
    "applications",
    "auth_challenges",
    "blocked_emails",
    "deployment",
    "device_sessions",
    "engine_versions",
    "engines",
    "entitlement_records",
    "entitlement_snapshots",
    "event_inbox",
    "event_outbox",
    "event_streams",
    "games",
    "invites",
    "limit_active",
    "limit_records",
    "mail_attempts",
    "mail_dead_letters",
    "mail_deliveries",
    "mail_payloads",
    "mail_recipients",
    "memberships",
    "notification_dead_letters",
    "notification_malformed_intents",
    "notification_routes",
    "notifications",
    "player_mappings",
    "race_names",
    "runtime_health_snapshots",
    "runtime_nodes",
    "runtime_operation_log",
    "runtime_records",
    "sanction_active",
    "sanction_records",
    "schema_compatibility",
    "sent_codes",
    "throttle_counters",
    "user_country_counters",
    "event_outbox_default",
];

#[sqlx::test(migrations = false)]
async fn an_empty_database_gets_every_table(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;

    let mut found = tables(&pool).await?;
    found.retain(|table| !is_partition_of_a_day(table) && !table.starts_with("_sqlx"));
    let mut expected = TABLES.map(String::from).to_vec();
    expected.sort();
    assert_eq!(found, expected);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn every_earlier_step_leads_to_the_same_schema(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    let fresh = catalogue(&pool).await?;
    assert!(
        fresh.len() > 500,
        "the catalogue shows columns, constraints and indexes"
    );

    for step in MIGRATOR.iter() {
        forget_everything(&pool).await?;
        MIGRATOR.run_to(step.version, &pool).await?;
        MIGRATOR.run(&pool).await?;
        assert_eq!(
            catalogue(&pool).await?,
            fresh,
            "after stopping at step {}",
            step.version
        );
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn applying_them_again_changes_nothing(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    let once = catalogue(&pool).await?;
    MIGRATOR.run(&pool).await?;
    assert_eq!(catalogue(&pool).await?, once);
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn every_table_says_when_a_row_was_created(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    let without: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
         where c.relnamespace = 'backend'::regnamespace and c.relkind in ('r', 'p') and c.relname !~ '^_sqlx'
           and not exists (
               select from pg_attribute a
               where a.attrelid = c.oid and a.attname = 'created_at' and a.attnotnull and a.atthasdef
                 and a.atttypid = 'timestamptz'::regtype)",
    )
    .fetch_all(&pool)
    .await?;
    assert!(
        without.is_empty(),
        "without created_at timestamptz not null default: {without:?}"
    );
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn every_state_column_lists_its_states(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    // a check over a list of values is shown as `= ANY (ARRAY[…])`
    let unchecked: Vec<String> = sqlx::query_scalar(
        "select format('%s.%s', c.relname, a.attname)
         from pg_attribute a join pg_class c on c.oid = a.attrelid
         where c.relnamespace = 'backend'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
           and (a.attname ~ '(^|_)status$'
                or a.attname in ('visibility', 'tier', 'sanction_code', 'limit_code', 'op', 'channel', 'outcome',
                                 'engine_health')
                or (a.attname = 'action' and c.relname <> 'admin_audit_log'))
           and not exists (
               select from pg_constraint k
               where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
                 and pg_get_constraintdef(k.oid) ~ '= ANY')",
    )
    .fetch_all(&pool)
    .await?;
    assert!(
        unchecked.is_empty(),
        "without a check that lists the states: {unchecked:?}"
    );
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn every_foreign_key_has_an_index_to_look_it_up_by(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    // an index of the rows that have a value at all serves too
    let unindexed: Vec<String> = sqlx::query_scalar(
        "select format('%s.%s', k.conrelid::regclass, k.conname)
         from pg_constraint k
         where k.contype = 'f' and k.connamespace = 'backend'::regnamespace
           and not exists (
               select from pg_index i
               where i.indrelid = k.conrelid and i.indisvalid
                 and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
                 and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$'))",
    )
    .fetch_all(&pool)
    .await?;
    assert!(
        unindexed.is_empty(),
        "foreign keys without an index: {unindexed:?}"
    );
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn no_foreign_key_cascades(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    let cascading: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint
         where contype = 'f' and connamespace = 'backend'::regnamespace and (confdeltype <> 'a' or confupdtype <> 'a')",
    )
    .fetch_all(&pool)
    .await?;
    assert!(
        cascading.is_empty(),
        "would lose rows without being asked to: {cascading:?}"
    );
    Ok(())
}

fn is_partition_of_a_day(table: &str) -> bool {
    table
        .strip_prefix("event_outbox_")
        .is_some_and(|day| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()))
}

async fn tables(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    let mut names: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'backend'")
            .fetch_all(pool)
            .await?;
    names.sort();
    Ok(names)
}

/// Columns, constraints, indexes and functions of the schema, one line each, in a stable order. The
/// days' partitions are left out: which there are depends on the day of the run.
async fn catalogue(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "select line from (
             select format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) as line
             from information_schema.columns where table_schema = 'backend'
             union all
             select format('%s: %s', conrelid::regclass, pg_get_constraintdef(oid))
             from pg_constraint where connamespace = 'backend'::regnamespace
             union all
             select indexdef from pg_indexes where schemaname = 'backend'
             union all
             select pg_get_functiondef(oid) from pg_proc where pronamespace = 'backend'::regnamespace
         ) as lines
         where line !~ 'event_outbox_[0-9]{8}'
         order by line",
    )
    .fetch_all(pool)
    .await
}

/// Back to an empty database, wherever the migrator keeps its own table.
async fn forget_everything(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::raw_sql("drop schema backend cascade; drop table if exists public._sqlx_migrations")
        .execute(pool)
        .await?;
    Ok(())
}
