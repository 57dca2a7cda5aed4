//! Many at once against a real Postgres: one winner, nothing lost, nothing extra.

use futures_util::future::{join, join_all};
use galaxy_events::catalogue::account::AccountCreated;
use galaxy_testkit::eventually;
use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::support::{Answer, Api, other_than};

fn with_status(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status.as_u16() == status)
        .count()
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn fifty_confirmations_of_one_code_open_one_session(pool: PgPool) {
    let api = Api::new(pool).await;
    let challenge = api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    let answers = join_all((0..50).map(|_| api.try_code(&challenge, &code))).await;
    assert_eq!(
        (with_status(&answers, 200), with_status(&answers, 400)),
        (1, 49)
    );
    assert_eq!(
        api.world
            .count("select count(*) from backend.device_sessions")
            .await,
        1
    );
    assert_eq!(
        api.world
            .count("select count(*) from backend.accounts")
            .await,
        1
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn of_fifty_concurrent_wrong_codes_five_are_compared(pool: PgPool) {
    let api = Api::new(pool).await;
    let challenge = api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    let wrong = other_than(&code);
    let answers = join_all((0..50).map(|_| api.try_code(&challenge, &wrong))).await;
    assert_eq!(with_status(&answers, 400), 50);
    assert_eq!(
        api.world
            .count("select attempts::bigint from backend.auth_challenges")
            .await,
        5
    );
    let counted =
        "select hits::bigint from backend.throttle_counters where bucket = 'auth.wrong.email'";
    assert_eq!(api.world.count(counted).await, 5);
    api.try_code(&challenge, &code)
        .await
        .refused(400, "invalid_code");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn twenty_first_sign_ins_of_one_address_make_one_account(pool: PgPool) {
    let api = Api::new(pool).await;
    let mut challenges = vec![];
    for day in 0..20 {
        if day > 0 {
            api.advance(SignedDuration::from_secs(61));
        }
        let challenge = api.ask("ada@example.org").await;
        challenges.push((challenge, api.code_of("ada@example.org").await.unwrap()));
        sqlx::query("delete from backend.sent_codes")
            .execute(api.world.db.pool())
            .await
            .unwrap();
        sqlx::query(
            "update backend.auth_challenges set expires_at = expires_at + interval '1 hour'",
        )
        .execute(api.world.db.pool())
        .await
        .unwrap();
    }
    let answers = join_all(challenges.iter().map(|(id, code)| api.try_code(id, code))).await;
    assert_eq!(with_status(&answers, 200), 20);
    assert_eq!(
        api.world
            .count("select count(*) from backend.accounts")
            .await,
        1
    );
    assert_eq!(api.world.events::<AccountCreated>().await.len(), 1);
    let active = "select count(*) from backend.device_sessions where status = 'active'";
    assert_eq!(api.world.count(active).await, 20);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_address_that_is_taken_during_a_sign_in_gives_the_account_that_took_it(pool: PgPool) {
    let api = Api::new(pool.clone()).await;
    let challenge = api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    let mut elsewhere = pool.begin().await.unwrap();
    let taken_by: Uuid = sqlx::query_scalar(
        "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name)
         values (gen_random_uuid(), 'ada@example.org', 'ada@example.org', 'player-elsewhere', 'Ada') returning user_id",
    )
    .fetch_one(&mut *elsewhere)
    .await
    .unwrap();
    let then_committed = async {
        eventually("the sign-in waits for the other one", async || {
            let waiting = "select count(*) from pg_stat_activity
                           where datname = current_database() and wait_event_type = 'Lock'";
            // Sessions of others are shown to the owner.
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&pool).await.unwrap();
            (waiting == 1).then_some(())
        })
        .await;
        elsewhere.commit().await.unwrap();
    };
    let (answer, ()) = join(api.try_code(&challenge, &code), then_committed).await;
    let session = answer.expect(200)["device_session_id"].clone();
    let session = api.session(session.as_str().unwrap()).await.expect(200);
    assert_eq!(session["user_id"], json!(taken_by));
    let accounts = "select count(*) from backend.accounts";
    assert_eq!(api.world.count(accounts).await, 1);
    assert_eq!(api.world.events::<AccountCreated>().await.len(), 0);
    let tries = "select attempts::bigint from backend.auth_challenges";
    assert_eq!(
        api.world.count(tries).await,
        1,
        "one try, however often it began"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn twenty_requests_for_one_address_send_one_mail(pool: PgPool) {
    let api = Api::new(pool).await;
    let asked = join_all((0..20).map(|_| api.ask("ada@example.org"))).await;
    assert_eq!(asked.len(), 20);
    assert_eq!(
        api.world
            .count("select count(*) from backend.mail_deliveries")
            .await,
        1
    );
    let hours = "select cardinality(sent_at)::bigint from backend.sent_codes";
    assert_eq!(
        api.world.count(hours).await,
        1,
        "what was not sent does not use up the hour"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn parallel_changes_of_settings_all_stay(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let changes = [
        json!({ "time_zone": "Asia/Tokyo" }),
        json!({ "preferred_language": "ru" }),
        json!({ "notifications": { "lobby_mail": false } }),
        json!({ "notifications": { "turns_mail": true } }),
        json!({ "notifications": { "account_mail": false } }),
        json!({ "notifications": { "turns_digest": true } }),
        json!({ "notifications": { "quiet_hours": { "from": "01:00", "to": "02:00" } } }),
    ];
    let calls = changes
        .iter()
        .map(|change| api.as_user(user, "PATCH", "/account/settings", Some(change.clone())));
    let answers = join_all(calls).await;
    assert_eq!(with_status(&answers, 200), changes.len());
    let account = api.as_user(user, "GET", "/account", None).await.expect(200);
    assert_eq!(
        (
            account["time_zone"].as_str(),
            account["preferred_language"].as_str()
        ),
        (Some("Asia/Tokyo"), Some("ru"))
    );
    let expected = json!({
        "lobby_mail": false, "turns_mail": true, "account_mail": false, "turns_digest": true,
        "quiet_hours": { "from": "01:00", "to": "02:00" },
    });
    assert_eq!(account["notifications"], expected);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_sign_in_and_a_login_block_at_once_leave_no_active_session(pool: PgPool) {
    let api = Api::new(pool).await;
    for n in 0..8 {
        let email = format!("user{n}@example.org");
        let (_, user) = api.sign_in(&email).await;
        api.advance(SignedDuration::from_secs(61));
        let challenge = api.ask(&email).await;
        let code = api.code_of(&email).await.unwrap();
        let body = json!({ "sanction_code": "login_block", "action": "apply", "reason": "x" });
        let path = format!("/users/{user}/sanctions");
        let block = api.as_root("POST", &path, Some(body));
        let (confirmed, blocked) = join(api.try_code(&challenge, &code), block).await;
        blocked.expect(200);
        assert!([200, 403].contains(&confirmed.status.as_u16()));
        let list = api
            .as_user(user, "GET", "/sessions", None)
            .await
            .expect(200);
        assert_eq!(list["items"], json!([]));
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_application_and_a_join_block_at_once_agree_on_who_was_first(pool: PgPool) {
    let api = Api::new(pool).await;
    let owner = api.world.account().await;
    for n in 0..8 {
        let game = api.world.game(owner, "enrollment_open").await;
        let user = api.world.account().await;
        let body = json!({ "sanction_code": "permanent_block", "action": "apply", "reason": "x" });
        let path = format!("/users/{user}/sanctions");
        let block = api.as_root("POST", &path, Some(body));
        let apply_path = format!("/lobby/games/{game}/applications");
        let apply = json!({ "race_name": format!("Zorg{}", char::from(b'a' + n)) });
        let (applied, blocked) =
            join(api.as_user(user, "POST", &apply_path, Some(apply)), block).await;
        blocked.expect(200);
        assert!(
            [201, 403].contains(&applied.status.as_u16()),
            "{}",
            applied.body
        );
    }
    let open = "select count(*) from backend.applications where status = 'submitted'";
    assert_eq!(
        api.world.count(open).await,
        0,
        "what came first was withdrawn, what came later refused"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn deletion_wins_over_concurrent_changes(pool: PgPool) {
    let api = Api::new(pool).await;
    let owner = api.world.account().await;
    for n in 0..6 {
        let email = format!("user{n}@example.org");
        let (_, user) = api.sign_in(&email).await;
        api.advance(SignedDuration::from_secs(61));
        let challenge = api.ask(&email).await;
        let code = api.code_of(&email).await.unwrap();
        let game = api.world.game(owner, "enrollment_open").await;
        let apply = format!("/lobby/games/{game}/applications");
        let sanctions = format!("/users/{user}/sanctions");
        let sanction =
            json!({ "sanction_code": "game_join_block", "action": "apply", "reason": "x" });
        let (deleted, others) = join(
            api.as_user(user, "POST", "/account/delete", None),
            join_all([
                api.as_user(
                    user,
                    "PATCH",
                    "/account/profile",
                    Some(json!({ "display_name": "Eve" })),
                ),
                api.as_user(
                    user,
                    "PATCH",
                    "/account/settings",
                    Some(json!({ "time_zone": "Asia/Tokyo" })),
                ),
                api.as_user(
                    user,
                    "POST",
                    &apply,
                    Some(json!({ "race_name": "Zorgons" })),
                ),
                api.as_user(user, "GET", "/account", None),
            ]),
        )
        .await;
        let (confirmed, sanctioned) = join(
            api.try_code(&challenge, &code),
            api.as_root("POST", &sanctions, Some(sanction)),
        )
        .await;
        deleted.expect(204);
        assert!(
            others.iter().all(|answer| answer.status.as_u16() < 500),
            "{others:?}"
        );
        confirmed.refused(400, "invalid_code");
        sanctioned.refused(404, "not_found");
        let left: i64 = sqlx::query_scalar(
            "select (select count(*) from backend.device_sessions where user_id = $1 and status = 'active')
                  + (select count(*) from backend.applications where applicant_user_id = $1 and status = 'submitted')
                  + (select count(*) from backend.sanction_active where user_id = $1)
                  + (select count(*) from backend.accounts where user_id = $1 and display_name = 'Eve')",
        )
        .bind(user.uuid())
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
        assert_eq!(left, 0);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn concurrent_sign_ins_each_open_their_own_session(pool: PgPool) {
    let api = Api::with(
        pool,
        &[("BACKEND_AUTH_CODES_PER_ADDRESS_PER_HOUR", "50")],
        None,
    )
    .await;
    let emails: Vec<String> = (0..60).map(|n| format!("user{n}@example.org")).collect();
    let challenges = join_all(emails.iter().map(|email| api.ask(email))).await;
    let codes = join_all(emails.iter().map(|email| api.code_of(email))).await;
    assert_eq!(
        codes.iter().flatten().count(),
        50,
        "the address has asked for its fill"
    );
    let typed: Vec<_> = codes
        .iter()
        .flatten()
        .enumerate()
        .map(|(n, code)| {
            if n % 5 == 0 {
                other_than(code)
            } else {
                code.clone()
            }
        })
        .collect();
    let sent: Vec<_> = challenges
        .iter()
        .zip(&codes)
        .filter(|(_, code)| code.is_some())
        .map(|(id, _)| id)
        .collect();
    let answers = join_all(
        sent.iter()
            .zip(&typed)
            .map(|(id, code)| api.try_code(id, code)),
    )
    .await;
    assert_eq!(
        (with_status(&answers, 200), with_status(&answers, 400)),
        (40, 10)
    );
    assert_eq!(
        api.world
            .count("select count(*) from backend.accounts")
            .await,
        40
    );
    let owners = "select count(distinct user_id) from backend.device_sessions";
    assert_eq!(api.world.count(owners).await, 40);
    let snapshots = "select count(*) from backend.entitlement_snapshots";
    assert_eq!(api.world.count(snapshots).await, 40);
    assert_eq!(api.world.events::<AccountCreated>().await.len(), 40);
    let right_owner = "select count(*) from backend.auth_challenges c join backend.accounts a on a.email = c.email
                       join backend.device_sessions s on s.user_id = a.user_id where c.consumed_at is not null";
    assert_eq!(api.world.count(right_owner).await, 40);
}
