//! The words of the runtime: what can be done to an engine, and the states of operations and records.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(type_name = "text")]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] #[sqlx(rename = $text)] $word,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// As it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What an operation does to a game's engine.
    Op {
        /// Brings the engine up and sets the game up in it.
        Start = "start",
        /// Stops the engine; its state stays.
        Stop = "stop",
        /// Stops the engine if it runs, and runs it again on its state.
        Restart = "restart",
        /// Runs the engine's newer patch version on its state.
        Patch = "patch",
        /// Generates one turn.
        Turn = "turn",
        /// Takes a race out of the game.
        Banish = "banish",
        /// Removes the engine for good; its state stays for operators.
        Remove = "remove",
    }
}

words! {
    /// How far an operation is.
    OperationStatus {
        /// Waits to be claimed.
        Queued = "queued",
        /// A runtime manager works on it under a lease.
        Running = "running",
        /// It did what it was to do.
        Succeeded = "succeeded",
        /// It was given up.
        Failed = "failed",
        /// It is no longer wanted.
        Cancelled = "cancelled",
    }
}

words! {
    /// The state of a game's runtime.
    RuntimeStatus {
        /// The engine is being brought up for the first time.
        Starting = "starting",
        /// The engine runs, the schedule goes on.
        Running = "running",
        /// A turn is being generated; players wait.
        GenerationInProgress = "generation_in_progress",
        /// A turn could not be generated; the schedule stands still until somebody resumes it.
        GenerationFailed = "generation_failed",
        /// The engine does not answer its health probe.
        EngineUnreachable = "engine_unreachable",
        /// The engine runs, the schedule stands still.
        Paused = "paused",
        /// The engine was stopped and can be started again.
        Stopped = "stopped",
        /// The engine is gone.
        Removed = "removed",
        /// The game came to its end.
        Finished = "finished",
        /// The engine could not be brought up.
        StartFailed = "start_failed",
    }
}

impl RuntimeStatus {
    /// Whether an engine is to be there.
    pub const fn has_engine(self) -> bool {
        matches!(
            self,
            Self::Running
                | Self::GenerationInProgress
                | Self::GenerationFailed
                | Self::EngineUnreachable
                | Self::Paused
        )
    }

    /// Whether the game goes on by its schedule.
    pub const fn is_playing(self) -> bool {
        matches!(
            self,
            Self::Running | Self::GenerationInProgress | Self::EngineUnreachable
        )
    }
}

words! {
    /// What the health probe last found.
    EngineHealth {
        /// Nothing yet.
        Unknown = "unknown",
        /// The engine answers.
        Healthy = "healthy",
        /// It missed several probes in a row.
        Unreachable = "unreachable",
    }
}

/// Why a start or a turn failed, in words an owner understands.
pub mod failure {
    /// The engine's image is not to be had.
    pub const IMAGE_PULL_FAILED: &str = "image_pull_failed";
    /// The engine did not come up.
    pub const CONTAINER_START_FAILED: &str = "container_start_failed";
    /// The engine came up but does not answer.
    pub const ENGINE_UNHEALTHY: &str = "engine_unhealthy";
    /// The engine refuses the roster.
    pub const INIT_REJECTED: &str = "init_rejected";
    /// The engine did not answer a call.
    pub const ENGINE_UNREACHABLE: &str = "engine_unreachable";
    /// The engine took too long over a call.
    pub const ENGINE_TIMEOUT: &str = "engine_timeout";
    /// The engine refused a call, or answered what the contract does not allow.
    pub const ENGINE_REFUSED: &str = "engine_refused";
    /// The runtime manager failed.
    pub const INTERNAL: &str = "internal";
}
