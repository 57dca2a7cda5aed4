//! `/docs`: the REST document rendered by Redoc. Everything it needs comes from this process, see `assets/docs/README.md`.

use axum::{
    Router,
    http::{
        HeaderName,
        header::{
            CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    routing::get,
};

const PAGE: &str = include_str!("../../assets/docs/index.html");
const RENDERER: &[u8] = include_bytes!("../../assets/docs/redoc-2.5.4.js.gz");
const LICENSE: &str = include_str!("../../assets/docs/redoc.standalone.js.LICENSE.txt");

/// Hashes of the permitted style sheets, in order: the page's own, the empty one that Redoc fills through the DOM, and
/// the one of its scroll bars. Redoc searches in a worker that it makes from a blob.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; worker-src blob:; \
    style-src 'sha256-IAdwN3biDCQ3brrgp1m8kBEsPQYyqfREKOEfeoREopc=' \
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' \
    'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The path of the renderer has its version, so its content never changes.
const FOREVER: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=31536000, immutable");
const NO_SNIFFING: (HeaderName, &str) = (X_CONTENT_TYPE_OPTIONS, "nosniff");

/// The page, its renderer and the renderer's licence.
pub fn router() -> Router {
    let page = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        NO_SNIFFING,
    ];
    // Every browser accepts gzip.
    let renderer = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CONTENT_ENCODING, "gzip"),
        FOREVER,
        NO_SNIFFING,
    ];
    Router::new()
        .route("/docs", get(async || (page, PAGE)))
        .route("/docs/redoc-2.5.4.js", get(async || (renderer, RENDERER)))
        .route(
            "/docs/redoc.standalone.js.LICENSE.txt",
            get(async || LICENSE),
        )
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use axum::{
        body::{Body, Bytes, to_bytes},
        http::{HeaderMap, Request, StatusCode},
    };
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use flate2::read::GzDecoder;
    use sha2::{Digest as _, Sha256};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn the_page_and_its_renderer_load_from_their_own_host_only() {
        let (headers, _) = fetch("/docs").await;
        assert_eq!(headers[CONTENT_SECURITY_POLICY], POLICY);
        let sources = POLICY.split(' ').filter(|word| word.contains([':', '/']));
        let outside: Vec<_> = sources
            .filter(|source| !source.starts_with("'sha256-"))
            .filter(|source| !["data:;", "blob:;"].contains(source))
            .collect();
        assert!(outside.is_empty(), "{outside:?}");
        assert!(!PAGE.contains("//"), "an address of another host");
        assert_eq!(attribute("spec-url"), "openapi.json");

        let (headers, body) = fetch(&format!("/{}", attribute("src"))).await;
        assert_eq!(headers[CONTENT_ENCODING], "gzip");
        let mut script = String::new();
        GzDecoder::new(&*body).read_to_string(&mut script).unwrap();
        assert!(script.contains("ReDoc") || script.contains("Redoc"));
        assert!(!script.contains("://cdn."), "Redoc loads from another host");
        let notice = "/docs/redoc.standalone.js.LICENSE.txt";
        assert!(fetch(notice).await.1.starts_with(b"The MIT License"));
    }

    #[test]
    fn the_policy_permits_the_style_of_the_page() {
        let (_, style) = PAGE.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
    }

    fn attribute(name: &str) -> &'static str {
        let (_, value) = PAGE.split_once(&format!(" {name}=\"")).unwrap();
        value.split_once('"').unwrap().0
    }

    async fn fetch(path: &str) -> (HeaderMap, Bytes) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (head, body) = router().oneshot(request).await.unwrap().into_parts();
        assert_eq!(head.status, StatusCode::OK, "{path}");
        (head.headers, to_bytes(body, usize::MAX).await.unwrap())
    }
}
