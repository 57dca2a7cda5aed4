//! `proto/engine.openapi.yaml` and the router say the same: routes, examples, answers.

use std::collections::BTreeSet;

use galaxy_engine::http::routes;
use serde_json::{Value, json};

use crate::world::{Api, init_body};

struct Document(Value);

impl Document {
    fn load() -> Self {
        let text = include_str!("../../../../proto/engine.openapi.yaml");
        Self(serde_norway::from_str(text).unwrap())
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(target) => self.0.pointer(target.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.0["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().iter();
                methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
            })
    }

    fn schema(&self, schema: &Value) -> jsonschema::Validator {
        let mut schema = schema.clone();
        schema["components"] = self.0["components"].clone();
        jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    }

    fn check(&self, schema: &Value, value: &Value) {
        let errors: Vec<String> = self
            .schema(schema)
            .iter_errors(value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{value:#} is not {schema}: {errors:?}");
    }

    /// The schema of an answer, `None` where the document says that it has no body.
    fn answer(&self, method: &str, path: &str, status: u16) -> Option<&Value> {
        let responses = &self.0["paths"][path][method]["responses"];
        let response = responses.get(status.to_string());
        let response = response.unwrap_or_else(|| panic!("{method} {path} may answer {status}"));
        self.resolve(response)
            .pointer("/content/application~1json/schema")
    }
}

#[test]
fn the_document_has_the_routes_of_the_router_and_no_others() {
    let document = Document::load();
    let written: BTreeSet<_> = document
        .operations()
        .map(|(method, path, _)| (method, path))
        .collect();
    let served: BTreeSet<_> = routes()
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    assert_eq!(written, served);
}

#[test]
fn every_call_but_the_probe_needs_token_and_game() {
    let document = Document::load();
    for (_, path, operation) in document.operations() {
        let parameters = operation["parameters"].as_array();
        let game = parameters
            .into_iter()
            .flatten()
            .any(|parameter| parameter["$ref"] == "#/components/parameters/GameId");
        let free = operation.get("security") == Some(&json!([]));
        let answered = ["401", "421"]
            .iter()
            .all(|status| operation["responses"].get(status).is_some());
        let probe = path == "/healthz";
        assert_eq!((game, free, answered), (!probe, probe, !probe), "{path}");
    }
}

#[test]
fn the_examples_are_what_the_document_says() {
    let document = Document::load();
    let mut seen = 0;
    for (_, _, operation) in document.operations() {
        let request = operation.get("requestBody").into_iter();
        let responses = operation["responses"].as_object().unwrap().values();
        for message in request
            .chain(responses)
            .map(|message| document.resolve(message))
        {
            let Some(content) = message.pointer("/content/application~1json") else {
                continue;
            };
            if let Some(example) = content.get("example") {
                document.check(&content["schema"], example);
                seen += 1;
            }
        }
    }
    for schema in document.0["components"]["schemas"]
        .as_object()
        .unwrap()
        .values()
    {
        if let Some(example) = schema.get("example") {
            document.check(schema, example);
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} examples");
}

#[test]
fn the_examples_of_the_reference_engine_are_what_it_takes_and_gives() {
    let document = Document::load();
    let named = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let at = |path: &str| document.0["paths"].pointer(path).unwrap();
    let body = "put/requestBody/content/application~1json/example";
    for command in at(&format!("/~1api~1v1~1command/{body}/commands"))
        .as_array()
        .unwrap()
    {
        document.check(&named("ReferenceCommand"), command);
    }
    for order in at(&format!("/~1api~1v1~1order/{body}/orders"))
        .as_array()
        .unwrap()
    {
        document.check(&named("ReferenceOrder"), order);
    }
    let report = "/~1api~1v1~1report/get/responses/200/content/application~1json/example";
    document.check(&named("ReferenceReport"), at(report));
}

/// Sends the request and checks the answer against the document.
async fn call(api: &Api, document: &Document, method: &str, path: &str, body: Value) -> Value {
    let (status, answer) = match method {
        "get" => api.get(path).await,
        "post" => api.post(path, &body).await,
        _ => api.put(path, &body).await,
    };
    let route = path.split('?').next().unwrap();
    match document.answer(method, route, status.as_u16()) {
        Some(schema) => document.check(schema, &answer),
        None => assert_eq!(answer, Value::Null),
    }
    answer
}

#[tokio::test]
async fn answers_throughout_a_game_are_what_the_document_says() {
    let (api, document) = (Api::new(), Document::load());
    let do_ = async |method: &str, path: &str, body: Value| {
        call(&api, &document, method, path, body).await
    };
    do_("get", "/healthz", Value::Null).await;
    do_("get", "/api/v1/admin/status", Value::Null).await;
    do_("post", "/api/v1/admin/init", json!({})).await;
    let status = do_("post", "/api/v1/admin/init", init_body()).await;
    do_(
        "post",
        "/api/v1/admin/init",
        json!({"game_id": uuid::Uuid::nil(), "seed": 1, "races": []}),
    )
    .await;
    let report_schema = json!({"$ref": "#/components/schemas/ReferenceReport"});
    for turn in 0..40 {
        for player in status["players"].as_array().unwrap() {
            let id = player["player_id"].as_str().unwrap();
            let view = do_(
                "get",
                &format!("/api/v1/report?player_id={id}&turn={turn}"),
                Value::Null,
            )
            .await;
            document.check(&report_schema, &view);
            let orders = attack_everything(&view);
            do_(
                "put",
                "/api/v1/order",
                json!({"player_id": id, "orders": orders}),
            )
            .await;
            let command = json!({"type": "set_production", "planet": turn, "production": "ships"});
            do_(
                "put",
                "/api/v1/command",
                json!({"player_id": id, "commands": [command]}),
            )
            .await;
            let view = do_(
                "get",
                &format!("/api/v1/report?player_id={id}&turn={turn}"),
                Value::Null,
            )
            .await;
            document.check(&report_schema, &view);
        }
        do_(
            "put",
            "/api/v1/admin/turn",
            json!({"expected_turn": turn + 1}),
        )
        .await;
    }
    do_("put", "/api/v1/admin/turn", json!({"expected_turn": 99})).await;
    do_(
        "post",
        "/api/v1/admin/race/banish",
        json!({"race_name": "Nobody"}),
    )
    .await;
    do_(
        "post",
        "/api/v1/admin/race/banish",
        json!({"race_name": "Zorgons"}),
    )
    .await;
    do_(
        "get",
        &format!("/api/v1/report?player_id={}&turn=0", uuid::Uuid::nil()),
        Value::Null,
    )
    .await;
}

/// Half of each garrison goes to a planet of somebody else, another one each turn.
fn attack_everything(view: &Value) -> Vec<Value> {
    let planets = view["planets"].as_array().unwrap();
    let (own, others): (Vec<_>, Vec<_>) = planets
        .iter()
        .partition(|planet| planet["visibility"] == "own");
    let turn = usize::try_from(view["turn"].as_u64().unwrap()).unwrap();
    own.iter()
        .zip(others.iter().cycle().skip(turn % planets.len()))
        .map(|(from, to)| {
            let ships = from["ships"].as_u64().unwrap() / 2;
            json!({"type": "send_ships", "from": from["planet"], "to": to["planet"], "ships": ships})
        })
        .collect()
}
