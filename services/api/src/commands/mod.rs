//! What the binary `api` does besides serving: migrations, secrets of a first start, documents. Each ends the process.

mod credentials;
mod init_secrets;
mod secret_files;

use std::{io::Write as _, path::Path, process::ExitCode};

use galaxy_events::asyncapi;
use galaxy_service::{Section, Vars, process};
use galaxy_store::{Db, MigrateMode, PostgresConfig, RuntimeRole};

use crate::routes;

/// For `--help`, beneath what the process is.
pub const HELP: &str = "serves the REST contract to the gateway and to operators

Commands of its own:

  migrate             bring the schema up to date and end
  init-secrets DIR    make the secrets of a deployment that are not in DIR yet
  credentials         print the gateway's token and the first operator as JSON
  --print-openapi     print the REST contract
  --print-asyncapi    print the events";

/// Does what the arguments say; `None` if they name none of these commands.
pub fn run(arguments: &[&str]) -> Option<ExitCode> {
    Some(match arguments {
        ["migrate"] => process::run_job("api", async |config: Migration, process| {
            Db::connect(&config.0, &process).await?;
            tracing::info!("the schema is up to date");
            Ok(())
        }),
        ["init-secrets", dir] => ended("init-secrets", init_secrets::run(Path::new(dir))),
        ["credentials"] => process::answer("api", credentials::json),
        ["--print-openapi"] => ended("--print-openapi", Ok(routes::yaml())),
        ["--print-asyncapi"] => ended("--print-asyncapi", asyncapi::yaml().map_err(Into::into)),
        _ => return None,
    })
}

struct Migration(PostgresConfig);

impl Section for Migration {
    fn read(vars: &mut Vars) -> Option<Self> {
        let postgres = PostgresConfig::read(vars);
        let runtime_role = RuntimeRole::read(vars);
        Some(Self(PostgresConfig {
            migrate: MigrateMode::Apply,
            runtime_role: runtime_role?,
            ..postgres?
        }))
    }
}

/// Prints the result, or the error with exit code 1.
fn ended(command: &str, result: anyhow::Result<String>) -> ExitCode {
    let printed = match result {
        Ok(text) => std::io::stdout().write_all(text.as_bytes()),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "api {command}: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    if printed.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
