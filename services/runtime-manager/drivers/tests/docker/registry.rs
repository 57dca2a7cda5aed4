//! A registry of one image on a loopback port (OCI distribution API), which Docker speaks to without TLS.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::{net::TcpListener, sync::watch};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Of `user:password`: in the usual base64 of Docker's texts it has characters that URLs have not.
pub const LOGIN: &str = "ada:~?>~?>~?>~?>";
/// What the token of a registry says.
const TOKEN: &str = "one-token-for-all";

/// What a registry asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// [`LOGIN`] with each request.
    Basic,
    /// A token, which [`LOGIN`] gets.
    Bearer,
}

pub struct Registry {
    pub host: String,
    /// The digest of the manifest.
    pub digest: String,
    /// The layer comes to its end once this is true.
    pub flows: watch::Sender<bool>,
    pub manifests_read: Arc<AtomicUsize>,
}

struct Served {
    manifest: Bytes,
    config: Bytes,
    layer: Bytes,
    flows: watch::Receiver<bool>,
    manifests_read: Arc<AtomicUsize>,
    host: String,
    access: Access,
}

/// Serves `game/engine:1` of one layer, and answers 500 for `broken`.
pub async fn serve(layer: Vec<u8>, access: Access) -> Registry {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux",
        "config": { "Entrypoint": ["/engine"] },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    });
    let config = Bytes::from(config.to_string());
    let descriptor = |kind: &str, bytes: &[u8]| serde_json::json!({ "mediaType": kind, "size": bytes.len(), "digest": digest(bytes) });
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": descriptor(CONFIG, &config),
        "layers": [descriptor(LAYER, &layer)],
    });
    let manifest = Bytes::from(manifest.to_string());
    let (flows, flowing) = watch::channel(true);
    let manifests_read = Arc::new(AtomicUsize::new(0));
    let registry = Registry {
        host: host.clone(),
        digest: digest(&manifest),
        flows,
        manifests_read: manifests_read.clone(),
    };
    let served = Arc::new(Served {
        manifest,
        config,
        layer: layer.into(),
        flows: flowing,
        manifests_read,
        host,
        access,
    });
    let router = Router::new()
        .route("/v2/", any(StatusCode::OK))
        .route("/v2/game/{name}/{kind}/{reference}", any(answer))
        .layer(middleware::from_fn_with_state(served.clone(), admit))
        .route("/token", get(token))
        .with_state(served);
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    registry
}

/// Asks for what the registry wants.
async fn admit(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let seen = authorization(request.headers());
    let (admitted, challenge) = match served.access {
        Access::Open => (true, String::new()),
        Access::Basic => (
            seen == Some(&login()),
            r#"Basic realm="registry""#.to_owned(),
        ),
        Access::Bearer => (
            seen == Some(&format!("Bearer {TOKEN}")),
            format!(
                r#"Bearer realm="http://{}/token",service="registry""#,
                served.host
            ),
        ),
    };
    if admitted {
        return next.run(request).await;
    }
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
    let challenge = [
        (header::WWW_AUTHENTICATE, challenge),
        (header::CONTENT_TYPE, "application/json".to_owned()),
    ];
    (StatusCode::UNAUTHORIZED, challenge, body).into_response()
}

async fn token(headers: HeaderMap) -> Response {
    if authorization(&headers) == Some(&login()) {
        axum::Json(serde_json::json!({ "token": TOKEN })).into_response()
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()
}

fn login() -> String {
    format!("Basic {}", BASE64_STANDARD.encode(LOGIN))
}

async fn answer(
    State(served): State<Arc<Served>>,
    method: Method,
    Path((name, kind, reference)): Path<(String, String, String)>,
) -> Response {
    match (name.as_str(), kind.as_str()) {
        ("broken", _) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        ("engine", "manifests") if reference == "1" || reference == digest(&served.manifest) => {
            served.manifests_read.fetch_add(1, Ordering::Relaxed);
            content(
                &method,
                MANIFEST,
                &served.manifest,
                Body::from(served.manifest.clone()),
            )
        }
        ("engine", "blobs") if reference == digest(&served.config) => content(
            &method,
            CONFIG,
            &served.config,
            Body::from(served.config.clone()),
        ),
        ("engine", "blobs") if reference == digest(&served.layer) => {
            content(&method, LAYER, &served.layer, slow(&served))
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn content(method: &Method, kind: &str, bytes: &Bytes, body: Body) -> Response {
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        body
    };
    Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::CONTENT_LENGTH, bytes.len())
        .header("Docker-Content-Digest", digest(bytes))
        .body(body)
        .unwrap()
}

/// Half of the layer at once, the rest when it may flow.
fn slow(served: &Served) -> Body {
    let half = served.layer.len() / 2;
    let (first, rest) = (served.layer.slice(..half), served.layer.slice(half..));
    let mut flows = served.flows.clone();
    let first = stream::once(async { Ok::<_, std::io::Error>(first) });
    let rest = stream::once(async move {
        let _ = flows.wait_for(|flows| *flows).await;
        Ok(rest)
    });
    Body::from_stream(first.chain(rest))
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
