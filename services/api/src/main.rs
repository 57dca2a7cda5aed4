//! The `api` process: the REST contract, and the owner of accounts, sessions, lobby and geo.

use std::process::ExitCode;

use galaxy_api::{App, Config, http, loops};
use galaxy_events::{Nats, relay};
use galaxy_http::{
    ops,
    serve::{self, Bound, Limits},
};
use galaxy_service::process;
use galaxy_store::{Db, Topic};

fn main() -> ExitCode {
    if let Some(document) = galaxy_api::openapi::requested_document() {
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
            let app = App::new(config, process.clone(), db.clone(), Some(nats.clone()))?;
            app.bootstrap().await?;
            let router = http::router(&app);
            serve::spawn(&process.tasks, "http", listener, router, &Limits::default());
            relay::start(&process, &db, &nats);
            nats.send_hints(&process, &db, &[Topic::Mail, Topic::Runtime]);
            loops::start(&app, &nats);
            Ok(())
        },
    )
}
