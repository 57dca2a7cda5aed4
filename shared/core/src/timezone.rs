//! Time zones by their IANA names.

use jiff::tz::TimeZone;

/// The zone named `name` as the IANA database knows it, or `None`. Names longer than 64 bytes are not looked up.
///
/// Case does not matter on the way in; the zone's own spelling is what to store ([`canonical_name`]).
pub fn find(name: &str) -> Option<TimeZone> {
    let plausible = name.len() <= 64
        && !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if plausible {
        TimeZone::get(name).ok()
    } else {
        None
    }
}

/// The database's spelling of `name`, or `None` if it is not a zone.
pub fn canonical_name(name: &str) -> Option<String> {
    find(name)?.iana_name().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_iana_names_are_zones() {
        assert_eq!(
            canonical_name("Europe/Berlin").as_deref(),
            Some("Europe/Berlin")
        );
        assert_eq!(
            canonical_name("europe/berlin").as_deref(),
            Some("Europe/Berlin")
        );
        assert_eq!(canonical_name("UTC").as_deref(), Some("UTC"));
        for name in [
            "",
            "Mars/Olympus",
            "+02:00",
            "../../etc/passwd",
            "Europe/Berlin\0",
        ] {
            assert_eq!(canonical_name(name), None, "{name:?}");
        }
    }
}
