//! `/docs`: the REST document as a page to read. Made from the document itself; needs no script and no other host.

use std::fmt::Write as _;

use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
h2{margin-top:3rem;border-bottom:1px solid #d0d7de}details{border:1px solid #d0d7de;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}\
summary{cursor:pointer}code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f6f8fa;padding:.8rem;overflow:auto;border-radius:6px}\
table{border-collapse:collapse;width:100%}td,th{border:1px solid #d0d7de;padding:.3rem .6rem;text-align:left;vertical-align:top}\
.method{font-weight:700;text-transform:uppercase;display:inline-block;min-width:4rem}\
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22}a{color:#58a6ff}}";

/// The page for `document`.
pub fn page(document: &Value) -> String {
    let mut out = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    let info = &document["info"];
    let title = escape(text(&info["title"]));
    let _ = write!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title} {}</h1><p>{}</p><p>The same as <a href=\"/openapi.yaml\">YAML</a> and \
         <a href=\"/openapi.json\">JSON</a>.</p>",
        escape(text(&info["version"])),
        escape(text(&info["description"])),
    );
    for tag in items(&document["tags"]) {
        let name = text(&tag["name"]);
        let _ = write!(
            out,
            "<h2>{}</h2><p>{}</p>",
            escape(name),
            escape(text(&tag["description"]))
        );
        for (path, method, operation) in operations(document) {
            if items(&operation["tags"]).iter().any(|of| text(of) == name) {
                write_operation(&mut out, path, method, operation);
            }
        }
    }
    out.push_str("<h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in members(&document["components"]["schemas"]) {
        let name = escape(name);
        let _ = write!(
            out,
            "<details id=\"{name}\"><summary><code>{name}</code> {}</summary>{}</details>",
            escape(text(&schema["description"])),
            json(schema)
        );
    }
    out.push_str("</body></html>");
    out
}

fn write_operation(out: &mut String, path: &str, method: &str, operation: &Value) {
    let id = escape(text(&operation["operationId"]));
    let _ = write!(
        out,
        "<details id=\"{id}\"><summary><span class=\"method\">{}</span> <code>{}</code> {}</summary><p>{}</p>\
         <p>Operation <code>{id}</code></p>",
        escape(method),
        escape(path),
        escape(text(&operation["summary"])),
        escape(text(&operation["description"])),
    );
    let parameters = items(&operation["parameters"]);
    if !parameters.is_empty() {
        out.push_str("<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>");
        for parameter in parameters {
            let _ = write!(
                out,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escape(text(&parameter["name"])),
                escape(text(&parameter["in"])),
                escape(text(&parameter["description"])),
            );
        }
        out.push_str("</table>");
    }
    for (media_type, content) in members(&operation["requestBody"]["content"]) {
        let _ = write!(
            out,
            "<p>Request, <code>{}</code>: {}</p>",
            escape(media_type),
            schema(&content["schema"])
        );
    }
    out.push_str("<table><tr><th>Status</th><th>Meaning</th><th>Body</th></tr>");
    for (status, response) in members(&operation["responses"]) {
        let body = members(&response["content"]).into_iter().next();
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(status),
            escape(text(&response["description"])),
            body.map_or_else(String::new, |(_, content)| schema(&content["schema"])),
        );
    }
    out.push_str("</table></details>");
}

/// A link to a named schema, or the schema itself.
fn schema(schema: &Value) -> String {
    match schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        Some(name) => format!("<a href=\"#{0}\"><code>{0}</code></a>", escape(name)),
        None => json(schema),
    }
}

fn json(value: &Value) -> String {
    format!(
        "<pre>{}</pre>",
        escape(&serde_json::to_string_pretty(value).unwrap_or_default())
    )
}

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    members(&document["paths"])
        .into_iter()
        .flat_map(|(path, item)| {
            members(item)
                .into_iter()
                .map(move |(method, operation)| (path, method, operation))
        })
        .collect()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members(value: &Value) -> Vec<(&str, &Value)> {
    value
        .as_object()
        .map(|object| {
            object
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .collect()
        })
        .unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_operation_and_needs_no_other_host() {
        let document = serde_json::to_value(crate::routes::document()).unwrap();
        let page = page(&document);
        for (_, _, operation) in operations(&document) {
            let id = format!("<details id=\"{}\">", text(&operation["operationId"]));
            assert!(page.contains(&id), "{id}");
        }
        assert!(!page.contains("<script") && !page.contains("src=\"http"));
    }

    #[test]
    fn what_the_document_says_cannot_become_markup() {
        let document =
            serde_json::json!({ "info": { "title": "<b>&\"" }, "paths": {}, "tags": [] });
        assert!(page(&document).contains("&lt;b&gt;&amp;&quot;"));
    }
}
