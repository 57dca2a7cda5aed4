//! Responses that several operations describe alike.

use std::collections::BTreeMap;

use utoipa::openapi::{RefOr, Response, ResponseBuilder};

/// Responses without a body of their own, from statuses and descriptions; for implementations of `IntoResponses`.
pub fn described<const N: usize>(
    responses: [(&str, &str); N],
) -> BTreeMap<String, RefOr<Response>> {
    let described = responses.map(|(status, description)| {
        let response = ResponseBuilder::new().description(description).build();
        (status.to_owned(), response.into())
    });
    described.into()
}
