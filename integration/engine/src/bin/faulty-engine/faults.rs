//! What can be asked for, and where it is read from.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// The exit code of a process whose faults cannot be read.
const UNREADABLE: i32 = 64;

/// All faults of an engine.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    pub start: Start,
    pub calls: Vec<Rule>,
}

/// What goes wrong when the process begins.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Start {
    /// Before it listens and tells its port.
    delay_ms: u64,
    pub ignore_sigterm: bool,
    /// Processes that do nothing and stay.
    pub children: u32,
    /// Ends by itself.
    pub exit: Option<Exit>,
    /// Written to the log at once.
    pub log_bytes: usize,
    /// Taken and kept.
    pub memory_bytes: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    pub after_ms: u64,
    pub code: i32,
}

impl Start {
    pub fn delay(&self) -> Option<Duration> {
        (self.delay_ms > 0).then(|| Duration::from_millis(self.delay_ms))
    }
}

/// A fault of some calls.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub on: Call,
    /// How many calls of this process it spoils; all if left out.
    #[serde(default)]
    pub times: Option<u32>,
    pub fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    Any,
    Healthz,
    Init,
    Status,
    Turn,
    Banish,
    Command,
    Order,
    Report,
}

impl Call {
    /// The call of a path; `Any` for paths outside the contract.
    pub fn of(path: &str) -> Self {
        match path {
            "/healthz" => Self::Healthz,
            "/api/v1/admin/init" => Self::Init,
            "/api/v1/admin/status" => Self::Status,
            "/api/v1/admin/turn" => Self::Turn,
            "/api/v1/admin/race/banish" => Self::Banish,
            "/api/v1/command" => Self::Command,
            "/api/v1/order" => Self::Order,
            "/api/v1/report" => Self::Report,
            _ => Self::Any,
        }
    }
}

/// What a call does instead of what it should.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Fault {
    /// Nothing goes wrong; keeps later rules off.
    None,
    /// Never answers. Nothing is carried out.
    Hang,
    /// Is carried out after this many milliseconds.
    DelayMs(u64),
    /// Answers this. Nothing is carried out.
    Answer(Answer),
    /// Is carried out, and answers this.
    AnswerAfter(Answer),
    /// Answers 200 with a JSON text of so many bytes. Nothing is carried out.
    LargeBytes(usize),
    /// Closes the connection in the middle of the answer. Nothing is carried out.
    Cut,
    /// Is carried out, and closes the connection in the middle of the answer.
    CutAfter,
    /// Is carried out; the answer's JSON is changed by a merge patch (RFC 7396).
    Merge(serde_json::Value),
    /// Is carried out; the answer has a field `noise` with another number each time.
    Noise,
    /// Is carried out; a status says a turn that is so many ahead of the true one.
    TurnsAhead(i64),
    /// Is carried out; a status has another roster.
    Roster(Roster),
    /// Answers 202 with a status that says `generating`, and never generates.
    Generating,
    /// Answers 202 and then says `failed`. For `turn` and `status`.
    TurnFailed(String),
    /// The process ends with this code. Nothing is carried out.
    Exit(i32),
    /// The process ends with this code once the call is carried out.
    ExitAfter(i32),
    /// Is carried out, and writes so many bytes to the log.
    LogBytes(usize),
    /// Is carried out, and takes so much memory for good.
    MemoryBytes(usize),
    /// Is carried out, and starts so many processes that stay.
    Children(u32),
}

/// An answer that does not come from the game. The content type is JSON unless `headers` has another one.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub status: u16,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Roster {
    /// The last player is gone.
    Missing,
    /// The first player has another race name.
    Renamed,
    /// The first player is there twice.
    Doubled,
    /// A player is there whom nobody knows.
    Foreign,
    /// The first player has another id.
    OtherId,
    /// The second player has the id of the first.
    SameId,
}

/// Where faults are read from.
#[derive(Debug)]
pub struct Source {
    file: PathBuf,
    variable: Option<String>,
}

impl Source {
    pub fn new(state_dir: &Path) -> Self {
        Self {
            file: state_dir.join("faults.json"),
            variable: variable(),
        }
    }

    /// The faults as they are now. Unreadable ones end the process.
    pub fn read(&self) -> Faults {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.variable.clone(),
            Err(error) => give_up(&error),
        };
        let Some(text) = text else {
            return Faults::default();
        };
        serde_json::from_str(&text).unwrap_or_else(|error| give_up(&error))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the settings reader of the platform is not used by engines"
)]
fn variable() -> Option<String> {
    std::env::var("ENGINE_FAULTS").ok()
}

fn give_up(error: &dyn std::error::Error) -> ! {
    tracing::error!(%error, "the faults cannot be read");
    std::process::exit(UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_program_can_be_read_and_a_misspelt_one_cannot() {
        let example: String = include_str!("main.rs")
            .lines()
            .skip_while(|line| *line != "//! ```json")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!"))
            .collect();
        let faults: Faults = serde_json::from_str(&example).unwrap();
        assert_eq!((faults.calls.len(), faults.start.children), (2, 2));
        for wrong in [
            r#"{"call": []}"#,
            r#"{"calls": [{"on": "turns", "fault": "hang"}]}"#,
            r#"{"calls": [{"on": "turn", "fault": "hangs"}]}"#,
            r#"{"calls": [{"on": "turn", "fault": "hang", "time": 1}]}"#,
        ] {
            assert!(serde_json::from_str::<Faults>(wrong).is_err(), "{wrong}");
        }
    }
}
