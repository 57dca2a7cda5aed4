//! The REST document around the operations that it is given. `proto/openapi.yaml` is its committed form; a test compares
//! the two.

use galaxy_http::ErrorBody;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{
            ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
        },
    },
};

/// The document without operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Galaxy back end",
        description = "Accounts, sessions, lobby, games and their administration. User and internal routes are for the \
                       gateway; the operation ids of `User` operations are the gateway's message types.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody)),
    tags(
        (name = "Public", description = "Sign-in, without credentials."),
        (name = "User", description = "For players, through the gateway: needs X-User-ID and the gateway's token."),
        (name = "Admin", description = "For operators: needs HTTP Basic of an enabled admin account."),
        (name = "Internal", description = "For the gateway itself: needs its token."),
        (name = "Probes", description = "Whether the process runs and can work."),
    )
)]
struct Base;

/// Errors that every operation of a tag can answer, besides those it states itself.
const COMMON: [(&str, &[(&str, &str)]); 4] = [
    ("Public", &[BAD_REQUEST, TOO_MANY]),
    (
        "User",
        &[
            BAD_REQUEST,
            ("401", "Unknown or deleted account, or no gateway token."),
            ("403", "The account is blocked, or sanctioned against this."),
        ],
    ),
    (
        "Admin",
        &[
            BAD_REQUEST,
            ("401", "No, wrong or disabled admin credentials."),
            TOO_MANY,
        ],
    ),
    ("Internal", &[BAD_REQUEST, ("401", "No gateway token.")]),
];
const BAD_REQUEST: (&str, &str) = (
    "400",
    "Malformed or invalid request; details name the fields.",
);
const TOO_MANY: (&str, &str) = ("429", "Too many requests; see Retry-After.");
const ANY: [(&str, &str); 3] = [
    ("500", "Something went wrong on our side."),
    ("503", "A dependency is down; see Retry-After."),
    ("504", "The request took too long."),
];
const WITH_BODY: [(&str, &str); 2] = [
    ("413", "The body is larger than the route takes."),
    ("415", "The body is not application/json."),
];

/// The whole document, with these operations.
pub fn document(operations: Document) -> Document {
    let mut document = Base::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    document.merge(operations);
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            add_common_errors(operation);
            operation.security = credentials(operation);
        }
    }
    let components = document.components.get_or_insert_default();
    for (name, scheme) in schemes() {
        components.add_security_scheme(name, scheme);
    }
    document
}

/// The credentials that callers send.
fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let user = ApiKeyValue::with_description(
        "X-User-ID",
        "The caller's account, as the gateway has found it by the session.",
    );
    [
        (
            "gateway_token",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        ),
        ("user_id", SecurityScheme::ApiKey(ApiKey::Header(user))),
        (
            "admin",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
        ),
    ]
}

/// The credentials that an operation requires, by its tag; all of them together.
fn credentials(operation: &Operation) -> Option<Vec<SecurityRequirement>> {
    let none: [&str; 0] = [];
    let tags = operation.tags.as_ref()?;
    Some(match tags.first()?.as_str() {
        "User" => vec![SecurityRequirement::new("gateway_token", none).add("user_id", none)],
        "Internal" => vec![SecurityRequirement::new("gateway_token", none)],
        "Admin" => vec![SecurityRequirement::new("admin", none)],
        _ => vec![],
    })
}

fn add_common_errors(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            *response = error(&response.description);
        }
    }
    let tags = operation.tags.clone().unwrap_or_default();
    let common = COMMON
        .iter()
        .filter(|(tag, _)| tags.iter().any(|t| t == tag))
        .flat_map(|(_, errors)| *errors);
    let with_body = WITH_BODY
        .iter()
        .filter(|_| operation.request_body.is_some());
    let errors: Vec<_> = common.chain(with_body).chain(&ANY).collect();
    for (status, description) in errors {
        operation
            .responses
            .responses
            .entry((*status).to_owned())
            .or_insert_with(|| error(description).into());
    }
}

fn error(description: &str) -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name("ErrorBody");
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}
