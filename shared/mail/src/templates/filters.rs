//! The filters that sections use: `when` formats a time, `word` looks up a code's word, `link` renders an address.

use galaxy_core::{Timestamp, timezone};
use jiff::tz::TimeZone;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, Value};

use super::words::Words;

/// Registers all filters in `environment`.
pub(super) fn register(environment: &mut Environment<'static>, words: Words) {
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

/// The word for a code in the template's language, or the code itself if the language has no word for it.
fn word(words: &Words, state: &State, code: &str) -> String {
    let tag = state.name().split('/').next().unwrap_or_default();
    words.find(tag, code).unwrap_or(code).to_owned()
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
