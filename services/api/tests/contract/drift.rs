//! The committed documents are those that the code makes.

use galaxy_api::routes;

const HOW: &str = "run `api --print-openapi > proto/openapi.yaml` and look at the difference";

#[test]
fn the_committed_rest_document_is_the_generated_one() {
    let committed = include_str!("../../../../proto/openapi.yaml");
    assert!(committed == routes::yaml(), "{HOW}");
}

#[test]
fn operation_ids_are_unique_snake_case_and_every_tag_is_explained() {
    let document = super::document::Document::load();
    let mut ids: Vec<_> = document
        .operations()
        .into_iter()
        .map(|operation| operation.id)
        .collect();
    let plain = |id: &String| id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    assert!(ids.iter().all(plain), "{ids:?}");
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
#[should_panic(expected = "session")]
fn a_response_that_differs_from_the_document_is_found() {
    let document = super::document::Document::load();
    let operation = document.operation("get_session");
    document.check(
        &operation,
        200,
        &serde_json::json!({ "device_session_id": 7 }),
    );
}

#[test]
fn every_request_body_has_an_example_or_described_fields_with_examples() {
    let document = super::document::Document::load();
    let bodies = document
        .operations()
        .into_iter()
        .filter(|operation| operation.spec["requestBody"].is_object());
    let plain: Vec<_> = bodies
        .filter(|operation| {
            !document.has_example(
                &operation.spec["requestBody"]["content"]["application/json"]["schema"],
            )
        })
        .map(|operation| operation.id)
        .collect();
    assert!(plain.is_empty(), "requests without an example: {plain:?}");
}
