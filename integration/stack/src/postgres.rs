//! Postgres: found or fetched, its data directory made, started, probed, stopped.

mod data;
mod probe;
mod start;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions,
};

use crate::{
    env, program::Program, server::Server, server_options::ServerOptions, sources::Failures,
};
use data::DATABASE;

const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A Postgres that answers.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
}

/// A database of a server.
#[derive(Debug, Clone)]
pub struct Database {
    pub name: String,
    pub url: String,
}

impl Database {
    /// Runs statements in it, for tests that put something there by hand.
    pub async fn execute(&self, sql: &'static str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url).await?;
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Whose engines its games have; `None` before its first start.
    pub async fn deployment(&self) -> Result<Option<String>> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let table = "select to_regclass('backend.deployment') is not null";
        let known: bool = sqlx::query_scalar(table).fetch_one(&mut connection).await?;
        let deployment = if known {
            let row = sqlx::query_scalar("select deployment_id from backend.deployment");
            row.fetch_optional(&mut connection).await?
        } else {
            None
        };
        connection.close().await?;
        Ok(deployment)
    }

    /// Brings it to the newest of the migrations in `dir`.
    pub async fn migrate(&self, dir: &Path) -> Result<()> {
        let migrator = Migrator::new(dir)
            .await
            .with_context(|| format!("cannot read {}", dir.display()))?;
        let mut connection = PgConnection::connect(&self.url).await?;
        migrator
            .run(&mut connection)
            .await
            .context("a migration failed")?;
        Ok(connection.close().await?)
    }
}

impl Postgres {
    /// The server at `given` if there is one, else started from the first source that works.
    pub async fn provide(options: &ServerOptions, given: Option<String>) -> Result<Self> {
        let server = Self::server(options, given).await?;
        Ok(Self { server })
    }

    async fn server(options: &ServerOptions, given: Option<String>) -> Result<Server> {
        if let Some(url) = given {
            let version = probe::version(&url).await?;
            return Ok(Server::external(start::NAME, url, &version));
        }
        let mut failures = Failures::default();
        if let Some((source, dir)) = failures.first(&start::SOURCES, options) {
            return start::program(options, source, &dir).await;
        }
        match start::container(options).await {
            Ok(server) => Ok(server),
            Err(why) => {
                failures.note("container", format_args!("{why:#}"));
                Err(failures.into_error(start::NAME, env::POSTGRES_URL))
            }
        }
    }

    /// A directory with Postgres' programs: `pg_dump`, `pg_restore`, …
    pub(crate) fn programs(options: &ServerOptions) -> Result<PathBuf> {
        let mut failures = Failures::default();
        match failures.first(&start::SOURCES, options) {
            Some((_, dir)) => Ok(dir),
            None => Err(failures.into_error(start::NAME, env::POSTGRES_URL)),
        }
    }

    /// URL of the server, naming a database that exists.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Source and version, for people.
    pub fn origin(&self) -> &str {
        self.server.origin()
    }

    /// The server's process, if this stack started one.
    pub fn program(&mut self) -> Option<&mut Program> {
        self.server.program()
    }

    /// The stack's own database `galaxy`, made if it is missing; a given URL names its own.
    pub async fn own_database(&self) -> Result<Database> {
        if self.server.is_external() {
            let options = PgConnectOptions::from_str(self.url())?;
            let name = options.get_database().unwrap_or("postgres").to_owned();
            return Ok(Database {
                name,
                url: self.url().to_owned(),
            });
        }
        let url = naming(self.url(), DATABASE);
        match probe::answers(&url).await {
            Ok(()) => Ok(Database {
                name: DATABASE.to_owned(),
                url,
            }),
            Err(_) => self.create_database(DATABASE).await,
        }
    }

    /// A new, empty database.
    pub async fn create_database(&self, name: &str) -> Result<Database> {
        let mut connection = PgConnection::connect(self.url())
            .await
            .context("cannot reach Postgres")?;
        let sql = format!("create database \"{name}\"");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(Database {
            name: name.to_owned(),
            url: naming(self.url(), name),
        })
    }

    /// Removes a database and closes every connection to it.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        let mut connection = PgConnection::connect(self.url()).await?;
        let sql = format!("drop database if exists \"{name}\" with (force)");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// Closes every connection to a database; new ones are accepted. Returns how many there were.
    pub async fn cut_connections(&self, name: &str) -> Result<usize> {
        let mut connection = PgConnection::connect(self.url()).await?;
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
        let cut = sqlx::query(sql).bind(name).execute(&mut connection).await?;
        connection.close().await?;
        Ok(usize::try_from(cut.rows_affected())?)
    }

    /// Stops the server if this stack started it.
    pub async fn stop(&mut self) -> Result<()> {
        self.server.stop(STOP_WITHIN).await
    }

    /// Kills the server as a crash would; this stack must have started it.
    pub async fn kill(&mut self) -> Result<()> {
        self.server.kill().await
    }

    /// Starts it again, on the same port with the same data.
    pub async fn start_again(&mut self) -> Result<()> {
        let url = self.url().to_owned();
        let program = self.server.own_program()?;
        *program = start::until_ready(&url, || program.start_again()).await?;
        Ok(())
    }
}

/// The URL with another database; its parameters stay.
pub fn naming(url: &str, database: &str) -> String {
    let (address, parameters) = url
        .split_once('?')
        .map_or((url, None), |(a, p)| (a, Some(p)));
    let host = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[host..]
        .find('/')
        .map_or(address.len(), |path| host + path);
    let parameters = parameters.map_or_else(String::new, |parameters| format!("?{parameters}"));
    format!("{}/{database}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_another_database_and_keeps_the_rest() {
        for (url, expected) in [
            ("postgres://u:p@h:1/a", "postgres://u:p@h:1/b"),
            ("postgres://h", "postgres://h/b"),
            (
                "postgresql://h/a?sslmode=require",
                "postgresql://h/b?sslmode=require",
            ),
        ] {
            assert_eq!(naming(url, "b"), expected);
        }
    }
}
