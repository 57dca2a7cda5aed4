//! Operators search accounts.

use galaxy_core::Cursor;
use serde_json::json;
use sqlx::{PgPool, postgres::PgPoolOptions};

use super::support::Api;

async fn add(
    api: &Api,
    email: &str,
    user_name: &str,
    display_name: &str,
    country: Option<&str>,
) -> String {
    let id = uuid::Uuid::now_v7();
    sqlx::query(
        "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name, declared_country)
         values ($1, $2, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(email)
    .bind(user_name)
    .bind(display_name)
    .bind(country)
    .execute(api.world.db.pool())
    .await
    .unwrap();
    id.to_string()
}

/// All pages of two, as ids.
async fn all(api: &Api, query: &str) -> Vec<String> {
    let (mut cursor, mut ids) = (String::new(), vec![]);
    loop {
        let page = api
            .as_root("GET", &format!("/users?limit=2&{query}{cursor}"), None)
            .await
            .expect(200);
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|item| item["user_id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn each_filter_finds_its_accounts_page_by_page_and_once(pool: PgPool) {
    let api = Api::new(pool).await;
    let ada = add(&api, "ada@example.org", "player-aaaa", "Ada", Some("AT")).await;
    let bob = add(
        &api,
        "bob@example.org",
        "player-bbbb",
        "player-bbbb",
        Some("AT"),
    )
    .await;
    let eve = add(
        &api,
        "eve@other.example",
        "player-cccc",
        "player-aa-fan",
        None,
    )
    .await;
    let zoe = add(&api, "zoe@example.org", "zzz-dddd", "ADAM", Some("DE")).await;
    let cases: [(&str, Vec<&String>); 11] = [
        ("", vec![&zoe, &eve, &bob, &ada]),
        ("email=ada@", vec![&ada]),
        ("email=ADA@example.org", vec![&ada]),
        ("email=b", vec![&bob]),
        ("name=ada", vec![&ada, &zoe]),
        ("name=player-aa", vec![&eve, &ada]),
        ("name=player-", vec![&eve, &ada, &bob]),
        ("country=AT", vec![&bob, &ada]),
        ("name=player-&country=AT", vec![&ada, &bob]),
        ("email=zoe&country=AT", vec![]),
        (&format!("user_id={eve}"), vec![&eve]),
    ];
    for (query, expected) in cases {
        let found = all(&api, query).await;
        let mut sorted = found.clone();
        let mut wanted: Vec<String> = expected.into_iter().cloned().collect();
        if query.starts_with("name=player-") {
            sorted.sort();
            wanted.sort();
        }
        assert_eq!(sorted, wanted, "{query}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn sanctioned_accounts_are_found_while_the_sanction_holds(pool: PgPool) {
    let api = Api::new(pool).await;
    let mut users = vec![];
    for _ in 0..3 {
        let user = api.world.account().await;
        let body = json!({ "sanction_code": "login_block", "action": "apply", "reason": "x" });
        api.as_root("POST", &format!("/users/{user}/sanctions"), Some(body))
            .await
            .expect(200);
        users.push(user.to_string());
    }
    assert_eq!(all(&api, "sanction=login_block").await, users);
    assert_eq!(
        all(&api, "sanction=game_join_block").await,
        Vec::<String>::new()
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_cursor_of_another_search_or_a_made_up_one_is_refused(pool: PgPool) {
    let api = Api::new(pool).await;
    for _ in 0..3 {
        api.world.account().await;
    }
    let page = api.as_root("GET", "/users?limit=1", None).await.expect(200);
    let foreign = page["next_cursor"].as_str().unwrap().to_owned();
    for path in [
        format!("/users?name=p&cursor={foreign}"),
        format!("/audit-log?cursor={foreign}"),
        format!("/users?cursor={}", &foreign[..foreign.len() - 3]),
        "/users?cursor=nonsense".to_owned(),
        format!("/users?cursor={}", "A".repeat(600)),
    ] {
        api.as_root("GET", &path, None)
            .await
            .refused(400, "invalid_cursor");
    }
    for limit in ["0", "201", "-1", "ten", "99999999999"] {
        let answer = api
            .as_root("GET", &format!("/users?limit={limit}"), None)
            .await;
        answer.refused(400, "invalid_request");
    }
    for query in [
        "country=at",
        "country=AUT",
        "name=",
        "email=%00",
        "sanction=hug",
        "user_id=7",
        "colour=red",
    ] {
        let answer = api.as_root("GET", &format!("/users?{query}"), None).await;
        answer.refused(400, "invalid_request");
    }
}

/// Twenty thousand accounts: one in ten is under a sanction, one in a thousand lives in Peru.
async fn crowd(api: &Api, owner: &PgPool) {
    sqlx::raw_sql(
        "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name, declared_country)
         select gen_random_uuid(), 'p' || n || '@example.org', 'p' || n || '@example.org', 'player-' || n,
                'Name ' || n, case n % 1000 when 0 then 'PE' else 'AT' end from generate_series(1, 20000) n;
         insert into backend.sanction_records (record_id, user_id, sanction_code, action, reason, actor)
         select gen_random_uuid(), user_id, 'login_block', 'apply', 'test', 'test' from backend.accounts
         where email like '%0@example.org';
         insert into backend.sanction_active (user_id, sanction_code, record_id)
         select user_id, sanction_code, record_id from backend.sanction_records;",
    )
    .execute(api.world.db.pool())
    .await
    .unwrap();
    // Only for its owner a table is analysed.
    sqlx::raw_sql("analyze").execute(owner).await.unwrap();
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn filters_that_leave_few_of_many_find_them_all(pool: PgPool) {
    let api = Api::new(pool.clone()).await;
    crowd(&api, &pool).await;
    for query in [
        "name=name&country=PE",
        "name=player-&country=PE",
        "email=p&country=PE",
        "sanction=login_block&country=PE",
        "sanction=login_block&country=PE&name=name&email=p",
        "sanction=login_block&email=p1000@&country=PE",
    ] {
        let mut found = all(&api, query).await;
        let expected = if query.contains('@') { 1 } else { 20 };
        assert_eq!(found.len(), expected, "{query}");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), expected, "{query}");
    }
    assert!(
        all(&api, "sanction=login_block&name=nobody")
            .await
            .is_empty()
    );
}

/// Rows of the searched tables that were read so far over the one connection of `pool`.
async fn rows_read(pool: &PgPool) -> i64 {
    // A session tells what it read once in a while; this has it told at once.
    sqlx::query("select pg_stat_force_next_flush()")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query_scalar(
        "select ((select sum(seq_tup_read) from pg_stat_user_tables where relname = any($1))
               + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = any($1)))::bigint",
    )
    .bind(["accounts", "sanction_active"])
    .fetch_one(pool)
    .await
    .unwrap()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn no_search_looks_at_more_than_a_page_may(pool: PgPool) {
    let options = (*pool.connect_options()).clone();
    let one = PgPoolOptions::new().max_connections(1);
    let api = Api::new(one.connect_with(options).await.unwrap()).await;
    crowd(&api, &pool).await;
    let deep = Cursor::encode("users.name", &("name 5", uuid::Uuid::nil()));
    for (query, most) in [
        ("", 60),
        ("email=p", 60),
        ("name=name", 120),
        (&*format!("name=name&cursor={deep}"), 120),
        ("country=AT", 60),
        ("sanction=login_block", 120),
        ("name=name&country=PE", 700),
        ("email=p&country=PE", 200),
        ("email=p1@&sanction=login_block", 200),
        ("email=p&sanction=login_block&country=PE", 400),
        ("sanction=login_block&name=nobody", 400),
    ] {
        // Postgres plans a statement anew five times, then it may keep a plan.
        for _ in 0..8 {
            let before = rows_read(api.world.db.pool()).await;
            api.as_root("GET", &format!("/users?{query}"), None)
                .await
                .expect(200);
            let read = rows_read(api.world.db.pool()).await - before;
            assert!(read > 0 && read <= most, "{query} read {read} rows");
        }
    }
}
