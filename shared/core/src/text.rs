//! Text that people type and other people read: what is allowed in it.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Why a text is refused; the message completes "display_name …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Fewer or more visible characters than allowed.
    #[error("must have {min} to {max} visible characters")]
    Length {
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// A control, bidi or zero-width character.
    #[error("must not contain control, direction or invisible characters")]
    Invisible,
    /// White space at an end.
    #[error("must not begin or end with a space")]
    Edges,
    /// More than two combining marks on one character.
    #[error("must not stack more than two marks on one character")]
    Marks,
}

/// A single line such as a display or game name: NFC, `min` to `max` visible characters, nothing invisible.
pub fn line(text: &str, min: usize, max: usize) -> Result<String, InvalidText> {
    let text = bounded_nfc(text, min, max)?;
    if text.chars().any(is_invisible) {
        return Err(InvalidText::Invisible);
    }
    checked(text, min, max)
}

/// Text of several lines such as a description or a message: as [`line`], but with line feeds and tabs.
pub fn paragraph(text: &str, max: usize) -> Result<String, InvalidText> {
    let text = bounded_nfc(&text.replace("\r\n", "\n"), 0, max)?;
    if text
        .chars()
        .any(|c| is_invisible(c) && c != '\n' && c != '\t')
    {
        return Err(InvalidText::Invisible);
    }
    checked(text.trim_end().to_owned(), 0, max)
}

/// A text from a machine (an engine, a driver, a mail relay) made harmless: at most `max` characters, every invisible or
/// control character but line feed and tab replaced by U+FFFD, what is not UTF-8 likewise. Never fails; what is cut off
/// is replaced by one `…`.
pub fn printable(bytes: &[u8], max: usize) -> String {
    // A character has at most four bytes, so that a flood costs no more than what is kept.
    let kept = &bytes[..bytes.len().min(max.saturating_mul(4))];
    let text = String::from_utf8_lossy(kept);
    let mut harmless = text.chars().map(|c| {
        let plain = c == '\n' || c == '\t' || !is_invisible(c);
        if plain {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    });
    let mut printable: String = harmless.by_ref().take(max).collect();
    if harmless.next().is_some() || kept.len() < bytes.len() {
        printable.pop();
        printable.push('…');
    }
    printable
}

/// NFC of a text that is not absurdly long, so that a flood costs nothing.
fn bounded_nfc(text: &str, min: usize, max: usize) -> Result<String, InvalidText> {
    if text.len() > max.saturating_mul(16) {
        return Err(InvalidText::Length { min, max });
    }
    Ok(text.nfc().collect())
}

fn checked(text: String, min: usize, max: usize) -> Result<String, InvalidText> {
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(InvalidText::Edges);
    }
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > 2 {
            return Err(InvalidText::Marks);
        }
    }
    let visible = text.chars().filter(|c| !is_combining_mark(*c)).count();
    if (min..=max).contains(&visible) {
        Ok(text)
    } else {
        Err(InvalidText::Length { min, max })
    }
}

/// Controls, bidi controls, zero-width and other characters that show nothing (Unicode `Default_Ignorable` and `Cf`),
/// line and paragraph separators, private use and non-characters.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e000}'..='\u{f8ff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_text_is_made_printable_and_bounded() {
        assert_eq!(printable(b"exit 1\n\tat main", 100), "exit 1\n\tat main");
        assert_eq!(
            printable("a\0b\u{202e}c\x1b[1m".as_bytes(), 100),
            "a\u{fffd}b\u{fffd}c\u{fffd}[1m"
        );
        assert_eq!(printable(b"\xffx", 100), "\u{fffd}x");
        assert_eq!(printable("äöü".as_bytes(), 3), "äöü");
        assert_eq!(printable("äöüß".as_bytes(), 3), "äö…");
        assert_eq!(printable(&[b'x'; 10_000], 3), "xx…");
        assert_eq!(printable(&[0; 10_000], 3).chars().count(), 3);
    }

    #[test]
    fn a_name_is_brought_to_nfc_and_counted_by_what_is_seen() {
        assert_eq!(line("Zoe\u{308}", 1, 3).as_deref(), Ok("Zo\u{eb}"));
        assert_eq!(
            line("", 1, 30),
            Err(InvalidText::Length { min: 1, max: 30 })
        );
        assert_eq!(
            line(&"x".repeat(31), 1, 30),
            Err(InvalidText::Length { min: 1, max: 30 })
        );
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for text in [
            "a\0b",
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{feff}a",
            "a\nb",
            "a\u{e0041}",
        ] {
            assert_eq!(line(text, 1, 30), Err(InvalidText::Invisible), "{text:?}");
        }
        assert_eq!(line(" a", 1, 30), Err(InvalidText::Edges));
        assert_eq!(line("a\u{a0}", 1, 30), Err(InvalidText::Edges));
        assert_eq!(
            line("a\u{301}\u{302}\u{303}\u{304}", 1, 30),
            Err(InvalidText::Marks)
        );
    }

    #[test]
    fn a_paragraph_may_have_lines() {
        assert_eq!(paragraph("one\r\ntwo\n", 20).as_deref(), Ok("one\ntwo"));
        assert_eq!(paragraph("one\u{202e}", 20), Err(InvalidText::Invisible));
    }
}
