//! Limits of one engine.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an engine may use. Written as an object with the members `memory_mib`, `cpu_millis` and `pids`, each of which may be
/// absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    /// Memory in MiB, 16 to 65,536. There is no swap beyond it.
    pub memory_mib: u32,
    /// Processor time in thousandths of a core, 50 to 64,000.
    pub cpu_millis: u32,
    /// Processes and threads, 4 to 10,000.
    pub pids: u32,
}

/// The value does not say what an engine may use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResources {
    /// Not an object, or one with other members than there are.
    #[error("must be an object with memory_mib, cpu_millis and pids: {0}")]
    Shape(String),
    /// A number is too small or too large.
    #[error("must have {member} from {min} to {max}")]
    Range {
        /// Which one.
        member: &'static str,
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            memory_mib: 256,
            cpu_millis: 1_000,
            pids: 128,
        }
    }
}

impl Resources {
    /// The limits in a stored or given value; absent members have their defaults.
    pub fn parse(value: &Value) -> Result<Self, InvalidResources> {
        if !value.is_object() {
            return Err(InvalidResources::Shape("it is not an object".to_owned()));
        }
        let read: Self = Self::deserialize(value).map_err(|error| {
            InvalidResources::Shape(crate::text::printable(error.to_string().as_bytes(), 200))
        })?;
        for (member, number, min, max) in [
            ("memory_mib", read.memory_mib, 16, 65_536),
            ("cpu_millis", read.cpu_millis, 50, 64_000),
            ("pids", read.pids, 4, 10_000),
        ] {
            if !(min..=max).contains(&number) {
                return Err(InvalidResources::Range { member, min, max });
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_read_with_defaults_and_within_their_ranges() {
        assert_eq!(Resources::parse(&json!({})), Ok(Resources::default()));
        let small = Resources::parse(&json!({"memory_mib": 64, "pids": 10})).unwrap();
        assert_eq!(
            (small.memory_mib, small.cpu_millis, small.pids),
            (64, 1_000, 10)
        );
        for wrong in [
            json!([]),
            json!("64"),
            json!({"memory": 64}),
            json!({"memory_mib": "64"}),
            json!({"memory_mib": -1}),
            json!({"memory_mib": 15}),
            json!({"cpu_millis": 64_001}),
            json!({"pids": 3}),
        ] {
            assert!(Resources::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
