//! The routes that are served are those of the document.

use std::collections::BTreeSet;

use super::document::Document;

/// Served beside the document: the documents themselves.
const BESIDE: [&str; 5] = [
    "/openapi.yaml",
    "/openapi.json",
    "/docs",
    "/docs/redoc-2.5.4.js",
    "/docs/redoc.standalone.js.LICENSE.txt",
];

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn routes_and_document_are_the_same_both_ways(pool: sqlx::PgPool) {
    let api = super::support::Api::new(pool).await;
    let documented: BTreeSet<String> = Document::load()
        .operations()
        .into_iter()
        .map(|operation| operation.path)
        .collect();
    let served: BTreeSet<String> = paths(&format!("{:?}", api.router));
    let without_text: Vec<_> = served
        .iter()
        .filter(|path| !documented.contains(*path) && !BESIDE.contains(&path.as_str()))
        .collect();
    assert!(
        without_text.is_empty(),
        "routes that the document does not know: {without_text:?}"
    );
    let without_route: Vec<_> = documented.difference(&served).collect();
    assert!(
        without_route.is_empty(),
        "paths of the document that nobody serves: {without_route:?}"
    );
    for operation in Document::load().operations() {
        let path = operation.path.replace(['{', '}'], "");
        let answer = api
            .send(super::support::Call::new(&operation.method, &path))
            .await;
        assert_ne!(answer.status, 405, "{} is not served", operation.id);
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn the_document_that_the_page_renders_has_every_operation(pool: sqlx::PgPool) {
    let api = super::support::Api::new(pool).await;
    let rendered = api
        .send(super::support::Call::new("GET", "/openapi.json"))
        .await;
    for operation in Document::load().operations() {
        let path = &rendered.body["paths"][&operation.path];
        let id = &path[operation.method.to_lowercase()]["operationId"];
        assert_eq!(*id, operation.id);
    }
}

/// Everything in a router's debug output that is a path.
fn paths(router: &str) -> BTreeSet<String> {
    router
        .split('"')
        .filter(|text| {
            text.starts_with('/') && text.len() > 1 && !text.contains(char::is_whitespace)
        })
        .filter(|text| !text.contains('*'))
        .map(str::to_owned)
        .collect()
}
