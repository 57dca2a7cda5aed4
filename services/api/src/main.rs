//! The `api` process: the REST contract, and the owner of accounts, sessions, lobby and geo.

use std::{io::Write as _, process::ExitCode};

use galaxy_api::{
    Config,
    compose::{self, Domains},
    loops, routes,
};
use galaxy_events::{Nats, asyncapi, relay};
use galaxy_http::{
    ops,
    serve::{self, Bound, Limits},
};
use galaxy_service::process;
use galaxy_store::{Db, Topic};

fn main() -> ExitCode {
    if let Some(document) = requested_document() {
        return document;
    }
    process::run(
        "api",
        "serves the REST contract to the gateway and to operators",
        ops::listen,
        |config: Config, process| async move {
            let db = Db::connect(&config.postgres, &process).await?;
            let nats = Nats::connect(&config.nats, &process).await?;
            let listener = Bound::bind("BACKEND_HTTP_LISTEN_ADDR", config.http_listen_addr).await?;
            compose::bootstrap(&config, &db, &process.clock).await?;
            let domains = Domains::new(&config, &process, &db, Some(&nats))?;
            let router = routes::router(&config, &process, &domains);
            serve::spawn(&process.tasks, "http", listener, router, &Limits::default());
            relay::start(&process, &db, &nats);
            nats.publish_wakeups(&process, &db, &[Topic::Mail, Topic::Runtime]);
            loops::start(&config, &process, &db, &nats, &domains);
            Ok(())
        },
    )
}

/// Answers `--print-openapi` and `--print-asyncapi`: the document on standard output.
fn requested_document() -> Option<ExitCode> {
    let document = match std::env::args().nth(1)?.as_str() {
        "--print-openapi" => routes::yaml(),
        "--print-asyncapi" => asyncapi::yaml().unwrap_or_default(),
        _ => return None,
    };
    let printed = std::io::stdout().write_all(document.as_bytes()).is_ok();
    Some(if printed && !document.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
