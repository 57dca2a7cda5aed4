//! Step 20 over a database of the step before: what is there comes along, and processes of that version go on working.

use galaxy_store::MIGRATOR;
use sqlx::{AssertSqlSafe, PgPool, raw_sql};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const GAME: &str = "00000000-0000-7000-8000-000000000001";
const PLAYER: &str = "00000000-0000-7000-8000-000000000002";

#[sqlx::test(migrations = false)]
async fn a_database_without_engines_gets_one_that_has_all_its_versions(pool: PgPool) -> TestResult {
    MIGRATOR.run_to(19, &pool).await?;
    raw_sql(AssertSqlSafe(format!(
        "insert into backend.engine_versions (version, image_ref, image_digest, enabled) values
             ('1.0.0', 'engine:1', 'sha256:ab', true), ('1.1.0', 'engine:2', null, true), ('0.9.0', 'engine:0', null, false);
         insert into backend.accounts (user_id, email, delivery_email, user_name, display_name)
             values ('{PLAYER}', 'a@example.org', 'a@example.org', 'a', 'a');
         insert into backend.games (game_id, owner_user_id, game_name, visibility, status, min_players, max_players,
                 enrollment_ends_at, turn_schedule, target_engine_version)
             values ('{GAME}', '{PLAYER}', 'A game', 'public', 'running', 2, 8, now(), '0 * * * *', '1.0.0');
         insert into backend.runtime_records (game_id, game_name, engine_version, turn_schedule)
             values ('{GAME}', 'A game', '1.0.0', '0 * * * *');"
    )))
    .execute(&pool)
    .await?;
    MIGRATOR.run(&pool).await?;

    let engines: Vec<(String, bool)> =
        sqlx::query_as("select engine_name, is_default from backend.engines")
            .fetch_all(&pool)
            .await?;
    assert_eq!(engines, [("galaxy".to_owned(), true)]);
    let versions: Vec<(String, String, String)> = sqlx::query_as(
        "select engine_name, version, check_status from backend.engine_versions order by version",
    )
    .fetch_all(&pool)
    .await?;
    let row =
        |version: &str, check: &str| ("galaxy".to_owned(), version.to_owned(), check.to_owned());
    assert_eq!(
        versions,
        [
            row("0.9.0", "failed"),
            row("1.0.0", "ok"),
            row("1.1.0", "pending")
        ]
    );
    let game: (String, String, String) = sqlx::query_as(
        "select g.engine_name, r.engine_name, g.options::text from backend.games g join backend.runtime_records r using (game_id)",
    )
    .fetch_one(&pool)
    .await?;
    assert_eq!(
        game,
        ("galaxy".to_owned(), "galaxy".to_owned(), "{}".to_owned())
    );
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn statements_of_the_version_before_go_on_working(pool: PgPool) -> TestResult {
    MIGRATOR.run(&pool).await?;
    let insert = "insert into backend.engine_versions (version, image_ref, resources, created_at, updated_at)
                  values ('1.0.0', 'engine:1', '{}', now(), now()) on conflict do nothing";
    for rows in [1, 0] {
        assert_eq!(raw_sql(insert).execute(&pool).await?.rows_affected(), rows);
    }
    raw_sql(AssertSqlSafe(format!(
        "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name)
             values ('{PLAYER}', 'a@example.org', 'a@example.org', 'a', 'a');
         insert into backend.games (game_id, owner_user_id, game_name, visibility, status, min_players, max_players,
                 enrollment_ends_at, turn_schedule, target_engine_version)
             values ('{GAME}', '{PLAYER}', 'A game', 'public', 'draft', 2, 8, now(), '0 * * * *', '1.0.0');"
    )))
    .execute(&pool)
    .await?;
    let unknown = "update backend.games set target_engine_version = '9.9.9'";
    assert!(
        raw_sql(unknown).execute(&pool).await.is_err(),
        "there is no such version"
    );
    Ok(())
}
