//! Every operation, called wrongly and without credentials.

use galaxy_core::{GameId, UserId};
use sqlx::PgPool;

use super::{
    document::Operation,
    support::{Answer, Call},
    walk::{TOKEN, Walk, Who, fill, identified},
};

fn who(operation: &Operation, user: UserId) -> Who {
    match operation.tag.as_str() {
        "User" => Who::User(user),
        "Admin" => Who::Admin,
        "Internal" => Who::Gateway,
        _ => Who::Nobody,
    }
}

/// The path with parameters that fit their types and, but for the game, name nothing that is there.
fn some_path(operation: &Operation, game: GameId) -> String {
    let values = |name: &str| match name {
        "{username}" => "nobody".to_owned(),
        "{turn}" => "1".to_owned(),
        "{game_id}" => game.to_string(),
        "{version}" | "{id}" => "9.9.9".to_owned(),
        _ => UserId::generate().to_string(),
    };
    let parameters: Vec<String> = operation
        .path
        .split('/')
        .filter(|part| part.starts_with('{'))
        .map(values)
        .collect();
    fill(&operation.path, &parameters)
}

#[track_caller]
fn refused(walk: &Walk, operation: &Operation, answer: &Answer, status: u16, what: &str) {
    let id = &operation.id;
    assert_eq!(
        answer.status.as_u16(),
        status,
        "{id}, {what}: {}",
        answer.body
    );
    walk.document.check(operation, status, &answer.body);
    assert_eq!(
        answer.body["error"]["request_id"],
        answer.headers["x-request-id"].to_str().unwrap()
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn no_operation_answers_without_its_credentials(pool: PgPool) {
    let walk = Walk::new(pool).await;
    let user = walk.api.world.account().await;
    let game = walk.api.world.game(user, "enrollment_open").await;
    for operation in walk.document.operations() {
        let path = some_path(&operation, game);
        let call = || Call::new(&operation.method, &path);
        let wrong_token = || call().header("authorization", "Bearer nonsense");
        match operation.tag.as_str() {
            "User" => {
                let answer = walk.api.send(call().user(user)).await;
                refused(&walk, &operation, &answer, 401, "no token");
                let answer = walk.api.send(wrong_token().user(user)).await;
                refused(&walk, &operation, &answer, 401, "a wrong token");
                let bearer = format!("Bearer {TOKEN}");
                let answer = walk.api.send(call().header("authorization", &bearer)).await;
                refused(&walk, &operation, &answer, 400, "no user");
                let stranger = call()
                    .header("authorization", &bearer)
                    .user(UserId::generate());
                let answer = walk.api.send(stranger).await;
                refused(&walk, &operation, &answer, 401, "an unknown user");
            }
            "Internal" => {
                refused(
                    &walk,
                    &operation,
                    &walk.api.send(call()).await,
                    401,
                    "no token",
                );
                refused(
                    &walk,
                    &operation,
                    &walk.api.send(wrong_token()).await,
                    401,
                    "a wrong token",
                );
            }
            "Admin" => {
                refused(
                    &walk,
                    &operation,
                    &walk.api.send(call()).await,
                    401,
                    "nobody",
                );
                let gateway = call().header("authorization", format!("Bearer {TOKEN}"));
                refused(
                    &walk,
                    &operation,
                    &walk.api.send(gateway).await,
                    401,
                    "the gateway",
                );
            }
            tag => assert!(
                ["Public", "Probes"].contains(&tag),
                "a tag without a rule: {tag}"
            ),
        }
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn every_operation_refuses_what_it_does_not_take(pool: PgPool) {
    let walk = Walk::new(pool).await;
    let user = walk.api.world.account().await;
    let game = walk.api.world.game(user, "enrollment_open").await;
    for operation in walk.document.operations() {
        let who = who(&operation, user);
        let path = some_path(&operation, game);
        let odd_query = format!("{path}?no_such_parameter=1");
        let odd_path = odd_path(&operation);
        let call = |path| identified(Call::new(&operation.method, path), who);
        let takes = |place: &str| {
            let parameters = operation.spec["parameters"].as_array();
            parameters.is_some_and(|all| all.iter().any(|parameter| parameter["in"] == place))
        };
        let engine = ["post_commands", "post_orders"].contains(&operation.id.as_str());
        if operation.spec["requestBody"].is_object() && !engine {
            for body in ["{", r#"{"no_such_field":1}"#, "[]", "{} {}"] {
                let answer = walk.api.send(call(&path).raw(body)).await;
                refused(&walk, &operation, &answer, 400, body);
            }
            let mut plain = call(&path);
            plain.body = Some("{}".into());
            refused(
                &walk,
                &operation,
                &walk.api.send(plain).await,
                415,
                "no media type",
            );
            let large = call(&path).raw(vec![b' '; 100_000]);
            refused(
                &walk,
                &operation,
                &walk.api.send(large).await,
                413,
                "a large body",
            );
        }
        if takes("query") {
            let answer = walk.api.send(call(&odd_query)).await;
            refused(&walk, &operation, &answer, 400, "an unknown parameter");
        }
        if let Some(odd_path) = &odd_path {
            let mut odd = call(odd_path);
            if operation.spec["requestBody"].is_object() {
                odd = odd.raw("{}");
            }
            refused(
                &walk,
                &operation,
                &walk.api.send(odd).await,
                400,
                "a path that is no id",
            );
        }
    }
}

/// The path with words in the place of ids; `None` if it has no ids. The id of a node is any text.
fn odd_path(operation: &Operation) -> Option<String> {
    let ids = operation
        .path
        .split('/')
        .filter(|part| part.ends_with("_id}") && *part != "{node_id}")
        .count();
    let mut values = vec!["not-a-uuid".to_owned(); ids];
    if operation.path.ends_with("{turn}") {
        values.push("1".to_owned());
    }
    (ids > 0).then(|| fill(&operation.path, &values))
}
