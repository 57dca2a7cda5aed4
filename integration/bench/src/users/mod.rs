//! Operators' search and listing: the same questions to a database with many accounts and to one with few, over HTTP.
//!
//! A question finds a page of the same length in both, so what grows is only what is looked through.

mod seed;

use anyhow::{Context, Result};
use galaxy_core::Cursor;
use galaxy_stack::naming;
use tokio::runtime::Handle;

use self::seed::Account;
use crate::{
    compare::{self, Measure, Side},
    database,
    load::Load,
    replica::{ADMIN, replica},
    server::{Call, Server, get_as},
};

#[derive(clap::Args)]
pub struct Options {
    /// A Postgres server; databases `bench_users_<n>` are made on it and dropped in the end.
    #[arg(long, env = "GALAXY_BENCH_POSTGRES_URL", hide_env_values = true)]
    postgres_url: String,
    /// Accounts in the small database.
    #[arg(long, default_value_t = 1_000)]
    few: u32,
    /// Accounts in the large database.
    #[arg(long, default_value_t = 1_000_000)]
    many: u32,
    #[command(flatten)]
    load: Load,
}

/// A database with accounts, and an `api` over it.
struct Crowd {
    server: Server,
    /// Some of its accounts, all over the place.
    some: Vec<Account>,
}

pub async fn run(options: &Options, served: &Handle) -> Result<()> {
    let few = crowd(options, served, options.few).await?;
    let many = crowd(options, served, options.many).await?;
    for (name, question) in QUESTIONS {
        let asked_of = |crowd: &Crowd, n: usize| -> Call {
            let about = &crowd.some[n % crowd.some.len()];
            get_as(&format!("/api/v1/admin/users{}", question(about)), ADMIN)
        };
        let (of_many, of_few) = (|n| asked_of(&many, n), |n| asked_of(&few, n));
        let ours = Side {
            server: &many.server,
            call: &of_many,
        };
        let theirs = Side {
            server: &few.server,
            call: &of_few,
        };
        let rounds = compare::rounds(&options.load, ours, theirs).await?;
        Measure::Time.print(&format!("users: {name}"), "<= 1.3", &options.load, &rounds)?;
    }
    drop((few, many));
    for accounts in [options.few, options.many] {
        database::remove(&options.postgres_url, &database_name(accounts)).await?;
    }
    Ok(())
}

type Question = fn(&Account) -> String;

/// What operators ask, about an account.
const QUESTIONS: &[(&str, Question)] = &[
    ("newest first", |_| String::new()),
    ("newest first, any page", |a| {
        let cursor = Cursor::encode("users.newest", &(a.created_at, a.user_id));
        format!("?cursor={cursor}")
    }),
    ("by id", |a| format!("?user_id={}", a.user_id)),
    ("by whole address", |a| format!("?email={}", a.email)),
    ("by beginning of address", |a| {
        format!("?email={}", first(&a.email))
    }),
    ("by beginning of address, any page", |a| {
        let cursor = Cursor::encode("users.email", &(&a.email, a.user_id));
        format!("?email={}&limit=1&cursor={cursor}", first(&a.email))
    }),
    ("by whole name", |a| format!("?name={}", a.display_name)),
    ("by beginning of name", |a| {
        format!("?name={}", first(&a.display_name))
    }),
    ("by beginning of every user name", |_| {
        "?name=player-".to_owned()
    }),
    ("by country", |a| format!("?country={}", a.country)),
    ("by country, any page", |a| {
        let cursor = Cursor::encode("users.country", &(a.created_at, a.user_id));
        format!("?country={}&limit=1&cursor={cursor}", a.country)
    }),
    ("by sanction", |_| "?sanction=game_join_block".to_owned()),
    ("by beginning of name, and country", |a| {
        format!(
            "?name={}&country={}&limit=1",
            first(&a.display_name),
            a.country
        )
    }),
    ("by beginning of address, and sanction", |a| {
        format!("?email={}&sanction=game_join_block", first(&a.email))
    }),
    ("one, with its history", |a| format!("/{}", a.user_id)),
];

fn first(text: &str) -> &str {
    &text[..1]
}

fn database_name(accounts: u32) -> String {
    format!("bench_users_{accounts}")
}

async fn crowd(options: &Options, served: &Handle, accounts: u32) -> Result<Crowd> {
    let name = database_name(accounts);
    database::make(&options.postgres_url, &name).await?;
    let url = naming(&options.postgres_url, &name);
    let replica = replica(served, &url, None).await?;
    let some = seed::accounts(&replica.db, accounts)
        .await
        .with_context(|| format!("cannot make {accounts} accounts"))?;
    Ok(Crowd {
        server: Server::of(served, replica.router).await?,
        some,
    })
}
