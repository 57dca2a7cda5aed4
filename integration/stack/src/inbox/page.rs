//! The HTML pages: a list that refreshes itself, and a view of one mail. The content of a mail is not
//! trusted: all of it is escaped, and its HTML is shown in a sandboxed frame.

use std::{fmt::Write, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};

use super::{mail::Mail, store::Store};

/// Rows of the list.
const ROWS: usize = 200;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;\
color:#222;background:#fff}table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;\
border-bottom:1px solid #ddd;vertical-align:top}td:first-child{white-space:nowrap;color:#666}\
pre{white-space:pre-wrap;background:#f6f6f6;padding:1rem}iframe{width:100%;height:30rem;border:1px solid #ddd}\
.faint{color:#666}a{color:#0b57d0;text-decoration:none}";

pub fn router(store: Arc<Store>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/view/{id}", get(view))
        .with_state(store)
}

async fn list(State(store): State<Arc<Store>>) -> Response {
    let mails = store.all();
    let mut rows = String::new();
    for mail in mails.iter().take(ROWS) {
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td><a href=\"/view/{}\">{}</a><br><span class=\"faint\">{}</span></td></tr>",
            escape(&mail.created.strftime("%H:%M:%S").to_string()),
            escape(&mail.recipients.join(", ")),
            escape(&mail.id),
            escape(if mail.subject.is_empty() {
                "(no subject)"
            } else {
                &mail.subject
            }),
            escape(&mail.snippet()),
        );
    }
    let body = format!(
        "<h1>Inbox</h1><p class=\"faint\">{} caught mails, newest first. Times are UTC.</p>\
         <table><tr><th>at</th><th>to</th><th>subject</th></tr>{rows}</table>",
        mails.len()
    );
    page(
        "Inbox",
        "<meta http-equiv=\"refresh\" content=\"3\">",
        &body,
    )
}

async fn view(State(store): State<Arc<Store>>, Path(id): Path<String>) -> Response {
    let Some(mail) = store.get(&id) else {
        let mut response = page(
            "Inbox",
            "",
            "<p>This mail is gone. <a href=\"/\">Inbox</a></p>",
        );
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    page(&mail.subject, "", &body(&mail))
}

fn body(mail: &Mail) -> String {
    let mut headers = String::new();
    for (name, value) in &mail.headers {
        let _ = write!(
            headers,
            "<tr><td>{}</td><td>{}</td></tr>",
            escape(name),
            escape(value)
        );
    }
    let html = if mail.html.is_empty() {
        String::new()
    } else {
        format!(
            "<h2>HTML</h2><iframe sandbox srcdoc=\"{}\"></iframe>",
            escape(&mail.html)
        )
    };
    format!(
        "<p><a href=\"/\">Inbox</a> · <a href=\"/api/v1/message/{}/raw\">source</a></p><h1>{}</h1>\
         <p>to {}</p><pre>{}</pre>{html}<h2>Headers</h2><table>{headers}</table>",
        escape(&mail.id),
        escape(&mail.subject),
        escape(&mail.recipients.join(", ")),
        escape(&mail.text),
    )
}

fn page(title: &str, head: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">{head}\
         <title>{}</title><style>{STYLE}</style>{body}</html>",
        escape(title)
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

/// For text and for attributes in double quotes.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_mail_reaches_the_page_unescaped() {
        let evil = "<script>alert(1)</script>\"'&";
        let raw = format!(
            "Subject: {evil}\r\nX-Evil: {evil}\r\nContent-Type: text/html\r\n\r\n<img src=x onerror=\"{evil}\">"
        );
        let mail = Mail::read(evil.into(), vec![evil.into()], raw.into_bytes());
        let page = body(&mail);
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
        assert!(page.contains("&lt;img src=x"), "{page}");
    }
}
