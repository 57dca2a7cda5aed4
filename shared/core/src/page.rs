//! Keyset pagination: every list is ordered by a key, and a cursor is the last key of a page.
//!
//! A cursor is opaque to callers (base64url of JSON) and carries the name of its list, so that a cursor of another
//! list, a forged or a cut one is refused instead of giving a wrong page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How many items a page holds: 1 to 200, 50 if the caller does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The most a page can hold.
    pub const MAX: u16 = 200;
    /// What a page holds when the caller does not say.
    pub const DEFAULT: Self = Self(50);

    /// `None` if `limit` is outside 1–200.
    pub fn new(limit: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&limit).then_some(Self(limit))
    }

    /// One more than the page holds: the extra row shows that there is a next page.
    pub const fn probe(self) -> i64 {
        self.0 as i64 + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The text is not a cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this list gave; start again without it")]
pub struct InvalidCursor;

/// Encodes and decodes the cursors of one list. `K` is the key the list is ordered by.
pub struct Cursor;

impl Cursor {
    /// The longest cursor text that is looked at, in bytes.
    pub const MAX_LEN: usize = 512;

    /// The opaque text for `key` of the list named `list`.
    pub fn encode<K: Serialize>(list: &str, key: &K) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(list, key)).unwrap_or_default())
    }

    /// The key to go on after, or `None` for the first page.
    pub fn after<K: DeserializeOwned>(
        list: &str,
        cursor: Option<&str>,
    ) -> Result<Option<K>, InvalidCursor> {
        cursor.map(|text| Self::decode(list, text)).transpose()
    }

    /// The key in `text`, if `list` gave it.
    pub fn decode<K: DeserializeOwned>(list: &str, text: &str) -> Result<K, InvalidCursor> {
        if text.len() > Self::MAX_LEN {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (of, key): (String, K) = serde_json::from_slice(&bytes).map_err(|_| InvalidCursor)?;
        if of == list {
            Ok(key)
        } else {
            Err(InvalidCursor)
        }
    }
}

/// One page of a list, as every list answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Give it as `cursor` for the page after this one; `null` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts `rows`, read with [`Limit::probe`], to a page; `key` gives an item's place in the order.
    pub fn cut<K: Serialize>(
        mut rows: Vec<T>,
        limit: Limit,
        list: &str,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let more = rows.len() > usize::from(limit.0);
        rows.truncate(usize::from(limit.0));
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .map(|last| Cursor::encode(list, &key(last)));
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// The same page with each item changed by `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_page_names_the_next_one_and_the_last_does_not() {
        let limit = Limit::new(2).unwrap();
        let page = Page::cut(vec![1, 2, 3], limit, "numbers", |n| *n);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(
            Cursor::decode::<i32>("numbers", &page.next_cursor.unwrap()),
            Ok(2)
        );
        assert_eq!(
            Page::cut(vec![1, 2], limit, "numbers", |n| *n).next_cursor,
            None
        );
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = Cursor::encode("games", &7);
        assert_eq!(Cursor::decode::<i32>("users", &cursor), Err(InvalidCursor));
    }

    proptest! {
        #[test]
        fn no_text_makes_decoding_panic(text in ".{0,600}") {
            let _ = Cursor::decode::<(i64, String)>("games", &text);
        }

        #[test]
        fn every_key_survives_the_round_trip(at: i64, name in ".{0,40}") {
            let cursor = Cursor::encode("games", &(at, &name));
            prop_assert_eq!(Cursor::decode::<(i64, String)>("games", &cursor), Ok((at, name)));
        }
    }
}
