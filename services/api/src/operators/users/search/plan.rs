//! Which index a search of accounts goes by. Pure.
//!
//! The most selective filter leads and gives the order; the others narrow what it finds. Each way has its own cursor, so
//! that one way's cursor is refused by another.

use galaxy_core::{EmailAddress, UserId};

use crate::accounts::model::SanctionCode;

/// What to search for; what is absent does not narrow.
#[derive(Debug, Default)]
pub struct Filter {
    /// Beginning of the normalised address.
    pub email: Option<String>,
    /// Beginning of the display name or of the user name, in lower case.
    pub name: Option<String>,
    /// The account itself.
    pub user_id: Option<UserId>,
    /// Country of the first sign-in.
    pub country: Option<String>,
    /// A sanction that is active.
    pub sanction: Option<SanctionCode>,
}

/// The filter that leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// One account.
    Id,
    /// In the order of addresses.
    Email,
    /// In the order of names.
    Name,
    /// In the order of ids, which is that of creation.
    Sanction,
    /// The newest first.
    Country,
    /// The newest first.
    Newest,
}

impl Filter {
    /// The way that is fastest for this filter.
    pub fn lead(&self) -> Lead {
        // Few accounts have a sanction; many have addresses and names that begin alike.
        let whole_address = self.email.as_ref().is_some_and(|email| email.contains('@'));
        if self.user_id.is_some() {
            Lead::Id
        } else if whole_address {
            Lead::Email
        } else if self.sanction.is_some() {
            Lead::Sanction
        } else if self.email.is_some() {
            Lead::Email
        } else if self.name.is_some() {
            Lead::Name
        } else if self.country.is_some() {
            Lead::Country
        } else {
            Lead::Newest
        }
    }
}

impl Lead {
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

/// All texts that begin with `prefix` lie, byte by byte, in `prefix..end`.
pub fn end_of_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// An address, or the beginning of one, as identities are written.
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
    fn the_most_selective_filter_leads() {
        let mut filter = Filter::default();
        assert_eq!(filter.lead(), Lead::Newest);
        filter.country = Some("AT".into());
        assert_eq!(filter.lead(), Lead::Country);
        filter.name = Some("a".into());
        assert_eq!(filter.lead(), Lead::Name);
        filter.email = Some("a".into());
        assert_eq!(filter.lead(), Lead::Email);
        filter.sanction = Some(SanctionCode::LoginBlock);
        assert_eq!(filter.lead(), Lead::Sanction);
        filter.email = Some("a@example.org".into());
        assert_eq!(filter.lead(), Lead::Email);
        filter.user_id = Some(UserId::generate());
        assert_eq!(filter.lead(), Lead::Id);
    }

    proptest! {
        #[test]
        fn a_range_holds_just_what_begins_with_its_prefix(prefix in "[a-zß-я]{1,4}", text in "[a-zß-я]{0,6}") {
            let inside = *prefix <= *text && *text < *end_of_prefix(&prefix);
            prop_assert_eq!(inside, text.starts_with(&prefix));
        }
    }
}
