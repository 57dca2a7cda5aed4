//! A rolling update: the schema first, then one process after the other, while a game is played.
//!
//! The next version is simulated by a migration that the processes do not know. Where `GALAXY_UPGRADE_FROM` names a directory with the
//! programs of the version before, they are replaced by those of this checkout as well.

use std::path::PathBuf;

use anyhow::Result;
use galaxy_scenarios::{Admin, Player, Table, eventually};
use galaxy_stack::{Layout, Service, Stack, StackFile, StackOptions, web};

/// What the migrations of the next version do: they add.
const EXPAND: &str = "alter table backend.games add column of_tomorrow text not null default 'x';
    create table backend.of_tomorrow (id integer primary key);
    insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (99990101, 'of tomorrow', true, '', 0)";
/// And those of the one after it.
const CONTRACT: &str = "update backend.schema_compatibility set min_compatible = 99990101";

async fn playing(file: &StackFile) -> Result<Table> {
    let players = vec![
        Player::sign_in(file, "ada", "ada@example.org").await?,
        Player::sign_in(file, "grace", "grace@example.org").await?,
    ];
    let mut table = Table::open(players, "A game across versions").await?;
    table.seat_all(&["Terrans", "Vegans"]).await?;
    table.start().await?;
    Ok(table)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_game_goes_on_over_a_newer_schema_until_that_needs_newer_processes() -> Result<()> {
    let mut stack = Stack::start(StackOptions::for_test()?).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let table = playing(&file).await?;
    stack.database().execute(EXPAND).await?;
    let mut turn = 0;
    for service in Service::ALL {
        stack.crash(service.name()).await?;
        turn += 1;
        table.force(&admin).await?;
        table.shows("current_turn", turn).await?;
    }
    Player::sign_in(&file, "new", "new@example.org").await?;

    stack.database().execute(CONTRACT).await?;
    for service in Service::ALL
        .into_iter()
        .filter(|service| uses_postgres(*service))
    {
        let ops = &file.ops[service.name()];
        let why = web::ready(ops).await.unwrap_err();
        assert!(
            why.contains("99990101") && why.contains("newer version"),
            "{service}: {why}"
        );
    }
    stack.stop().await
}

fn uses_postgres(service: Service) -> bool {
    !matches!(service, Service::PushHub | Service::Gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_of_the_version_before_work_beside_those_that_take_their_place() -> Result<()> {
    let Some(before) = galaxy_stack::env::var("GALAXY_UPGRADE_FROM").map(PathBuf::from) else {
        return Ok(());
    };
    let current = Layout::of_checkout()?.binaries().to_owned();
    let mut stack = Stack::start(StackOptions::for_test()?.binaries(before)).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let table = playing(&file).await?;
    // `api` is first, and migrates.
    let mut turn = 0;
    for service in Service::ALL {
        stack.replace_process(service, &current).await?;
        for other in Service::ALL {
            let ops = &file.ops[other.name()];
            let ready = async || Ok(web::ready(ops).await.ok());
            let within = std::time::Duration::from_secs(10);
            eventually("every process is ready", within, ready).await?;
        }
        turn += 1;
        table.force(&admin).await?;
        table.shows("current_turn", turn).await?;
    }
    stack.stop().await
}
