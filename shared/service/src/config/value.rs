//! The kinds of text that a variable can hold.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use jiff::{Span, SpanRelativeTo};

/// A type that is read from the text of a variable.
pub trait Value: Sized {
    /// What to write, for `--help` and for errors: `a duration such as 10m`.
    const EXPECTED: &'static str;

    /// The value, or `None` if `text` is not one.
    fn parse(text: &str) -> Option<Self>;
}

/// A number of bytes, written `512`, `64KiB` or `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub usize);

impl Value for ByteSize {
    const EXPECTED: &'static str = "a size such as 64KiB";

    fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match text[digits.len()..].trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        digits.parse::<usize>().ok()?.checked_mul(unit).map(Self)
    }
}

impl Value for Duration {
    const EXPECTED: &'static str = "a duration such as 500ms, 20s or 10m";

    fn parse(text: &str) -> Option<Self> {
        let span: Span = text.parse().ok()?;
        span.to_duration(SpanRelativeTo::days_are_24_hours())
            .ok()?
            .try_into()
            .ok()
    }
}

impl<T: Value> Value for Vec<T> {
    const EXPECTED: &'static str = "a list with commas";

    fn parse(text: &str) -> Option<Self> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(T::parse)
            .collect()
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "1 or 0";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        }
    }
}

macro_rules! parsed {
    ($($type:ty: $expected:literal),+ $(,)?) => {$(
        impl Value for $type {
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )+};
}

parsed! {
    String: "a text",
    PathBuf: "a path",
    u16: "a whole number",
    u32: "a whole number",
    u64: "a whole number",
    usize: "a whole number",
    SocketAddr: "an address such as 127.0.0.1:8080",
    ipnet::IpNet: "a network such as 10.0.0.0/8",
    http::Uri: "a URL",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_carry_their_units() {
        assert_eq!(Duration::parse("10m"), Some(Duration::from_mins(10)));
        assert_eq!(Duration::parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(Duration::parse("7d"), Some(Duration::from_hours(7 * 24)));
        for wrong in ["", "10", "-5s", "soon"] {
            assert_eq!(Duration::parse(wrong), None, "{wrong}");
        }
        assert_eq!(ByteSize::parse("64KiB"), Some(ByteSize(65_536)));
        for wrong in ["", "KiB", "64kb", "-1", "99999999999999999999GiB"] {
            assert_eq!(ByteSize::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_list_may_be_empty_but_not_half_wrong() {
        assert_eq!(Vec::<u16>::parse("1, 2,3"), Some(vec![1, 2, 3]));
        assert_eq!(Vec::<u16>::parse(""), Some(vec![]));
        assert_eq!(Vec::<u16>::parse("1,x"), None);
    }
}
