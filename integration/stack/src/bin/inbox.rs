//! The inbox as a program of its own, for containers: SMTP on 1025, the page and Mailpit's API on 8025. Mail is kept in
//! memory. `inbox healthcheck` asks the running one.

use std::{net::Ipv4Addr, process::ExitCode};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Ui, inbox::Inbox, web};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// As Mailpit's.
const SMTP_PORT: u16 = 1025;
/// As Mailpit's.
const HTTP_PORT: u16 = 8025;

#[tokio::main]
async fn main() -> ExitCode {
    let asked = std::env::args().skip(1).eq(["healthcheck"]);
    let ended = if asked {
        healthcheck().await
    } else {
        serve().await
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Ui::quiet().plain(format_args!("inbox: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Until SIGINT or SIGTERM.
async fn serve() -> Result<()> {
    let [mut interrupt, mut terminate] = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    ];
    let _inbox = Inbox::start(listen(SMTP_PORT).await?, listen(HTTP_PORT).await?)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
    listener.with_context(|| format!("cannot listen on port {port}"))
}

async fn healthcheck() -> Result<()> {
    let (status, _) = web::get(&format!("http://127.0.0.1:{HTTP_PORT}/readyz")).await?;
    if !status.is_success() {
        bail!("/readyz answered {status}");
    }
    Ok(())
}
