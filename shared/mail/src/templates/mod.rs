//! The texts of all mails: one file per language in `templates/`, one section per kind of mail, its subject first.
//!
//! Text and HTML are rendered from the same section, the HTML with every value escaped and inside `layout.html`. To add a
//! mail, add a section of the same name to each file; the tests render every section in every language.

mod catalogue;
mod filters;
mod html;
mod words;

use std::sync::LazyLock;

use galaxy_core::Locale;
use serde::Serialize;

use self::catalogue::Catalogue;
use crate::model::{Content, MAX_SUBJECT, header_line};

/// The kind of the mail with a sign-in code; its context is [`LoginCode`].
pub const LOGIN_CODE: &str = "login_code";

/// The context of the mail with a sign-in code.
#[derive(Clone, Copy, Serialize)]
pub struct LoginCode<'a> {
    /// The code that the user types.
    pub code: &'a str,
    /// The time in minutes until it expires.
    pub valid_minutes: u64,
}

/// Why a mail cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mail {kind} in {locale:?} cannot be rendered: {reason}")]
pub struct RenderError {
    /// The kind of mail.
    pub kind: String,
    /// The language.
    pub locale: Locale,
    /// There is no such section, or the context lacks a value that the section uses.
    pub reason: String,
}

static CATALOGUE: LazyLock<Result<Catalogue, String>> = LazyLock::new(Catalogue::load);

/// Renders the mail `kind` in `locale` with the values of `context`.
///
/// Besides the values of the section, the context may contain `display_name` (for the greeting), `time_zone` (IANA, for
/// times; UTC without it) and `unsubscribe_url` (for the footer). A missing value of the section is an error.
pub fn render(
    kind: &str,
    locale: Locale,
    context: &impl Serialize,
) -> Result<Content, RenderError> {
    let fail = |reason: String| RenderError {
        kind: kind.to_owned(),
        locale,
        reason,
    };
    let catalogue = CATALOGUE.as_ref().map_err(|reason| fail(reason.clone()))?;
    let rendered = catalogue.render(kind, locale, context).map_err(fail)?;
    Ok(Content {
        subject: header_line(&rendered.subject, MAX_SUBJECT),
        text: rendered.text,
        html: Some(rendered.html),
    })
}

#[cfg(test)]
mod tests;
