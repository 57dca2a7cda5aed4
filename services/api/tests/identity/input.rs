//! Bad input: refused with its exact status and code, and no trace of it left.

use serde_json::json;
use sqlx::PgPool;

use super::support::{Api, CONFIRM, Call, SEND, confirmation};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn bodies_that_are_not_the_json_asked_for_are_refused(pool: PgPool) {
    let api = Api::new(pool).await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let nested = format!(r#"{{"email":{deep}}}"#);
    for body in [
        "",
        "{",
        "null",
        "[]",
        r#"["ada@example.org",null]"#,
        "\"text\"",
        r#"{"email":"ada@example.org"} trailing"#,
        r#"{"email":"ada@example.org","admin":true}"#,
        r#"{"email":"ada@example.org","email":"eve@example.org"}"#,
        r#"{"email":7}"#,
        r#"{"email":null}"#,
        r"{}",
        "\u{feff}{}",
        &deep,
        &nested,
    ] {
        let answer = api.send(Call::new("POST", SEND).raw(body.to_owned())).await;
        answer.refused(400, "invalid_request");
    }
    let invalid_utf8 = Call::new("POST", SEND).raw(vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']);
    api.send(invalid_utf8).await.refused(400, "invalid_request");
    let large = Call::new("POST", SEND).raw(vec![b' '; 10_000_000]);
    api.send(large).await.refused(413, "body_too_large");
    let mut form = Call::new("POST", SEND);
    form.body = Some("email=ada@example.org".into());
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    api.send(form).await.refused(415, "unsupported_media_type");
    assert_eq!(
        api.world
            .count("select count(*) from backend.auth_challenges")
            .await,
        0
    );
    assert_eq!(
        api.world
            .count("select (select count(*) from backend.throttle_counters) + (select count(*) from backend.sent_codes)")
            .await,
        0
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn what_is_not_an_address_gets_no_mail(pool: PgPool) {
    let api = Api::new(pool).await;
    let long = format!("{}@example.org", "a".repeat(320));
    let huge = "a".repeat(5_000);
    for email in [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\nSubject: x",
        "ada@exam\u{0}ple.org",
        "ada@example.org,eve@example.org",
        "Ada <ada@example.org>",
        "ada\u{202e}@example.org",
        "a\u{200b}da@example.org",
        &long,
        &huge,
    ] {
        let answer = api.post(SEND, &json!({ "email": email })).await;
        answer.refused(400, "invalid_request");
        assert_eq!(answer.body["error"]["details"][0]["field"], "email");
    }
    for locale in ["", "x", "en_US", "e\u{0}n", &"a".repeat(40)] {
        let body = json!({ "email": "ada@example.org", "locale": locale });
        api.post(SEND, &body).await.refused(400, "invalid_request");
    }
    assert_eq!(
        api.world
            .count("select count(*) from backend.mail_deliveries")
            .await,
        0
    );
    api.post(SEND, &json!({ "email": "ада@пример.рф", "locale": "ru" }))
        .await
        .expect(200);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn odd_confirmations_cost_no_try(pool: PgPool) {
    let api = Api::new(pool).await;
    let challenge = api.ask("ada@example.org").await;
    let good = confirmation(&challenge, "123456");
    for (field, value) in [
        ("challenge_id", json!("not a uuid")),
        ("challenge_id", json!(7)),
        ("code", json!(123_456)),
        ("client_public_key", json!("AAAA")),
        ("client_public_key", json!("A".repeat(10_000))),
        ("time_zone", json!("Mars/Olympus")),
        ("time_zone", json!("../../etc/passwd")),
        ("time_zone", json!("Europe/Vienna\u{0}")),
        ("time_zone", json!("")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = api.post(CONFIRM, &body).await;
        answer.refused(400, "invalid_request");
        assert_eq!(answer.body["error"]["details"][0]["field"], field);
    }
    for missing in ["challenge_id", "code", "client_public_key", "time_zone"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(missing);
        api.post(CONFIRM, &body)
            .await
            .refused(400, "invalid_request");
    }
    assert_eq!(
        api.world
            .count("select attempts::bigint from backend.auth_challenges")
            .await,
        0
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn an_absent_malformed_or_doubled_user_id_is_refused(pool: PgPool) {
    let api = Api::new(pool).await;
    let user = api.world.account().await;
    let path = "/api/v1/user/account";
    let calls = [
        Call::new("GET", path),
        Call::new("GET", path).header("x-user-id", ""),
        Call::new("GET", path).header("x-user-id", "7"),
        Call::new("GET", path).header("x-user-id", "' or 1=1 --"),
        Call::new("GET", path).user(user).user(user),
    ];
    for call in calls {
        api.send(call).await.refused(400, "invalid_user_id");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn paths_and_methods_that_are_not_there_answer_with_the_error_body(pool: PgPool) {
    let api = Api::new(pool).await;
    api.send(Call::new("GET", "/api/v1/nowhere"))
        .await
        .refused(404, "not_found");
    api.send(Call::new("DELETE", SEND))
        .await
        .refused(405, "method_not_allowed");
    let odd = api.session("not-a-uuid").await;
    odd.refused(400, "invalid_request");
    let mut long = Call::new("POST", "/api/v1/internal/sessions/users/7/revoke-all");
    long = long.json(&json!({ "reason": "x" }));
    api.send(long).await.refused(400, "invalid_request");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn odd_reasons_end_no_session(pool: PgPool) {
    let api = Api::new(pool).await;
    let (session, _) = api.sign_in("ada@example.org").await;
    let path = format!("/api/v1/internal/sessions/{session}/revoke");
    for reason in ["", "a\nb", "a\u{0}b", "\u{202e}", &"x".repeat(201)] {
        api.post(&path, &json!({ "reason": reason }))
            .await
            .refused(400, "invalid_request");
    }
    assert_eq!(api.session(&session).await.expect(200)["status"], "active");
}
