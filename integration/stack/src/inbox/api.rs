//! The part of Mailpit's HTTP API (version 1) that scripts use; same paths, same field names.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{mail::Mail, store::Store};

/// Mails on a page unless the request says otherwise, and at most.
const PAGE: usize = 50;
const PAGE_LIMIT: usize = 1_000;

pub fn router(store: Arc<Store>) -> Router {
    Router::new()
        .route("/api/v1/info", get(info))
        .route("/api/v1/messages", get(list).delete(delete))
        .route("/api/v1/search", get(search).delete(delete_found))
        .route("/api/v1/message/{id}", get(message))
        .route("/api/v1/message/{id}/raw", get(raw))
        .route("/api/v1/message/{id}/headers", get(headers))
        .route("/livez", get(StatusCode::OK))
        .route("/readyz", get(StatusCode::OK))
        .with_state(store)
}

type Mails = State<Arc<Store>>;

#[derive(Deserialize)]
struct Page {
    start: Option<usize>,
    limit: Option<usize>,
}

async fn info(State(store): Mails) -> Json<Value> {
    Json(json!({ "Version": "galaxy-stack", "Messages": store.count(), "Unread": 0 }))
}

async fn list(State(store): Mails, Query(page): Query<Page>) -> Json<Value> {
    let all = store.all();
    Json(summaries(&all, all.len(), &page))
}

#[derive(Deserialize)]
struct Search {
    query: String,
    #[serde(flatten)]
    page: SearchPage,
}

/// As text: a flattened query gives every value as text.
#[derive(Deserialize)]
struct SearchPage {
    start: Option<String>,
    limit: Option<String>,
}

async fn search(State(store): Mails, Query(search): Query<Search>) -> Json<Value> {
    let found = store.matching(|mail| matches(mail, &search.query));
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    let page = Page {
        start: number(&search.page.start),
        limit: number(&search.page.limit),
    };
    Json(summaries(&found, store.count(), &page))
}

async fn delete_found(State(store): Mails, Query(search): Query<Search>) -> &'static str {
    store.remove(|mail| matches(mail, &search.query));
    "ok"
}

fn summaries(mails: &[Arc<Mail>], total: usize, page: &Page) -> Value {
    let start = page.start.unwrap_or(0);
    let limit = page.limit.unwrap_or(PAGE).min(PAGE_LIMIT);
    let messages: Vec<Value> = mails
        .iter()
        .skip(start)
        .take(limit)
        .map(|mail| summary(mail))
        .collect();
    json!({
        "total": total,
        "unread": 0,
        "count": messages.len(),
        "messages_count": mails.len(),
        "messages_unread": 0,
        "start": start,
        "tags": [],
        "messages": messages,
    })
}

fn summary(mail: &Mail) -> Value {
    json!({
        "ID": mail.id,
        "MessageID": mail.message_id,
        "Read": true,
        "From": mail.from,
        "To": mail.to,
        "Cc": mail.cc,
        "Bcc": mail.bcc(),
        "ReplyTo": mail.reply_to,
        "Subject": mail.subject,
        "Created": mail.created.to_string(),
        "Username": "",
        "Tags": [],
        "Size": mail.raw.len(),
        "Attachments": mail.attachments,
        "Snippet": mail.snippet(),
    })
}

async fn message(State(store): Mails, Path(id): Path<String>) -> Response {
    let Some(mail) = store.get(&id) else {
        return not_found();
    };
    let links: Vec<&str> = mail
        .header("List-Unsubscribe")
        .unwrap_or_default()
        .split(',')
        .filter_map(|link| link.trim().strip_prefix('<')?.strip_suffix('>'))
        .collect();
    Json(json!({
        "ID": mail.id,
        "MessageID": mail.message_id,
        "From": mail.from,
        "To": mail.to,
        "Cc": mail.cc,
        "Bcc": mail.bcc(),
        "ReplyTo": mail.reply_to,
        "ReturnPath": mail.return_path,
        "Subject": mail.subject,
        "ListUnsubscribe": {
            "Header": mail.header("List-Unsubscribe").unwrap_or_default(),
            "Links": links,
            "Errors": "",
            "HeaderPost": mail.header("List-Unsubscribe-Post").unwrap_or_default(),
        },
        "Date": mail.date.to_string(),
        "Tags": [],
        "Username": "",
        "Text": mail.text,
        "HTML": mail.html,
        "Size": mail.raw.len(),
        "Inline": [],
        "Attachments": [],
    }))
    .into_response()
}

async fn raw(State(store): Mails, Path(id): Path<String>) -> Response {
    match store.get(&id) {
        Some(mail) => (
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            mail.raw.clone(),
        )
            .into_response(),
        None => not_found(),
    }
}

async fn headers(State(store): Mails, Path(id): Path<String>) -> Response {
    let Some(mail) = store.get(&id) else {
        return not_found();
    };
    let mut all: Map<String, Value> = Map::new();
    for (name, value) in &mail.headers {
        let values = all.entry(name.as_str()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(value.as_str().into());
        }
    }
    Json(Value::Object(all)).into_response()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Delete {
    #[serde(rename = "IDs", alias = "ids")]
    ids: Vec<String>,
}

/// Without ids all mails are deleted.
async fn delete(State(store): Mails, body: Bytes) -> Response {
    let ids = match body.as_ref() {
        b"" => Vec::new(),
        body => match serde_json::from_slice::<Delete>(body) {
            Ok(delete) => delete.ids,
            Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        },
    };
    store.remove(|mail| ids.is_empty() || ids.contains(&mail.id));
    "ok".into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found").into_response()
}

/// Every word of the query must be found: `to:`, `from:`, `subject:` in their field, others anywhere.
fn matches(mail: &Mail, query: &str) -> bool {
    words(query).iter().all(|word| {
        let (field, text) = word.split_once(':').unwrap_or(("", word));
        match field {
            "to" | "addressed" => mail.recipients.iter().any(|one| contains(one, text)),
            "from" => contains(&mail.from.address, text) || contains(&mail.from.name, text),
            "subject" => contains(&mail.subject, text),
            "message-id" => contains(&mail.message_id, text),
            _ => [&mail.subject, &mail.text, &mail.from.address]
                .into_iter()
                .chain(&mail.recipients)
                .any(|field| contains(field, word)),
        }
    })
}

fn contains(field: &str, lower: &str) -> bool {
    field.to_lowercase().contains(lower)
}

/// The query in lower case, split at white space outside quotes, without the quotes.
fn words(query: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in query.to_lowercase().chars() {
        match character {
            '"' => quoted = !quoted,
            space if space.is_whitespace() && !quoted => words.push(String::new()),
            other => words
                .last_mut()
                .into_iter()
                .for_each(|word| word.push(other)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_query_must_match_in_its_field() {
        let raw = b"From: galaxy@x.org\r\nSubject: Your code\r\n\r\n123456".to_vec();
        let mail = Mail::read("galaxy@x.org".into(), vec!["Ada@x.org".into()], raw);
        for (query, expected) in [
            ("to:ada@x.org", true),
            ("to:\"ada@x.org\" subject:\"your code\"", true),
            ("to:galaxy@x.org", false),
            ("from:galaxy 123456", true),
            ("subject:123456", false),
            ("", true),
        ] {
            assert_eq!(matches(&mail, query), expected, "{query}");
        }
    }
}
