//! Languages: what players ask for (BCP 47) and what we can write in.

use serde::{Deserialize, Serialize};

/// A language that mails and pages exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "lowercase")
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English, also for languages without texts.
    #[default]
    En,
    /// German.
    De,
    /// Russian.
    Ru,
}

impl Locale {
    /// Every language there is.
    pub const ALL: [Self; 3] = [Self::En, Self::De, Self::Ru];

    /// The language's BCP 47 tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Ru => "ru",
        }
    }

    /// The best match for a BCP 47 tag by its primary subtag (RFC 4647 lookup), English if there is none.
    pub fn best_match(tag: &str) -> Self {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|locale| locale.as_str().eq_ignore_ascii_case(primary))
            .unwrap_or_default()
    }

    /// Whether `tag` has the shape of a BCP 47 tag: subtags of 1–8 letters or digits, at most 35 characters in all.
    pub fn is_tag(tag: &str) -> bool {
        let subtag =
            |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        tag.len() <= 35
            && tag.split('-').all(subtag)
            && tag
                .split('-')
                .next()
                .is_some_and(|s| s.bytes().all(|b| b.is_ascii_alphabetic()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_subtag_decides_and_english_is_the_rest() {
        for (tag, locale) in [
            ("de-AT", Locale::De),
            ("RU", Locale::Ru),
            ("en-GB", Locale::En),
            ("fr", Locale::En),
            ("", Locale::En),
        ] {
            assert_eq!(Locale::best_match(tag), locale, "{tag}");
        }
    }

    #[test]
    fn only_what_looks_like_a_tag_is_one() {
        for (tag, ok) in [
            ("en", true),
            ("zh-Hant-TW", true),
            ("", false),
            ("en_US", false),
            ("1e", false),
            ("en-", false),
        ] {
            assert_eq!(Locale::is_tag(tag), ok, "{tag}");
        }
    }
}
