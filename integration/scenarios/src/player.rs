//! A player: signed in through the gateway, subscribed to events.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use galaxy_client::{Call, Device, Event, Gateway, generate_key};
use galaxy_stack::StackFile;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use crate::Inbox;

/// A signed-in player whose events are collected from the sign-in on.
pub struct Player {
    pub name: String,
    pub email: String,
    pub user_id: String,
    pub device: Device,
    events: Mutex<mpsc::UnboundedReceiver<(Event, Instant)>>,
}

impl Player {
    /// Signs in with a mailed code, as a new account if the address is new.
    pub async fn sign_in(stack: &StackFile, name: &str, email: &str) -> Result<Self> {
        let gateway = Gateway::new(
            &stack.gateway_grpc,
            &stack.gateway_http,
            &stack.gateway_public_key,
        )?;
        let challenge = gateway.send_email_code(email, Some("en")).await?;
        let code = Inbox::new(&stack.inbox).code_for(email).await?;
        let device = gateway
            .confirm_email_code(&challenge, &code, generate_key(), "Europe/Berlin")
            .await?;
        Self::subscribed(name, email, device).await
    }

    /// A player on a device that is signed in already.
    pub async fn subscribed(name: &str, email: &str, device: Device) -> Result<Self> {
        let account = device.execute(Call::new("get_account")).await?.ok()?;
        let user_id = account["user_id"]
            .as_str()
            .context("the account has no user_id")?
            .to_owned();
        let mut feed = device.events();
        feed.ready().await?;
        let (sender, events) = mpsc::unbounded_channel();
        #[expect(
            clippy::disallowed_methods,
            reason = "lives as long as the test or demo; there is no process to drain"
        )]
        tokio::spawn(async move {
            while let Ok(event) = feed.next().await {
                if sender.send((event, Instant::now())).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            name: name.to_owned(),
            email: email.to_owned(),
            user_id,
            device,
            events: Mutex::new(events),
        })
    }

    /// Runs an operation; an error for any answer but 2xx. A request that the gateway refused without forwarding it,
    /// because its broker or the api was down, is repeated for up to a minute.
    pub async fn call(&self, call: Call) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            match self
                .device
                .execute(call.clone())
                .await
                .and_then(|answer| answer.ok())
            {
                Err(error) if is_transient(&error) && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                outcome => return outcome.with_context(|| format!("{call:?}")),
            }
        }
    }

    /// Waits for the event that `wanted` accepts, skipping others; returns its arrival, too.
    pub async fn event(
        &self,
        what: &str,
        mut wanted: impl FnMut(&Event) -> bool,
    ) -> Result<(Event, Instant)> {
        let mut events = self.events.lock().await;
        let found = async {
            loop {
                let (event, at) = events.recv().await.context("the stream of events ended")?;
                if wanted(&event) {
                    return Ok((event, at));
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), found)
            .await
            .with_context(|| format!("{} did not get the event: {what}", self.name))?
    }

    /// Waits until the feed was interrupted and is connected again: later events arrive.
    pub async fn resynced(&self) -> Result<()> {
        self.event("events may have been missed", |event| {
            event.kind == "resync"
        })
        .await
        .map(drop)
    }

    /// Waits until the gateway has ended the stream, as it does when the session is revoked.
    pub async fn signed_out(&self) -> Result<()> {
        let mut events = self.events.lock().await;
        let ended = async { while events.recv().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(30), ended)
            .await
            .with_context(|| format!("{} still gets events", self.name))
    }
}

/// Refusals of a gateway that cannot take requests for the moment, and of requests that waited meanwhile.
fn is_transient(error: &galaxy_client::Error) -> bool {
    ["backend_unavailable", "stale_timestamp"].contains(&error.code())
}
