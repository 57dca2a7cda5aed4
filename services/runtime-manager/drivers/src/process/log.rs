//! An engine's log: a file that the engine itself appends to.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use bytes::Bytes;

/// How much of the end of a log is read at most, in bytes.
const MAX_TAIL: u64 = 1 << 20;
/// Most lines that are given at once.
const MAX_LINES: u32 = 10_000;

/// Cuts a log that is longer than `limit` bytes to its last half. The engine may go on writing: its file stays the same one,
/// and only what it writes during the cut may be lost.
pub(super) fn trim(log: &Path, limit: u64) -> io::Result<()> {
    let length = match fs::metadata(log) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if length <= limit {
        return Ok(());
    }
    let kept = last_bytes(log, limit / 2)?;
    let mut file = OpenOptions::new().append(true).open(log)?;
    file.set_len(0)?;
    file.write_all(whole_lines(&kept))
}

/// Whether `trim` has anything to do.
pub(super) fn is_over(log: &Path, limit: u64) -> bool {
    fs::metadata(log).is_ok_and(|file| file.len() > limit)
}

/// Makes the log of the last run, if there is one, the previous one.
pub(super) fn set_aside(log: &Path, previous: &Path, limit: u64) -> io::Result<()> {
    trim(log, limit)?;
    match fs::rename(log, previous) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The last `lines` lines, with their line feeds; none if there is no log. At most a mebibyte.
pub(super) fn tail(log: &Path, lines: u32) -> io::Result<Vec<Bytes>> {
    let end = match last_bytes(log, MAX_TAIL) {
        Ok(end) => end,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(error),
    };
    let end = Bytes::from(end);
    let lines = lines.clamp(1, MAX_LINES) as usize;
    let all: Vec<&[u8]> = end.split_inclusive(|byte| *byte == b'\n').collect();
    let kept = &all[all.len().saturating_sub(lines)..];
    Ok(kept.iter().map(|line| end.slice_ref(line)).collect())
}

fn last_bytes(log: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let from = file.metadata()?.len().saturating_sub(bytes);
    file.seek(SeekFrom::Start(from))?;
    let mut end = vec![];
    file.take(bytes).read_to_end(&mut end)?;
    Ok(end)
}

/// Without the rest of a line at the beginning, unless there is nothing else.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if end + 1 < bytes.len() => &bytes[end + 1..],
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_grows_too_long_keeps_its_last_half_and_its_writer() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let open = OpenOptions::new().create(true).append(true).open(&log);
        let mut writer = open.unwrap();
        for line in 0..100 {
            writeln!(writer, "line {line:04}").unwrap();
        }
        trim(&log, 1_000).unwrap();
        assert_eq!(fs::metadata(&log).unwrap().len(), 1_000, "at the limit");
        trim(&log, 999).unwrap();
        writeln!(writer, "after").unwrap();
        let text = fs::read_to_string(&log).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"line 0051"));
        assert_eq!(lines[lines.len() - 2..], ["line 0099", "after"]);
    }

    #[test]
    fn the_tail_is_bounded_in_lines_and_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        assert!(tail(&log, 5).unwrap().is_empty(), "no log");
        fs::write(&log, "one\ntwo\nthree").unwrap();
        assert_eq!(tail(&log, 2).unwrap(), ["two\n", "three"]);
        assert_eq!(tail(&log, 0).unwrap(), ["three"]);
        fs::write(&log, vec![b'x'; 3 << 20]).unwrap();
        let lines = tail(&log, 10_000).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].len(), 1 << 20);
    }
}
