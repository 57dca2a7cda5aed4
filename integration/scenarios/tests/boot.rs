//! How the processes start and stop: wrong settings, missing servers, taken ports, other schemas, SIGTERM.

use std::{
    net::TcpListener,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use galaxy_scenarios::eventually;
use galaxy_stack::{Layout, Servers, Service, Ui, web};
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

/// A process that would start, given the servers.
const COMMON: [(&str, &str); 12] = [
    ("BACKEND_HTTP_LISTEN_ADDR", "127.0.0.1:0"),
    ("BACKEND_OPS_LISTEN_ADDR", "127.0.0.1:0"),
    ("BACKEND_GRPC_PUSH_LISTEN_ADDR", "127.0.0.1:0"),
    ("GATEWAY_LISTEN_ADDR", "127.0.0.1:0"),
    ("GATEWAY_HTTP_LISTEN_ADDR", "127.0.0.1:0"),
    ("BACKEND_AUTH_PEPPER", "0123456789abcdef0123456789abcdef"),
    ("BACKEND_GATEWAY_TOKEN", "a token of gateways"),
    ("BACKEND_SMTP_URL", "smtp://127.0.0.1:1"),
    ("BACKEND_MAIL_FROM", "Galaxy <galaxy@example.org>"),
    ("GATEWAY_BACKEND_HTTP_URL", "http://127.0.0.1:1"),
    ("GATEWAY_BACKEND_GRPC_PUSH_URL", "http://127.0.0.1:1"),
    (
        "GATEWAY_SIGNING_KEY",
        "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=",
    ),
];

struct Started(Child);

struct Ended {
    status: ExitStatus,
    output: String,
}

fn command(service: Service) -> Result<Command> {
    let layout = Layout::of_checkout()?;
    let mut command = Command::new(layout.binaries().join(service.name()));
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

fn start(service: Service, variables: &[(&str, &str)]) -> Result<Started> {
    let mut command = command(service)?;
    command.envs(COMMON).envs(variables.iter().copied());
    Ok(Started(
        command
            .spawn()
            .with_context(|| format!("{service} was not built"))?,
    ))
}

impl Started {
    /// Waits for the end, `within` at most.
    async fn ended(mut self, within: Duration) -> Result<Ended> {
        let mut output = String::new();
        let (mut out, mut err) = (
            self.0.stdout.take().context("stdout")?,
            self.0.stderr.take().context("stderr")?,
        );
        let mut errors = String::new();
        let all = async {
            tokio::try_join!(
                out.read_to_string(&mut output),
                err.read_to_string(&mut errors)
            )
        };
        tokio::time::timeout(within, all)
            .await
            .context("it did not end")??;
        Ok(Ended {
            status: self.0.wait().await?,
            output: output + &errors,
        })
    }

    async fn terminated(self) -> Result<Ended> {
        let pid = self.0.id().context("it has ended by itself")?;
        Command::new("kill")
            .args(["-TERM", &pid.to_string()])
            .status()
            .await?;
        self.ended(Duration::from_secs(25)).await
    }
}

async fn servers() -> Result<Servers> {
    Servers::for_tests(Ui::quiet(), &Layout::of_checkout()?.cache()).await
}

fn free_port() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

#[tokio::test]
async fn every_wrong_setting_is_named_at_once_and_no_value_is_shown() -> Result<()> {
    let process = start(
        Service::Api,
        &[
            ("BACKEND_POSTGRES_MAX_CONNECTIONS", "hunter2"),
            ("BACKEND_AUTH_PEPPER", "short"),
            ("BACKEND_TRUSTED_PROXIES", "everybody"),
            ("BACKEND_GATEWAY_TOKEN", ""),
            ("BACKEND_GATEWAY_TOKN", "mistyped"),
        ],
    )?;
    let ended = process.ended(Duration::from_secs(10)).await?;
    assert_eq!(ended.status.code(), Some(2));
    let line: serde_json::Value = serde_json::from_str(&ended.output)?;
    assert_eq!(
        (&line["level"], &line["service"]),
        (&"ERROR".into(), &"api".into())
    );
    for variable in [
        "BACKEND_GATEWAY_TOKEN is not set",
        "BACKEND_GATEWAY_TOKN is no setting; BACKEND_GATEWAY_TOKEN is the nearest one",
        "BACKEND_POSTGRES_URL",
        "BACKEND_POSTGRES_MAX_CONNECTIONS",
        "BACKEND_AUTH_PEPPER",
        "BACKEND_TRUSTED_PROXIES",
    ] {
        assert!(
            ended.output.contains(variable),
            "{variable} is not named:\n{}",
            ended.output
        );
    }
    assert!(!ended.output.contains("hunter2") && !ended.output.contains("short\n"));
    Ok(())
}

#[tokio::test]
async fn each_process_prints_its_variables_and_checks_its_settings() -> Result<()> {
    for service in Service::ALL {
        let help = command(service)?.arg("--help").output().await?;
        let help_text = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(
            help.status.success() && help_text.contains("BACKEND_OPS_LISTEN_ADDR"),
            "{service}: {help_text}"
        );
        let check = command(service)?
            .arg("--check-config")
            .envs(COMMON)
            .env("BACKEND_POSTGRES_URL", "postgres://nobody@127.0.0.1:1/none")
            .output()
            .await?;
        assert!(
            check.status.success(),
            "{service}: {}",
            String::from_utf8_lossy(&check.stderr)
        );
        let refused = command(service)?.arg("--nonsense").output().await?;
        assert_eq!(refused.status.code(), Some(2), "{service}");
        let asked = command(service)?
            .arg("healthcheck")
            .env("BACKEND_OPS_LISTEN_ADDR", "127.0.0.1:1")
            .output()
            .await?;
        assert_eq!(asked.status.code(), Some(1), "{service}");
    }
    Ok(())
}

#[tokio::test]
async fn a_taken_port_ends_the_process_with_the_variable_to_change() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    for service in Service::ALL {
        let variables = [
            ("BACKEND_OPS_LISTEN_ADDR", address.as_str()),
            ("BACKEND_POSTGRES_URL", "postgres://a@127.0.0.1:1/b"),
        ];
        let ended = start(service, &variables)?
            .ended(Duration::from_secs(10))
            .await?;
        assert_eq!(ended.status.code(), Some(1), "{service}: {}", ended.output);
        assert!(
            ended.output.contains("BACKEND_OPS_LISTEN_ADDR"),
            "{service}: {}",
            ended.output
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_process_waits_for_a_missing_postgres_with_a_logged_reason_until_sigterm() -> Result<()> {
    let ops = free_port()?;
    let variables = [
        ("BACKEND_OPS_LISTEN_ADDR", ops.as_str()),
        ("BACKEND_POSTGRES_URL", "postgres://a@127.0.0.1:1/b"),
    ];
    let process = start(Service::Mailer, &variables)?;
    let url = format!("http://{ops}");
    eventually(
        "the operations listener answers",
        Duration::from_secs(10),
        async || {
            Ok(web::get(&format!("{url}/healthz"))
                .await
                .is_ok_and(|(status, _)| status == 200)
                .then_some(()))
        },
    )
    .await?;
    let why = web::ready(&url).await.unwrap_err();
    assert!(why.contains("503") && why.contains("started"), "{why}");
    let ended = process.terminated().await?;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    assert!(
        ended.output.contains("Postgres cannot be used yet"),
        "{}",
        ended.output
    );
    Ok(())
}

#[tokio::test]
async fn an_unknown_database_and_a_newer_schema_end_the_process_with_the_cause() -> Result<()> {
    let servers = servers().await?;
    let database = servers.postgres.create_database("boot").await?;
    let nats = servers.nats.url().to_owned();
    let wrong = database.url.replace("/boot", "/no_such_database");
    let ended = start(
        Service::Api,
        &[
            ("BACKEND_POSTGRES_URL", &wrong),
            ("BACKEND_NATS_URL", &nats),
        ],
    )?
    .ended(Duration::from_secs(20))
    .await?;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.output.contains("no_such_database") && ended.output.contains("BACKEND_POSTGRES_URL"),
        "{}",
        ended.output
    );

    let ops = free_port()?;
    let variables = [
        ("BACKEND_POSTGRES_URL", database.url.as_str()),
        ("BACKEND_NATS_URL", &nats),
        ("BACKEND_OPS_LISTEN_ADDR", &ops),
    ];
    let api = start(Service::Api, &variables)?;
    ready(&ops).await?;

    let newer =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (99990101, 'of tomorrow', true, '', 0);
         update backend.schema_compatibility set min_compatible = 99990101";
    database.execute(newer).await?;
    let why = web::ready(&format!("http://{ops}")).await.unwrap_err();
    assert!(why.contains("503") && why.contains("99990101"), "{why}");
    let ended = api.terminated().await?;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    for service in [Service::Api, Service::Mailer] {
        let ended = start(service, &variables)?
            .ended(Duration::from_secs(20))
            .await?;
        assert_eq!(ended.status.code(), Some(1), "{service}");
        assert!(
            ended.output.contains("99990101") && ended.output.contains("newer"),
            "{service}: {}",
            ended.output
        );
    }
    servers.stop().await
}

#[tokio::test]
async fn a_process_waits_for_the_schema_and_for_nats_and_is_ready_once_they_are_there() -> Result<()>
{
    let mut servers = servers().await?;
    let database = servers.postgres.create_database("boot").await?;
    let nats = servers.nats.url().to_owned();
    servers.nats.stop().await?;
    let (mailer_ops, api_ops) = (free_port()?, free_port()?);
    let variables = |ops| {
        [
            ("BACKEND_POSTGRES_URL", database.url.as_str()),
            ("BACKEND_NATS_URL", nats.as_str()),
            ("BACKEND_OPS_LISTEN_ADDR", ops),
        ]
    };
    let mailer = start(Service::Mailer, &variables(mailer_ops.as_str()))?;
    let api = start(Service::Api, &variables(api_ops.as_str()))?;
    eventually(
        "the api has migrated and waits for NATS",
        Duration::from_secs(20),
        async || {
            let (_, body) = web::get(&format!("http://{api_ops}/readyz")).await?;
            let report: serde_json::Value = serde_json::from_slice(&body)?;
            let checks = report["checks"].as_array().cloned().unwrap_or_default();
            let migrated = checks
                .iter()
                .any(|check| check["name"] == "postgres" && check["failure"].is_null());
            Ok((migrated && report["status"] == "not_ready").then_some(()))
        },
    )
    .await?;
    servers.nats.start_again().await?;
    ready(&api_ops).await?;
    ready(&mailer_ops).await?;
    let (api, mailer) = (api.terminated().await?, mailer.terminated().await?);
    assert!(
        api.output.contains("NATS is not there yet"),
        "{}",
        api.output
    );
    assert!(mailer.status.success() && api.status.success());
    servers.stop().await
}

async fn ready(ops: &str) -> Result<()> {
    eventually(
        "the process is ready",
        Duration::from_secs(30),
        async || Ok(web::ready(&format!("http://{ops}")).await.ok()),
    )
    .await
}
