//! Which index a search of accounts reads. Pure.
//!
//! The most selective filter chooses the index and with it the order; the other filters are applied to the rows it finds.
//! Each access path has its own cursors and refuses those of the others.

use galaxy_core::{EmailAddress, UserId};

use crate::accounts::model::SanctionCode;

/// What to search for; an absent filter matches every account.
#[derive(Debug, Default)]
pub struct Filter {
    /// Beginning of the normalised address.
    pub email: Option<String>,
    /// Beginning of the display name or of the user name, in lower case.
    pub name: Option<String>,
    pub user_id: Option<UserId>,
    /// Country of the first sign-in.
    pub country: Option<String>,
    /// A sanction that is active.
    pub sanction: Option<SanctionCode>,
}

/// The index that a search reads, named after its filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessPath {
    Id,
    /// Ordered by address.
    Email,
    /// Ordered by name.
    Name,
    /// Ordered by id, which is the order of creation.
    Sanction,
    /// The newest first.
    Country,
    /// The newest first.
    Newest,
}

impl Filter {
    /// The path that reads the fewest rows for this filter.
    pub fn access_path(&self) -> AccessPath {
        // Few accounts have a sanction; many addresses and names share a prefix.
        let whole_address = self.email.as_ref().is_some_and(|email| email.contains('@'));
        if self.user_id.is_some() {
            AccessPath::Id
        } else if whole_address {
            AccessPath::Email
        } else if self.sanction.is_some() {
            AccessPath::Sanction
        } else if self.email.is_some() {
            AccessPath::Email
        } else if self.name.is_some() {
            AccessPath::Name
        } else if self.country.is_some() {
            AccessPath::Country
        } else {
            AccessPath::Newest
        }
    }
}

impl AccessPath {
    /// The name of the list in cursors.
    pub const fn list(self) -> &'static str {
        match self {
            Self::Id => "users.id",
            Self::Email => "users.email",
            Self::Name => "users.name",
            Self::Sanction => "users.sanction",
            Self::Country => "users.country",
            Self::Newest => "users.newest",
        }
    }
}

/// The end of the range `prefix..end` that holds all texts which begin with `prefix`, compared by bytes.
pub fn end_of_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// An address, or the beginning of one, in the normalised form of identities.
pub fn email_prefix(text: &str) -> String {
    EmailAddress::parse(text).map_or_else(
        |_| text.trim().to_lowercase(),
        |address| address.identity().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_most_selective_filter_chooses_the_index() {
        let mut filter = Filter::default();
        assert_eq!(filter.access_path(), AccessPath::Newest);
        filter.country = Some("AT".into());
        assert_eq!(filter.access_path(), AccessPath::Country);
        filter.name = Some("a".into());
        assert_eq!(filter.access_path(), AccessPath::Name);
        filter.email = Some("a".into());
        assert_eq!(filter.access_path(), AccessPath::Email);
        filter.sanction = Some(SanctionCode::LoginBlock);
        assert_eq!(filter.access_path(), AccessPath::Sanction);
        filter.email = Some("a@example.org".into());
        assert_eq!(filter.access_path(), AccessPath::Email);
        filter.user_id = Some(UserId::generate());
        assert_eq!(filter.access_path(), AccessPath::Id);
    }

    proptest! {
        #[test]
        fn a_range_holds_exactly_the_texts_that_begin_with_its_prefix(prefix in "[a-zß-я]{1,4}", text in "[a-zß-я]{0,6}") {
            let inside = *prefix <= *text && *text < *end_of_prefix(&prefix);
            prop_assert_eq!(inside, text.starts_with(&prefix));
        }
    }
}
