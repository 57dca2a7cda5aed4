//! A database that was restored from a backup, under games that were played on meanwhile: the engine is ahead of its record.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use galaxy_client::Call;
use galaxy_scenarios::{Admin, Inbox, Player, Table, eventually};
use galaxy_stack::{Service, Stack, StackOptions};

const WITHIN: Duration = Duration::from_secs(30);
/// Where the stack sends what operators are told.
const OPERATOR: &str = "operator@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_operators_are_told_take_the_engines_turn_and_nothing_is_doubled()
-> Result<()> {
    let options = StackOptions::for_test()?;
    let programs = options.postgres_programs()?;
    let mut stack = Stack::start(options).await?;
    let file = stack.file()?;
    let (admin, inbox) = (Admin::new(&file), Inbox::new(&file.inbox));
    let players = vec![
        Player::sign_in(&file, "ada", "ada@example.org").await?,
        Player::sign_in(&file, "grace", "grace@example.org").await?,
    ];
    let mut table = Table::open(players, "Restored").await?;
    table.seat_all(&["Terrans", "Vegans"]).await?;
    table.start().await?;
    table.force_turn(&admin, 1).await?;

    let directory = tempfile::tempdir()?;
    let dump = directory.path().join("galaxy.dump");
    let url = stack.database().url.clone();
    run(Command::new(programs.join("pg_dump"))
        .args(["--format", "custom", "--dbname", &url, "--file"])
        .arg(&dump))?;

    table.force_turn(&admin, 2).await?;
    table.force_turn(&admin, 3).await?;
    let report = table.report(0, 3).await?;
    let mails = count(&inbox).await?;

    for service in Service::ALL {
        stack.stop_process(service, Duration::from_secs(25)).await?;
    }
    restore(&programs, &dump, &url)?;
    for service in Service::ALL {
        stack.start_process(service).await?;
    }
    table.shows("current_turn", 1).await?;

    // The engine has played turn 3: what it would generate now is not the turn that the record asks for.
    table.force(&admin).await?;
    let told = eventually("an operator is told", WITHIN, async || {
        let mails = inbox.mails_to(OPERATOR).await?;
        Ok(mails.into_iter().next())
    });
    told.await?;
    let runtime = format!("/runtimes/{}", table.game_id);
    let why = admin.get(&format!("{runtime}/why")).await?;
    assert!(why.to_string().contains("turn"), "{why}");
    table.shows("current_turn", 1).await?;

    admin
        .post(&format!("{runtime}/take-engine-turn"), None)
        .await?;
    table.shows("current_turn", 3).await?;
    assert_eq!(
        table.report(0, 3).await?,
        report,
        "no turn was played again"
    );
    let owner = &table.players[0];
    owner
        .call(Call::new("resume_game").path("game_id", &table.game_id))
        .await?;
    table.force(&admin).await?;
    table.shows("current_turn", 4).await?;

    let after = count(&inbox).await?;
    for (mail, before) in mails {
        assert_eq!(after.get(&mail), Some(&before), "{mail:?} was sent again");
    }
    stack.stop().await
}

/// How many mails there are, by recipient and subject; without those to operators.
async fn count(inbox: &Inbox) -> Result<BTreeMap<(String, String), usize>> {
    let mut mails = BTreeMap::new();
    for player in ["ada@example.org", "grace@example.org"] {
        for mail in inbox.mails_to(player).await? {
            *mails.entry((player.to_owned(), mail.subject)).or_default() += 1;
        }
    }
    Ok(mails)
}

fn restore(programs: &Path, dump: &Path, url: &str) -> Result<()> {
    let (server, name) = url.rsplit_once('/').context("a URL of a database")?;
    for statement in [
        format!("drop database {name} with (force)"),
        format!("create database {name}"),
    ] {
        let server = format!("{server}/postgres");
        run(Command::new(programs.join("psql")).args(["--command", &statement, &server]))?;
    }
    run(Command::new(programs.join("pg_restore"))
        .args(["--no-owner", "--exit-on-error", "--dbname", url])
        .arg(dump))
}

fn run(command: &mut Command) -> Result<()> {
    let done = command
        .output()
        .with_context(|| format!("{command:?} cannot be run"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{command:?}: {said}");
    Ok(())
}
