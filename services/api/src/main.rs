//! The `api` process: the REST contract, and the owner of accounts, sessions, lobby and geo.

use std::process::ExitCode;

use galaxy_api::{
    Config, commands,
    compose::{self, Domains},
    loops, routes,
};
use galaxy_events::{Nats, relay};
use galaxy_http::{
    ops,
    serve::{self, Bound, Limits},
};
use galaxy_service::process;
use galaxy_store::{Db, Topic};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Some(ended) = commands::run(&arguments) {
        return ended;
    }
    process::run(
        "api",
        commands::HELP,
        ops::listen,
        |config: Config, process| async move {
            let db = Db::connect(&config.postgres, &process).await?;
            let nats = Nats::connect_in_background(&config.nats, &process).await?;
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
