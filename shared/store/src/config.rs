//! The variables of every process that uses Postgres.

use std::time::Duration;

use galaxy_service::{
    Secret, Section, Vars,
    config::{RotatingSecret, Value},
};

use crate::grants::RoleName;

/// How to reach Postgres, and which process migrates the schema.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// `postgres://user:password@host/database`. Read again from its file when Postgres refuses it.
    pub url: RotatingSecret,
    /// The most connections the pool opens.
    pub max_connections: u32,
    /// How long a statement of the pool may take.
    pub statement_timeout: Duration,
    /// How long a statement of the pool waits for a lock that another transaction holds.
    pub lock_timeout: Duration,
    /// Whether this process migrates the schema or waits for another to do it.
    pub migrate: MigrateMode,
    /// The role of the processes, if it is not the one that migrates.
    pub runtime_role: Option<RuntimeRole>,
}

/// The role that processes work with. The process that migrates grants it reading and writing rows.
#[derive(Debug, Clone)]
pub struct RuntimeRole {
    /// Its name.
    pub name: RoleName,
    /// What it logs in with if it is to be made.
    pub password: Option<Secret>,
}

/// Which process brings the schema to the expected migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrateMode {
    /// This process.
    Apply,
    /// Another one; this process waits for it.
    Wait,
}

impl Value for MigrateMode {
    const EXPECTED: &'static str = "apply or wait";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "apply" => Some(Self::Apply),
            "wait" => Some(Self::Wait),
            _ => None,
        }
    }
}

impl PostgresConfig {
    /// A process that waits for another to migrate, with the default limits and a pool of `max_connections`.
    pub fn new(url: impl Into<RotatingSecret>, max_connections: u32) -> Self {
        Self {
            url: url.into(),
            max_connections,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            migrate: MigrateMode::Wait,
            runtime_role: None,
        }
    }

    /// Reads the section; `migrate` is the default of `BACKEND_MIGRATE`, `apply` or `wait`, and `max_connections` that of
    /// `BACKEND_POSTGRES_MAX_CONNECTIONS`.
    pub fn read_with(
        vars: &mut Vars,
        migrate: &'static str,
        max_connections: &'static str,
    ) -> Option<Self> {
        let url = vars.rotating_secret(
            "BACKEND_POSTGRES_URL",
            "The database, as postgres://user:password@host/name; a file is read again when Postgres refuses the password",
        );
        let max_connections = vars.or(
            "BACKEND_POSTGRES_MAX_CONNECTIONS",
            max_connections,
            "The most connections the pool of this process opens; one or two more are opened beside it",
        );
        let statement_timeout = vars.or(
            "BACKEND_POSTGRES_STATEMENT_TIMEOUT",
            "30s",
            "How long a statement may take; 0s for no limit. Migrations and maintenance have none",
        );
        let lock_timeout = vars.or(
            "BACKEND_POSTGRES_LOCK_TIMEOUT",
            "5s",
            "How long a statement waits for a lock; 0s for no limit",
        );
        let migrate = vars.or(
            "BACKEND_MIGRATE",
            migrate,
            "apply: bring the schema up to date; wait: until another process has",
        );
        Some(Self {
            url: url?,
            max_connections: max_connections?,
            statement_timeout: statement_timeout?,
            lock_timeout: lock_timeout?,
            migrate: migrate?,
            runtime_role: None,
        })
    }
}

impl RuntimeRole {
    /// Reads the section, for what migrates. The outer `None` is a problem that was recorded.
    pub fn read(vars: &mut Vars) -> Option<Option<Self>> {
        let name = vars.optional(
            "BACKEND_POSTGRES_RUNTIME_ROLE",
            "Role that the processes work with, if it is not the one that migrates: it is granted reading and writing rows",
        );
        let password = vars.optional_secret(
            "BACKEND_POSTGRES_RUNTIME_PASSWORD",
            "If set, that role is made with this password if there is none",
        );
        match (name?, password?) {
            (Some(name), password) => Some(Some(Self { name, password })),
            (None, None) => Some(None),
            (None, Some(_)) => vars.problem(
                "BACKEND_POSTGRES_RUNTIME_PASSWORD",
                "is the password of BACKEND_POSTGRES_RUNTIME_ROLE, which is not set",
            ),
        }
    }
}

impl Section for PostgresConfig {
    /// For a process that does not migrate.
    fn read(vars: &mut Vars) -> Option<Self> {
        Self::read_with(vars, "wait", "8")
    }
}
