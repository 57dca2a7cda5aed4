//! Postgres: found or fetched, its data directory made, started, asked, stopped.

mod data;
mod start;

use std::{path::Path, str::FromStr, time::Duration};

use anyhow::{Context, Result, bail};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions,
};

use crate::{
    docker::Container,
    env,
    ports::Port,
    program::Program,
    programs,
    provision::{PassedOver, Wanted},
};

/// Role and database of servers that we start.
const NAME: &str = "galaxy";
const READY_WITHIN: Duration = Duration::from_mins(1);
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// A Postgres that answers.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    origin: String,
    server: Server,
    _port: Option<Port>,
}

#[derive(Debug)]
enum Server {
    Given,
    Program(Box<Program>),
    Container { _container: Container },
}

/// A database on it.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
}

impl Database {
    /// Runs statements in it, for tests that put something there by hand.
    pub async fn execute(&self, sql: &'static str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url).await?;
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

impl Postgres {
    /// Gets a Postgres going: `given` if there is one, else from the first source that works.
    pub async fn provide(wanted: &Wanted, given: Option<String>) -> Result<Self> {
        if let Some(url) = given {
            let origin = format!("given, version {}", check(&url).await?);
            return Ok(Self {
                url,
                origin,
                server: Server::Given,
                _port: None,
            });
        }
        let mut passed_over = PassedOver::default();
        for (source, find) in start::SOURCES {
            let dir = match find(wanted) {
                Ok(dir) => dir,
                Err(why) => {
                    passed_over.note(source, format!("{why:#}"));
                    continue;
                }
            };
            return start::program(wanted, source, &dir).await;
        }
        match start::container(wanted).await {
            Ok(postgres) => Ok(postgres),
            Err(why) => {
                passed_over.note("container", format!("{why:#}"));
                Err(passed_over.into_error("Postgres", env::POSTGRES_URL))
            }
        }
    }

    /// URL of the server, naming a database that exists.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it came from, for people.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The server's process, if it is ours.
    pub fn program(&mut self) -> Option<&mut Program> {
        match &mut self.server {
            Server::Program(program) => Some(program),
            _ => None,
        }
    }

    /// The stack's own database `galaxy`, made if it is missing; a given URL names its own.
    pub async fn own_database(&self) -> Result<Database> {
        if matches!(self.server, Server::Given) {
            let options = PgConnectOptions::from_str(&self.url)?;
            let name = options.get_database().unwrap_or("postgres").to_owned();
            return Ok(Database {
                name,
                url: self.url.clone(),
            });
        }
        let url = naming(&self.url, NAME);
        match answers(&url).await {
            Ok(()) => Ok(Database {
                name: NAME.to_owned(),
                url,
            }),
            Err(_) => self.create_database(NAME).await,
        }
    }

    /// A new, empty database.
    pub async fn create_database(&self, name: &str) -> Result<Database> {
        let mut connection = PgConnection::connect(&self.url)
            .await
            .context("cannot reach Postgres")?;
        let sql = format!("create database \"{name}\"");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(Database {
            name: name.to_owned(),
            url: naming(&self.url, name),
        })
    }

    /// Removes a database and cuts whoever is connected to it.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let sql = format!("drop database if exists \"{name}\" with (force)");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// Cuts every connection to a database but lets new ones come. Gives how many there were.
    pub async fn cut_connections(&self, name: &str) -> Result<usize> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
        let cut = sqlx::query(sql).bind(name).execute(&mut connection).await?;
        connection.close().await?;
        Ok(usize::try_from(cut.rows_affected())?)
    }

    /// Stops the server if it is ours.
    pub async fn stop(&mut self) -> Result<()> {
        match &mut self.server {
            Server::Program(program) => program.stop(STOP_WITHIN).await,
            Server::Given | Server::Container { .. } => Ok(()),
        }
    }

    /// Kills the server as a crash would; it must be ours.
    pub async fn kill(&mut self) -> Result<()> {
        self.program()
            .context("this Postgres is not ours to kill")?
            .kill()
            .await
    }

    /// Starts it again, at the same place with the same data.
    pub async fn start_again(&mut self) -> Result<()> {
        let url = self.url.clone();
        let program = self
            .program()
            .context("this Postgres is not ours to start")?;
        *program = start::patiently(&url, || program.again()).await?;
        Ok(())
    }
}

async fn answers(url: &str) -> Result<(), String> {
    match PgConnection::connect(url).await {
        Ok(connection) => connection.close().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

impl Database {
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

/// The server's version; an error if it cannot be reached or is too old.
async fn check(url: &str) -> Result<String> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("cannot reach Postgres")?;
    let version: String = sqlx::query_scalar("show server_version")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    match programs::parse_version(&version) {
        Some(numbers) if numbers < programs::POSTGRES_SINCE => {
            bail!("Postgres {version} is too old: at least 15 is needed")
        }
        _ => Ok(version.split(' ').next().unwrap_or_default().to_owned()),
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
