//! The variables of every process that uses Postgres.

use galaxy_service::{Secret, Section, Vars, config::Value};

/// How to reach Postgres, and which process migrates the schema.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// `postgres://user:password@host/database`.
    pub url: Secret,
    /// The most connections the pool opens.
    pub max_connections: u32,
    /// Whether this process migrates the schema or waits for another to do it.
    pub migrate: MigrateMode,
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
    /// Reads the section; `migrate` is the default of `BACKEND_MIGRATE`, `apply` or `wait`.
    pub fn read_with(vars: &mut Vars, migrate: &'static str) -> Option<Self> {
        let url = vars.secret(
            "BACKEND_POSTGRES_URL",
            "The database, as postgres://user:password@host/name",
        );
        let max_connections = vars.or(
            "BACKEND_POSTGRES_MAX_CONNECTIONS",
            "16",
            "The most connections this process opens",
        );
        let migrate = vars.or(
            "BACKEND_MIGRATE",
            migrate,
            "apply: bring the schema up to date; wait: until another process has",
        );
        Some(Self {
            url: url?,
            max_connections: max_connections?,
            migrate: migrate?,
        })
    }
}

impl Section for PostgresConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        Self::read_with(vars, "wait")
    }
}
