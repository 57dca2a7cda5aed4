//! The words for codes such as `login_block`, from the section `words` of each language file.

use std::collections::BTreeMap;

use galaxy_core::Locale;

/// The words of all languages, by language tag and code.
#[derive(Default)]
pub(super) struct Words(BTreeMap<(&'static str, &'static str), &'static str>);

impl Words {
    /// Adds the words of one language; each line is `code = word`.
    pub(super) fn add(&mut self, locale: Locale, lines: &'static str) {
        let words = lines.lines().filter_map(|line| line.split_once('='));
        self.0
            .extend(words.map(|(code, word)| ((locale.as_str(), code.trim()), word.trim())));
    }

    /// The word for `code` in the language with this tag.
    pub(super) fn find(&self, tag: &str, code: &str) -> Option<&str> {
        let words: &BTreeMap<(&str, &str), &str> = &self.0;
        words.get(&(tag, code)).copied()
    }
}
