//! How often codes can be asked for and tried.

use jiff::SignedDuration;
use serde_json::json;
use sqlx::PgPool;

use super::support::{Api, Call, SEND, confirmation, other_than};

const MAILS: &str = "select count(*) from backend.mail_deliveries";

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_throttled_request_answers_as_usual_sends_nothing_and_never_verifies(pool: PgPool) {
    let api = Api::new(pool).await;
    let first = api.post(SEND, &json!({ "email": "ada@example.org" })).await;
    let again = api.post(SEND, &json!({ "email": "ada@example.org" })).await;
    assert_eq!(first.status, again.status);
    let names = |answer: &super::support::Answer| -> Vec<_> {
        answer.headers.keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(&first), names(&again));
    assert_eq!(api.world.count(MAILS).await, 1);
    assert_eq!(
        api.world
            .count("select count(*) from backend.mail_payloads")
            .await,
        1
    );
    let code = api.code_of("ada@example.org").await.unwrap();
    let throttled = again.body["challenge_id"].as_str().unwrap();
    api.try_code(throttled, &code)
        .await
        .refused(400, "invalid_code");
    api.try_code(first.body["challenge_id"].as_str().unwrap(), &code)
        .await
        .expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_address_gets_one_mail_a_minute_five_an_hour_and_twenty_a_day(pool: PgPool) {
    let api = Api::new(pool).await;
    let mut sent = vec![];
    for _ in 0..24 {
        for _ in 0..12 {
            api.ask("ada@example.org").await;
            api.ask("ada@example.org").await;
            api.advance(SignedDuration::from_mins(5));
        }
        sent.push(api.world.count(MAILS).await);
    }
    assert_eq!(&sent[..5], [5, 10, 15, 20, 20]);
    assert_eq!(sent[23], 20, "no more on that day");
    api.ask("ada@example.org").await;
    assert_eq!(api.world.count(MAILS).await, 21, "the next day");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn codes_requested_from_one_source_address_are_limited(pool: PgPool) {
    let variables = [("BACKEND_AUTH_CODES_PER_ADDRESS_PER_HOUR", "3")];
    let api = Api::with(pool, &variables, None).await;
    let ask = async |n: u32, from: &str| {
        let body = json!({ "email": format!("user{n}@example.org") });
        let call = Call::new("POST", SEND)
            .json(&body)
            .from(from.parse::<std::net::IpAddr>().unwrap());
        api.send(call).await.expect(200);
    };
    for n in 0..6 {
        ask(n, "198.51.100.7").await;
    }
    assert_eq!(api.world.count(MAILS).await, 3);
    ask(10, "198.51.100.8").await;
    assert_eq!(
        api.world.count(MAILS).await,
        4,
        "another address has its own"
    );
    for n in 20..26 {
        ask(n, &format!("2001:db8::{n:x}")).await;
    }
    assert_eq!(api.world.count(MAILS).await, 7, "a /64 network is one host");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn wrong_codes_count_for_an_address_over_all_its_challenges(pool: PgPool) {
    let api = Api::new(pool).await;
    for _ in 0..3 {
        let challenge = api.ask("ada@example.org").await;
        let code = api.code_of("ada@example.org").await.unwrap();
        for _ in 0..5 {
            api.try_code(&challenge, &other_than(&code))
                .await
                .refused(400, "invalid_code");
        }
        api.advance(SignedDuration::from_secs(61));
    }
    let challenge = api.ask("ada@example.org").await;
    let code = api.code_of("ada@example.org").await.unwrap();
    api.try_code(&challenge, &code)
        .await
        .refused(400, "invalid_code");
    let accounts = "select count(*) from backend.accounts";
    assert_eq!(
        api.world.count(accounts).await,
        0,
        "none for a refused code"
    );
    api.advance(SignedDuration::from_hours(1));
    api.sign_in("ada@example.org").await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn wrong_codes_from_others_do_not_lock_an_account_out(pool: PgPool) {
    let api = Api::new(pool).await;
    let challenge = api.ask("victim@example.org").await;
    let code = api.code_of("victim@example.org").await.unwrap();
    for n in 0..50_u8 {
        let body = confirmation(&challenge, &other_than(&code));
        let call = Call::new("POST", super::support::CONFIRM)
            .json(&body)
            .from([203, 0, 113, n]);
        api.send(call).await.refused(400, "invalid_code");
    }
    api.advance(SignedDuration::from_secs(61));
    api.sign_in("victim@example.org").await;
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn what_is_stored_for_a_throttled_request_is_the_hash_of_no_code(pool: PgPool) {
    use galaxy_api::auth::{model, store};
    let api = Api::new(pool).await;
    let now = api.world.clock.now();
    let request = |mark: u8| store::CodeRequest {
        challenge_id: galaxy_core::ChallengeId::generate(),
        email: galaxy_core::EmailAddress::parse("ada@example.org").unwrap(),
        code_hash: [mark; 32],
        no_hash: [mark + 100; 32],
        locale: None,
        requested_at: now,
        expires_at: now + SignedDuration::from_mins(10),
        email_subject: [7; 32],
        address_subject: [8; 32],
        content: galaxy_mail::Content {
            subject: String::new(),
            text: String::new(),
            html: None,
        },
        traceparent: None,
    };
    let batch = [request(1), request(2)];
    let mut connection = api.world.db.acquire().await.unwrap();
    let rule = model::codes_per_address(60);
    let admissions = store::request_codes(&mut connection, &batch, &rule, now)
        .await
        .unwrap();
    assert_eq!(
        admissions,
        [store::Admission::Send, store::Admission::Throttled]
    );
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select code_hash from backend.auth_challenges order by challenge_id")
            .fetch_all(api.world.db.pool())
            .await
            .unwrap();
    assert_eq!(stored, [vec![1; 32], vec![102; 32]]);
}
