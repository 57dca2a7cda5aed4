//! Programs that are already on this machine, and how new they are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Major and minor.
pub type Version = (u32, u32);

/// The oldest Postgres that works.
pub const POSTGRES_SINCE: Version = (15, 0);
/// The oldest NATS server that works.
pub const NATS_SINCE: Version = (2, 10);

/// The path of `name` on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Directories with `initdb` and `postgres`: those on `PATH` first, then where distributions keep
/// several releases side by side, the newest first.
pub fn postgres_dirs() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = on_path("initdb")
        .and_then(|file| file.canonicalize().ok())
        .and_then(|file| file.parent().map(Path::to_owned))
        .into_iter()
        .collect();
    let mut releases: Vec<(u32, PathBuf)> = ["/usr/lib/postgresql", "/usr/local/pgsql"]
        .iter()
        .filter_map(|dir| fs::read_dir(dir).ok())
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    releases.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    dirs.extend(releases.into_iter().map(|(_, dir)| dir));
    dirs.retain(|dir| dir.join("initdb").is_file() && dir.join("postgres").is_file());
    dirs
}

/// The version in the output of `program --version`.
pub fn version_of(program: &Path) -> Option<Version> {
    let mut command = Command::new(program);
    let output = command
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| parse_version(&String::from_utf8_lossy(&output.stdout)))?
}

/// The first number of a text that looks like a version (`18.6`, `v2.15.1`, `18`) with what follows it.
pub fn parse_version(text: &str) -> Option<Version> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.trim_start_matches('v').split('.');
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next().map_or(0, leading_number);
        Some((major, minor))
    })
}

fn leading_number(text: &str) -> u32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_output_of_programs() {
        for (text, version) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
                Some((15, 18)),
            ),
            ("postgres (PostgreSQL) 19beta1", None),
            ("nats-server: v2.15.1", Some((2, 15))),
            ("nats-server: v2.9.10", Some((2, 9))),
            ("2.10.0-RC.1", Some((2, 10))),
            ("no version here", None),
        ] {
            assert_eq!(parse_version(text), version, "{text}");
        }
        assert!(
            (2, 9) < NATS_SINCE && (2, 15) >= NATS_SINCE,
            "compared number by number"
        );
    }
}
