//! A code opens a session.

use galaxy_core::{EmailAddress, RevocationReason};
use galaxy_events::catalogue::{account::AccountCreated, session::SessionCreated};
use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;

use super::support::{Api, SEND, other_than};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_code_from_the_mail_opens_a_session_and_an_account(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, user) = api.sign_in("Ada@Example.org").await;
    let looked_up = api.session(&session).await.expect(200);
    assert_eq!(looked_up["status"], "active");
    assert_eq!(looked_up["client_public_key"], super::support::device_key());
    let account = api.as_user(user, "GET", "/account", None).await.expect(200);
    assert_eq!(account["email"], "Ada@Example.org");
    assert_eq!(account["time_zone"], "Europe/Vienna");
    assert_eq!(account["preferred_language"], "en");
    assert_eq!(account["entitlement"]["tier"], "free");
    assert_eq!(account["display_name"], account["user_name"]);
    let name = account["user_name"].as_str().unwrap();
    assert!(name.starts_with("player-") && name.len() == 15, "{name}");
    let created = api.world.events::<SessionCreated>().await;
    assert!(created[0].first && created[0].user_id == user);
    assert_eq!(api.world.events::<AccountCreated>().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_second_sign_in_finds_the_account_however_the_address_is_typed(pool: PgPool) {
    let api = Api::new(pool).await;
    let (first, user) = api.sign_in("ada@example.org").await;
    api.advance(SignedDuration::from_mins(2));
    let (second, same) = api.sign_in("ADA@example.ORG").await;
    assert_eq!(user, same);
    assert_ne!(first, second);
    let created = api.world.events::<SessionCreated>().await;
    assert!(!created[1].first, "this one is a new device");
    assert_eq!(api.world.events::<AccountCreated>().await.len(), 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_mail_is_in_the_callers_language(pool: PgPool) {
    let api = Api::new(pool).await;
    let body = json!({ "email": "ada@example.org", "locale": "de-AT" });
    let answer = api.post(SEND, &body).await.expect(200);
    let code = api.code_of("ada@example.org").await.unwrap();
    let subject: String = sqlx::query_scalar("select subject from backend.mail_payloads")
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
    api.try_code(answer["challenge_id"].as_str().unwrap(), &code)
        .await
        .expect(200);
    let language: String = sqlx::query_scalar("select preferred_language from backend.accounts")
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
    assert_eq!(language, "de");
    assert!(
        subject.contains("Anmeld") || subject.contains("Code"),
        "{subject}"
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn every_invalid_code_gets_the_same_response(pool: PgPool) {
    let api = Api::new(pool).await;
    let unknown = uuid::Uuid::now_v7().to_string();
    let mut answers = vec![api.try_code(&unknown, "000000").await];

    let challenge = api.ask("wrong@example.org").await;
    let code = api.code_of("wrong@example.org").await.unwrap();
    for _ in 0..5 {
        answers.push(api.try_code(&challenge, &other_than(&code)).await);
    }
    answers.push(api.try_code(&challenge, &code).await); // exhausted

    let challenge = api.ask("used@example.org").await;
    let code = api.code_of("used@example.org").await.unwrap();
    api.try_code(&challenge, &code).await.expect(200);
    answers.push(api.try_code(&challenge, &code).await); // consumed

    let challenge = api.ask("late@example.org").await;
    let code = api.code_of("late@example.org").await.unwrap();
    api.advance(SignedDuration::from_mins(10));
    answers.push(api.try_code(&challenge, &code).await); // expired
    answers.push(api.try_code(&challenge, "not a code").await);

    for answer in &mut answers {
        answer.refused(400, "invalid_code");
        answer.body["error"]["request_id"] = json!(null);
    }
    assert!(answers.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert_eq!(
        api.world
            .count("select count(*) from backend.device_sessions")
            .await,
        1
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_weak_key_is_refused_before_it_costs_a_try(pool: PgPool) {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let api = Api::new(pool).await;
    let challenge = api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    let mut one = [0_u8; 32];
    one[0] = 1;
    for key in [vec![0; 32], one.to_vec(), vec![1; 31], vec![1; 33], vec![]] {
        let body = json!({
            "challenge_id": challenge, "code": code, "time_zone": "UTC", "client_public_key": STANDARD.encode(&key),
        });
        let answer = api.post(super::support::CONFIRM, &body).await;
        answer.refused(400, "invalid_request");
        assert_eq!(
            answer.body["error"]["details"][0]["field"],
            "client_public_key"
        );
    }
    assert_eq!(
        api.world
            .count("select attempts::bigint from backend.auth_challenges")
            .await,
        0
    );
    api.try_code(&challenge, &code).await.expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn blocked_addresses_and_domains_get_no_code(pool: PgPool) {
    let api = Api::new(pool).await;
    sqlx::query("insert into backend.blocked_emails (email, reason) values ('eve@example.org', 'x'), ('@bad.example', 'x')")
        .execute(api.world.db.pool())
        .await
        .unwrap();
    for email in ["eve@example.org", " EVE@Example.org", "any@bad.example"] {
        let answer = api.post(SEND, &json!({ "email": email })).await;
        answer.refused(400, "email_blocked");
    }
    api.post(SEND, &json!({ "email": "any@not-bad.example" }))
        .await
        .expect(200);
    assert_eq!(
        api.world
            .count("select count(*) from backend.mail_deliveries")
            .await,
        1
    );
    assert_eq!(
        api.world
            .count("select count(*) from backend.auth_challenges")
            .await,
        1
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_code_is_stored_only_in_its_mail(pool: PgPool) {
    let api = Api::new(pool).await;
    api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    let row: String = sqlx::query_scalar("select c::text from backend.auth_challenges c")
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
    assert!(
        !row.replace(
            &EmailAddress::parse("ada@example.org")
                .unwrap()
                .typed()
                .to_owned(),
            ""
        )
        .contains(&code)
    );
    let secret: bool = sqlx::query_scalar("select secret from backend.mail_payloads")
        .fetch_one(api.world.db.pool())
        .await
        .unwrap();
    assert!(secret, "operators are not shown it");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_new_session_revokes_the_oldest_of_twenty(pool: PgPool) {
    let api = Api::new(pool).await;
    let mut sessions = vec![];
    let mut user = None;
    for _ in 0..21 {
        // a day apart, so that the throttles do not matter
        api.advance(SignedDuration::from_hours(25));
        let (session, owner) = api.sign_in("ada@example.org").await;
        sessions.push(session);
        user = Some(owner);
    }
    assert_eq!(
        api.session(&sessions[0]).await.expect(200)["status"],
        "revoked"
    );
    assert_eq!(
        api.session(&sessions[1]).await.expect(200)["status"],
        "active"
    );
    let list = api
        .as_user(user.unwrap(), "GET", "/sessions?limit=200", None)
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 20);
    let revoked = api
        .world
        .events::<galaxy_events::catalogue::session::SessionRevoked>()
        .await;
    assert_eq!(revoked[0].reason, RevocationReason::Replaced);
    let pushed =
        "select count(*) from backend.event_outbox where subject = 'galaxy.push.invalidation'";
    assert_eq!(api.world.count(pushed).await, 1);
}
