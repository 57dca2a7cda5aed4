//! Rules for user names and passwords of operators, and the limits on guesses. Pure.

use std::time::Duration;

use crate::throttle::Rule;

/// The fewest characters of a password.
pub const PASSWORD_MIN: usize = 12;
/// The most bytes of a password, so that hashing takes bounded time.
pub const PASSWORD_MAX: usize = 256;

/// Wrong passwords for one user name, from everywhere.
pub const GUESSES_PER_ACCOUNT: Rule = Rule {
    bucket: "admin.guess.account",
    limit: 10,
    window: Duration::from_mins(1),
};
/// Wrong passwords from one address, for all user names.
pub const GUESSES_PER_ADDRESS: Rule = Rule {
    bucket: "admin.guess.address",
    limit: 10,
    window: Duration::from_mins(1),
};

/// Wrong passwords for one user name from an address that has given the right one before. Each such pair has its own
/// budget, so that guesses from other addresses do not delay the operator.
pub const GUESSES_FROM_KNOWN_ADDRESS: Rule = Rule {
    bucket: "admin.guess.known",
    limit: 10,
    window: Duration::from_mins(1),
};
/// A user name and an address from which the right password was given; remembered for 30 days from the last time.
pub const KNOWN_ADDRESS: Rule = Rule {
    bucket: "admin.known",
    limit: 1,
    window: Duration::from_hours(30 * 24),
};

/// `Ok` if `name` is 1–64 of lower-case letters, digits, `.`, `_` and `-`, and begins with a letter or digit.
pub fn check_username(name: &str) -> Result<(), &'static str> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fine = (1..=64).contains(&name.len())
        && name.bytes().next().is_some_and(inner)
        && name.bytes().all(|b| inner(b) || b"._-".contains(&b));
    if fine {
        Ok(())
    } else {
        Err("must be 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")
    }
}

/// `Ok` if `password` has 12 characters or more, at most 256 bytes, and no control characters.
pub fn check_password(password: &str) -> Result<(), &'static str> {
    if password.len() > PASSWORD_MAX || password.chars().count() < PASSWORD_MIN {
        Err("must have 12 characters or more and at most 256 bytes")
    } else if password.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_plain_and_lower_case() {
        for good in ["a", "root", "ops-2", "a.b_c"] {
            assert!(check_username(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "Root", "a b", "a:b", "ä", "a\0"] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
        assert!(check_username(&"a".repeat(65)).is_err());
    }

    #[test]
    fn short_long_and_unprintable_passwords_are_refused() {
        assert!(check_password("correct horse").is_ok());
        assert!(check_password("short").is_err());
        assert!(check_password(&"x".repeat(257)).is_err());
        assert!(check_password("correct\0horse").is_err());
    }
}
