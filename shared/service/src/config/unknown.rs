//! Variables that look like settings and are none: a mistyped name must not leave a default in force.

/// The settings of all processes, a name a line, since processes may share an environment. `cargo xtask configuration` writes it.
const OF_ALL_PROCESSES: &str = include_str!("names.txt");

/// The nearest setting to `name`, if `name` looks like a setting and is neither one of `own` nor of another process.
pub(super) fn nearest<'a>(name: &str, own: &[&'a str]) -> Option<&'a str> {
    if !is_setting_like(name) {
        return None;
    }
    let known = || own.iter().copied().chain(OF_ALL_PROCESSES.lines());
    let plain = name.strip_suffix("_FILE").unwrap_or(name);
    if known().any(|known| known == name || known == plain) || is_made_by_kubernetes(name) {
        return None;
    }
    known().min_by_key(|known| distance(plain, known))
}

fn is_setting_like(name: &str) -> bool {
    name.starts_with("BACKEND_") || name.starts_with("GATEWAY_")
}

/// Kubernetes gives containers the addresses of services: `GATEWAY_PORT`, `GATEWAY_SERVICE_HOST`, `GATEWAY_PORT_8443_TCP_ADDR`.
fn is_made_by_kubernetes(name: &str) -> bool {
    let numbered = name.split("_PORT_").skip(1);
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || numbered
            .into_iter()
            .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Letters to insert, remove or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_setting_is_answered_with_the_nearest() {
        let own = ["BACKEND_GATEWAY_TOKEN", "BACKEND_LOG"];
        assert_eq!(nearest("BACKEND_GATEWAY_TOKN", &own), Some(own[0]));
        assert_eq!(nearest("BACKEND_GATEWAY_TOKN_FILE", &own), Some(own[0]));
        assert_eq!(nearest("BACKEND_LOGS", &own), Some(own[1]));
        assert_eq!(nearest("BACKEND_LOG", &own), None);
        assert_eq!(nearest("BACKEND_GATEWAY_TOKEN_FILE", &own), None);
        assert_eq!(nearest("GALAXY_LOG", &own), None);
    }

    #[test]
    fn settings_of_other_processes_and_addresses_by_kubernetes_are_passed_over() {
        for name in [
            "BACKEND_SMTP_URL",
            "GATEWAY_LISTEN_ADDR",
            "GATEWAY_PORT",
            "GATEWAY_SERVICE_HOST",
            "GATEWAY_SERVICE_PORT_GRPC",
            "GATEWAY_PORT_8443_TCP_ADDR",
        ] {
            assert_eq!(nearest(name, &["BACKEND_LOG"]), None, "{name}");
        }
        assert!(nearest("GATEWAY_PORT_OPS", &["BACKEND_LOG"]).is_some());
    }

    #[test]
    fn the_distance_counts_letters() {
        for (a, b, letters) in [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abcd", "acbd", 2),
            ("ab", "b", 1),
        ] {
            assert_eq!(distance(a, b), letters, "{a} {b}");
        }
    }
}
