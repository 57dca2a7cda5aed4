//! The filters that sections use: `when` formats a time, `word` looks up a code's word, `link` renders an address, `quote`
//! sets a program's output apart.

use galaxy_core::{Timestamp, timezone};
use jiff::tz::TimeZone;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, Value};

use super::{html, words::Words};

/// Registers all filters in `environment`.
pub(super) fn register(environment: &mut Environment<'static>, words: Words) {
    environment.add_filter("when", when);
    environment.add_filter("link", link);
    environment.add_filter("quote", quote);
    environment.add_filter("word", move |state: &State, code: &str| {
        word(&words, state, code)
    });
}

/// An RFC 3339 time as `2026-01-15 13:00 CET`, in the zone that the context names as `time_zone`, else in UTC.
fn when(state: &State, time: &str) -> Result<String, Error> {
    let time: Timestamp = time
        .parse()
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "`when` takes an RFC 3339 time"))?;
    let zone = state
        .lookup("time_zone")
        .and_then(|name| name.as_str().and_then(timezone::find))
        .unwrap_or(TimeZone::UTC);
    Ok(time
        .to_zoned(zone)
        .strftime("%Y-%m-%d %H:%M %Z")
        .to_string())
}

/// The word for a code in the template's language, or the code itself if the language has no word for it.
fn word(words: &Words, state: &State, code: &str) -> String {
    let tag = state.name().split('/').next().unwrap_or_default();
    words.find(tag, code).unwrap_or(code).to_owned()
}

/// Every line that is not blank behind [`html::QUOTE`], as one paragraph whatever the text contains. HTML escapes it later.
fn quote(text: &str) -> String {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.trim_start().is_empty())
        .map(|line| format!("{}{line}", html::QUOTE))
        .collect();
    lines.join("\n")
}

/// An address: as it is in plain text, as an anchor in HTML.
fn link(state: &State, url: &str) -> Value {
    match state.auto_escape() {
        AutoEscape::Html => {
            let url = HtmlEscape(url);
            Value::from_safe_string(format!("<a href=\"{url}\">{url}</a>"))
        }
        _ => Value::from(url),
    }
}
