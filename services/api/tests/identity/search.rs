//! Operators search accounts.

use serde_json::{Value, json};
use sqlx::PgPool;

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
async fn a_cursor_of_another_search_or_of_nobody_is_refused(pool: PgPool) {
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

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn no_search_reads_more_than_its_page(pool: PgPool) {
    let api = Api::new(pool).await;
    sqlx::raw_sql(
        "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name, declared_country)
         select gen_random_uuid(), 'p' || n || '@example.org', 'p' || n || '@example.org', 'player-' || n,
                'player-' || n, 'AT' from generate_series(1, 20000) n;
         analyze backend.accounts;",
    )
    .execute(api.world.db.pool())
    .await
    .unwrap();
    for (what, sql) in [
        (
            "newest",
            "select * from backend.accounts where (created_at, user_id) < (now() + interval '1 day', 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by created_at desc, user_id desc limit 51",
        ),
        (
            "email",
            "select * from backend.accounts where email >= 'p1' and email < 'p1\u{10ffff}' and email > '' order by email limit 51",
        ),
        (
            "name",
            "select * from backend.accounts where display_name_key >= 'player-' and display_name_key < 'player-\u{10ffff}' and (display_name_key, user_id) > ('', '00000000-0000-0000-0000-000000000000') order by display_name_key, user_id limit 51",
        ),
        (
            "country",
            "select * from backend.accounts where declared_country = 'AT' and (created_at, user_id) < (now() + interval '1 day', 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by created_at desc, user_id desc limit 51",
        ),
    ] {
        let plan: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "explain (analyze, buffers, format json) {sql}"
        )))
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
        let blocks = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap()
            + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap();
        assert!(blocks < 120, "{what} read {blocks} blocks: {plan}");
    }
}
