//! Race names: what they may consist of, and when two of them are one name to the eye.

use std::{fmt, sync::LazyLock};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

use crate::text;

/// Fewest characters of a race name.
pub const MIN_LEN: usize = 2;
/// Most characters of a race name.
pub const MAX_LEN: usize = 32;

/// Names that no player can take, besides those that operators reserve.
const RESERVED: [&str; 24] = [
    "admin",
    "administrator",
    "administration",
    "anonymous",
    "bot",
    "deleted",
    "engine",
    "everyone",
    "galaxy",
    "gamemaster",
    "host",
    "mod",
    "moderator",
    "neutral",
    "nobody",
    "none",
    "null",
    "official",
    "operator",
    "root",
    "server",
    "staff",
    "support",
    "system",
];

static RESERVED_KEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| RESERVED.iter().map(|name| canonical(name)).collect());

/// A race name in NFC, with the key that identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaceName {
    name: String,
    canonical: String,
}

/// Why a text is not a race name; the message completes "race_name …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRaceName {
    /// Too short or too long.
    #[error("must have {MIN_LEN} to {MAX_LEN} characters")]
    Length,
    /// Something else than letters, digits and single separators.
    #[error("must consist of letters, digits, spaces, hyphens and apostrophes")]
    Character,
    /// A separator at an end, or two in a row.
    #[error("must not begin or end with a separator, nor have two in a row")]
    Separators,
    /// Letters of several scripts.
    #[error("must keep to one script")]
    MixedScript,
}

impl RaceName {
    /// Takes a name as a player typed it: 2–32 characters after NFC, letters and digits of one script (the single
    /// script of UTS #39, 5.1) that its identifier profile allows, and single spaces, `-` or `'` between them.
    pub fn parse(text: &str) -> Result<Self, InvalidRaceName> {
        if text.len() > MAX_LEN * 16 {
            return Err(InvalidRaceName::Length);
        }
        let name: String = text.nfc().collect();
        if !(MIN_LEN..=MAX_LEN).contains(&name.chars().count()) {
            return Err(InvalidRaceName::Length);
        }
        check_characters(&name)?;
        if !name.as_str().is_single_script() {
            return Err(InvalidRaceName::MixedScript);
        }
        let canonical = canonical(&name);
        Ok(Self { name, canonical })
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Equal for names that read alike.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Whether no player may take it: it looks like a reserved name, or like one of `more`.
    pub fn is_reserved(&self, more: &[String]) -> bool {
        RESERVED_KEYS.contains(&self.canonical)
            || more.iter().any(|name| canonical(name) == self.canonical)
    }
}

impl fmt::Display for RaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

const fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '\'')
}

fn check_characters(name: &str) -> Result<(), InvalidRaceName> {
    let mut after_separator = true;
    for c in name.chars() {
        if is_separator(c) {
            if after_separator {
                return Err(InvalidRaceName::Separators);
            }
            after_separator = true;
            continue;
        }
        let mark = is_combining_mark(c);
        let plain = (c.is_alphanumeric() || mark) && c.identifier_allowed();
        if !plain || (mark && after_separator) || text::is_invisible(c) {
            return Err(InvalidRaceName::Character);
        }
        after_separator = false;
    }
    if after_separator {
        return Err(InvalidRaceName::Separators);
    }
    Ok(())
}

/// The confusable skeleton (UTS #39, 4) of the folded name without its separators, folded again: `Zorg0ns`, `zorgons`
/// and `Ζorgons` with a Greek Zeta have one key.
///
/// A letter that looks like a Latin one only as a capital counts as that one, so a name and its capitals have one key.
pub fn canonical(name: &str) -> String {
    let bare: String = fold(name).chars().filter(|c| !is_separator(*c)).collect();
    let seen: String = bare.nfd().map(looks_like).collect();
    fold(&skeleton(&seen).collect::<String>())
}

fn looks_like(c: char) -> String {
    let as_is = fold(&skeleton(c.encode_utf8(&mut [0; 4])).collect::<String>());
    if as_is.is_ascii() {
        return as_is;
    }
    let capital: String = c.to_uppercase().collect();
    let as_capital = fold(&skeleton(&capital).collect::<String>());
    if as_capital.is_ascii() {
        as_capital
    } else {
        as_is
    }
}

/// NFKC and case folding: by way of the capitals, which also makes `ß` `ss` and the final sigma a sigma.
fn fold(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_read_alike_have_one_key() {
        for (a, b) in [
            ("Zorg0ns", "zorgons"),
            ("Ζorgons", "zorgons"),
            ("ZORGONS", "zorgons"),
            ("Zor-gons", "Z o r'g o n s"),
            ("l0rd", "Lord"),
            ("Modern", "rnodern"),
            ("Fur1es", "furles"),
            ("Атос", "ATOC"),
            ("Straße", "STRASSE"),
            ("Ｚorgons", "zorgons"),
            ("ΖΟΡΑ", "ζορα"),
            ("ΑΣ", "ας"),
        ] {
            assert_eq!(canonical(a), canonical(b), "{a} {b}");
        }
        for (a, b) in [
            ("Zorgons", "Zorgans"),
            ("Lion", "Liom"),
            ("Zörgons", "Zorgons"),
        ] {
            assert_ne!(canonical(a), canonical(b), "{a} {b}");
        }
    }

    #[test]
    fn names_of_many_scripts_are_taken() {
        for name in [
            "Ab",
            "Terrans",
            "O'Neill-2",
            "Die Größten 7",
            "Зорги",
            "Ζοργκονς",
            "星の民",
            "हिन्दी",
            "עם הכוכבים",
        ] {
            assert_eq!(
                RaceName::parse(name)
                    .map(|name| name.to_string())
                    .as_deref(),
                Ok(name)
            );
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused_with_the_reason() {
        use InvalidRaceName::{Character, Length, MixedScript, Separators};
        let long = "x".repeat(33);
        for (text, reason) in [
            ("", Length),
            ("x", Length),
            (long.as_str(), Length),
            (" Zorg", Separators),
            ("Zorg ", Separators),
            ("Zorg--on", Separators),
            ("Zorg '", Separators),
            ("Zorg_on", Character),
            ("Zorg\non", Character),
            ("Zorg\u{200b}on", Character),
            ("Zorg\u{202e}on", Character),
            ("Zorg\u{a0}on", Character),
            ("Zorg🚀", Character),
            ("<b>Zorg", Character),
            ("Ζorgons", MixedScript),
            ("Zоrgons", MixedScript),
        ] {
            assert_eq!(RaceName::parse(text), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn reserved_names_cannot_be_had_in_another_spelling() {
        let own = ["Emperor".to_owned()];
        for name in ["admin", "ADM-IN", "Syst3m", "Nu11", "emper0r"] {
            let reserved = RaceName::parse(name).unwrap().is_reserved(&own);
            assert_eq!(reserved, name != "Syst3m", "{name}");
        }
        assert!(!RaceName::parse("Zorgons").unwrap().is_reserved(&own));
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in "\\PC{0,40}") {
            if let Ok(name) = RaceName::parse(&text) {
                prop_assert!((MIN_LEN..=MAX_LEN).contains(&name.as_str().chars().count()));
                prop_assert!(!name.canonical().is_empty());
                prop_assert!(name.canonical().chars().count() <= 256);
            }
        }

        #[test]
        fn case_and_separators_never_tell_names_apart(
            words in proptest::collection::vec("[a-zа-яα-ω0-9]{1,8}", 1..4),
            separator in "[ '-]",
        ) {
            let plain = words.concat();
            let key = canonical(&plain);
            prop_assert_eq!(&canonical(&words.join(&separator)), &key);
            prop_assert_eq!(&canonical(&plain.to_uppercase()), &key);
        }

        #[test]
        fn a_key_is_its_own_key(name in "[a-zA-Zа-яА-Яα-ωΑ-Ω0-9ß]{1,32}") {
            let key = canonical(&name);
            prop_assert_eq!(canonical(&key), key);
        }
    }
}
