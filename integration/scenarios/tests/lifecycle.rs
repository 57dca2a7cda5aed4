//! How a running `api` bears the absence of NATS, a log that nobody reads, and being asked to end.

use std::{
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use galaxy_http_client::{HttpClient, Limits, with_json};
use galaxy_scenarios::eventually;
use galaxy_stack::{Layout, Servers, Ui, web};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

const WITHIN: Duration = Duration::from_secs(30);

/// A process `api`, whose log goes into a pipe that nobody reads.
struct Api {
    process: Child,
    http: String,
    ops: String,
    client: HttpClient,
}

impl Api {
    /// Starts one and waits until it takes traffic.
    async fn start(postgres: &str, nats: &str, variables: &[(&str, &str)]) -> Result<Self> {
        let (http, ops) = (free_port()?, free_port()?);
        let process = Command::new(Layout::of_checkout()?.binaries().join("api"))
            .env_clear()
            .env("BACKEND_HTTP_LISTEN_ADDR", &http)
            .env("BACKEND_OPS_LISTEN_ADDR", &ops)
            .env("BACKEND_POSTGRES_URL", postgres)
            .env("BACKEND_NATS_URL", nats)
            .env("BACKEND_AUTH_PEPPER", "0123456789abcdef0123456789abcdef")
            .env("BACKEND_GATEWAY_TOKEN", "a token of gateways")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .context("api was not built")?;
        let api = Self {
            process,
            http: format!("http://{http}"),
            ops: format!("http://{ops}"),
            client: HttpClient::new(Limits::default()),
        };
        eventually("the api is ready", WITHIN, async || {
            Ok((api.readiness().await?.0 == StatusCode::OK).then_some(()))
        })
        .await?;
        Ok(api)
    }

    async fn readiness(&self) -> Result<(StatusCode, Value)> {
        let request = Request::get(format!("{}/readyz", self.ops)).body(bytes::Bytes::new())?;
        let answer = self.client.send(request).await?;
        Ok((answer.status(), serde_json::from_slice(answer.body())?))
    }

    /// Asks for a sign-in code, which is written into the database.
    async fn send_code(&self, email: &str) -> Result<StatusCode> {
        let url = format!("{}/api/v1/public/auth/send-email-code", self.http);
        let body = json!({ "email": email }).to_string();
        let request = with_json(Request::post(url), Some(body.into()))?;
        Ok(self.client.send(request).await?.status())
    }

    async fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.process.id().context("it has ended by itself")?;
        let mut kill = Command::new("kill");
        let sent = kill.args([signal, &pid.to_string()]).status().await?;
        ensure!(sent.success(), "{signal} cannot be sent");
        Ok(())
    }

    async fn code(mut self) -> Result<Option<i32>> {
        let ended = tokio::time::timeout(WITHIN, self.process.wait()).await;
        Ok(ended.context("it does not end")??.code())
    }
}

fn free_port() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

async fn servers() -> Result<Servers> {
    Servers::for_tests(Ui::quiet(), &Layout::of_checkout()?.cache()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_starts_and_works_without_nats_and_says_that_it_is_degraded() -> Result<()> {
    let servers = servers().await?;
    let database = servers.postgres.create_database("degraded").await?;
    let unused = format!("nats://{}", free_port()?);
    let api = Api::start(&database.url, &unused, &[]).await?;
    let (status, report) = api.readiness().await?;
    assert_eq!(
        (status, &report["status"]),
        (StatusCode::OK, &"degraded".into())
    );
    let checks = report["checks"].as_array().context("checks")?;
    let nats = checks.iter().find(|check| check["name"] == "nats");
    let nats = nats.context("a check of NATS")?;
    assert!(
        nats["failure"].is_string() && nats["degrades"] == true,
        "{nats}"
    );
    assert_eq!(api.send_code("ada@example.org").await?, StatusCode::OK);
    api.signal("-TERM").await?;
    assert_eq!(api.code().await?, Some(0));
    servers.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_up_no_request() -> Result<()> {
    let servers = servers().await?;
    let database = servers.postgres.create_database("unread").await?;
    let api = Api::start(&database.url, servers.nats.url(), &[]).await?;
    // A pipe holds some hundred lines.
    for _ in 0..2_000 {
        let path = format!("{}/nowhere", api.http);
        assert_eq!(web::get(&path).await?.0, 404);
    }
    api.signal("-TERM").await?;
    assert_eq!(api.code().await?, Some(0));
    servers.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_api_says_so_and_serves_on_until_balancers_have_noticed() -> Result<()> {
    let servers = servers().await?;
    let database = servers.postgres.create_database("draining").await?;
    let delay = [("BACKEND_DRAIN_DELAY", "3s")];
    let api = Api::start(&database.url, servers.nats.url(), &delay).await?;
    let asked = Instant::now();
    api.signal("-HUP").await?;
    eventually("it says that it drains", WITHIN, async || {
        let (status, report) = api.readiness().await?;
        let draining = status == StatusCode::SERVICE_UNAVAILABLE && report["status"] == "draining";
        Ok(draining.then_some(()))
    })
    .await?;
    assert_eq!(api.send_code("ada@example.org").await?, StatusCode::OK);
    assert_eq!(api.code().await?, Some(0));
    assert!(asked.elapsed() >= Duration::from_secs(3), "it waited");
    servers.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_draining_api_at_once() -> Result<()> {
    let servers = servers().await?;
    let database = servers.postgres.create_database("twice").await?;
    let delay = [("BACKEND_DRAIN_DELAY", "1h")];
    let api = Api::start(&database.url, servers.nats.url(), &delay).await?;
    api.signal("-TERM").await?;
    eventually("it drains", WITHIN, async || {
        Ok((api.readiness().await?.0 == StatusCode::SERVICE_UNAVAILABLE).then_some(()))
    })
    .await?;
    api.signal("-TERM").await?;
    assert_eq!(api.code().await?, Some(1));
    servers.stop().await
}
