//! What sections can do with values: write a time, a code's word, a link.

use std::sync::Arc;

use galaxy_core::{Timestamp, timezone};
use jiff::tz::TimeZone;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, Value};

use super::catalogue::Words;

pub(super) fn add(environment: &mut Environment<'static>, words: Arc<Words>) {
    environment.add_filter("when", when);
    environment.add_filter("link", link);
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

/// The word of the section's language for a code; a code without one stands for itself.
fn word(words: &Words, state: &State, code: &str) -> String {
    let locale = state.name().split('/').next().unwrap_or_default();
    words
        .iter()
        .find(|((of, known), _)| *of == locale && *known == code)
        .map_or_else(|| code.to_owned(), |(_, word)| (*word).to_owned())
}

/// An address: bare in text, an anchor in HTML.
fn link(state: &State, url: &str) -> Value {
    match state.auto_escape() {
        AutoEscape::Html => {
            let url = HtmlEscape(url);
            Value::from_safe_string(format!("<a href=\"{url}\">{url}</a>"))
        }
        _ => Value::from(url),
    }
}
