//! The texts of all mails, per language: one file a language, a section a kind, subject first.
//!
//! Text and HTML come from the same section: it is rendered once as it is and once with every value escaped, and the
//! paragraphs of the second are put into one layout. To add a mail: a section of the same name in each file of
//! `templates/`; the tests render every section of every file and name the one that is missing.

mod catalogue;
mod filters;
mod html;

use std::sync::LazyLock;

use galaxy_core::Locale;
use serde::Serialize;

use self::catalogue::Catalogue;
use crate::model::{Content, MAX_SUBJECT, header_line};

/// The kind of the mail with a code to sign in; its context is [`LoginCode`].
pub const LOGIN_CODE: &str = "login_code";

/// What the mail with a code to sign in is made from.
#[derive(Clone, Copy, Serialize)]
pub struct LoginCode<'a> {
    /// The code.
    pub code: &'a str,
    /// For how long it can be used, in minutes.
    pub valid_minutes: u64,
}

/// A mail cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mail {kind} in {locale:?} cannot be rendered: {reason}")]
pub struct RenderError {
    /// Which mail.
    pub kind: String,
    /// In which language.
    pub locale: Locale,
    /// Why: no such section, or a value that the section needs and the context does not have.
    pub reason: String,
}

static CATALOGUE: LazyLock<Result<Catalogue, String>> = LazyLock::new(Catalogue::load);

/// Renders the mail `kind` in `locale` with the values of `context`.
///
/// Beside what the section asks for, the context may hold `display_name` (for the greeting), `time_zone` (IANA, for
/// times; UTC without it) and `unsubscribe_url` (for the footer). A value that a section needs and does not get is an error.
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

/// Whether there is a mail of this kind.
pub fn exists(kind: &str) -> bool {
    CATALOGUE
        .as_ref()
        .is_ok_and(|catalogue| catalogue.kinds().any(|known| known == kind))
}

#[cfg(test)]
mod tests;
