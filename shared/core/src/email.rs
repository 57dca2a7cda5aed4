//! E-mail addresses: what we accept, and when two of them are the same person's.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Longest address that is accepted, in bytes (RFC 5321, 4.5.3.1.3: a path of 256 with its brackets).
pub const MAX_LEN: usize = 254;

/// An address in its two forms. `Debug` shows neither, since addresses do not belong in logs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    typed: String,
    identity: String,
}

/// Why a text is not taken as an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Longer than [`MAX_LEN`].
    #[error("must be at most {MAX_LEN} bytes long")]
    TooLong,
    /// Not `local@domain` in the form we send to.
    #[error("must be an e-mail address such as name@example.org")]
    Malformed,
}

impl EmailAddress {
    /// Takes an address as a person typed it: trimmed and brought to NFC.
    ///
    /// The local part is an RFC 5322 dot-atom of at most 64 bytes (RFC 6531 letters allowed), the domain a
    /// name of at least two labels in ASCII or Unicode letters. No quotes, comments, brackets or controls: what could
    /// break out of a mail header cannot be written.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        if text.len() > 4 * MAX_LEN {
            return Err(InvalidEmail::TooLong);
        }
        let typed: String = text.trim().nfc().collect();
        if typed.len() > MAX_LEN {
            return Err(InvalidEmail::TooLong);
        }
        let (local, domain) = typed.rsplit_once('@').ok_or(InvalidEmail::Malformed)?;
        if !is_local_part(local) || !is_domain(domain) {
            return Err(InvalidEmail::Malformed);
        }
        let identity = typed.to_lowercase().nfc().collect();
        Ok(Self { typed, identity })
    }

    /// The form to send to: as typed, but trimmed and normalised.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The form that is compared: all lower case.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// `@domain` of the identity, the form in which a whole domain is blocked.
    pub fn at_domain(&self) -> &str {
        self.identity
            .rfind('@')
            .map_or("", |at| &self.identity[at..])
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

fn is_local_part(local: &str) -> bool {
    let atom = |c: char| {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_plain_unicode(c)
    };
    local.len() <= 64
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(atom))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || is_plain_unicode(c))
    };
    domain.contains('.')
        && domain.split('.').all(label)
        && domain
            .rsplit('.')
            .next()
            .is_some_and(|tld| tld.chars().any(char::is_alphabetic))
}

/// Letters, digits and marks outside ASCII; never controls, spaces, zero-width or bidi characters.
fn is_plain_unicode(c: char) -> bool {
    !c.is_ascii() && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_white_space_do_not_make_another_person() {
        let address = EmailAddress::parse("  Ada.Lovelace@Example.ORG ").unwrap();
        assert_eq!(address.typed(), "Ada.Lovelace@Example.ORG");
        assert_eq!(address.identity(), "ada.lovelace@example.org");
        assert_eq!(address.at_domain(), "@example.org");
    }

    #[test]
    fn international_addresses_are_taken() {
        for text in ["ada@münchen.example", "üser@example.org", "иван@пример.рф"] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_address_or_could_break_a_header_is_refused() {
        for text in [
            "",
            "@",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.de",
            "a@b..de",
            ".a@b.de",
            "a.@b.de",
            "a@-b.de",
            "a@b.de\r\nBcc: x@y.z",
            "a\0@b.de",
            "a@b.de,c@d.ef",
            "<a@b.de>",
            "\"a\"@b.de",
            "a\u{202e}@b.de",
            "a\u{200b}@b.de",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
        ] {
            assert_eq!(
                EmailAddress::parse(text),
                Err(InvalidEmail::Malformed),
                "{text:?}"
            );
        }
        let long = format!("a@{}.de", "b.".repeat(130));
        assert_eq!(EmailAddress::parse(&long), Err(InvalidEmail::TooLong));
        assert_eq!(
            EmailAddress::parse(&format!("{}@b.de", "a".repeat(65))),
            Err(InvalidEmail::Malformed)
        );
    }

    #[test]
    fn an_address_does_not_show_in_debug_output() {
        let address = EmailAddress::parse("ada@example.org").unwrap();
        assert!(!format!("{address:?}").contains("ada"));
    }
}
