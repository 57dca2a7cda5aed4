//! What a game client needs to speak with the gateway: sign in, run operations, follow events.
//!
//! ```no_run
//! # async fn play() -> Result<(), galaxy_client::Error> {
//! use galaxy_client::{Call, Gateway};
//!
//! let gateway = Gateway::new("http://127.0.0.1:8443", "http://127.0.0.1:8000", "…base64…")?;
//! let challenge = gateway.send_email_code("zoe@example.org", Some("en")).await?;
//! let device = gateway
//!     .confirm_email_code(&challenge, "123456", galaxy_client::generate_key(), "Europe/Berlin")
//!     .await?;
//! let account = device.execute(Call::new("get_account")).await?.ok()?;
//! let mut events = device.events();
//! loop {
//!     let event = events.next().await?;
//!     println!("{} {}", event.kind, event.payload);
//! }
//! # }
//! ```
//!
//! Every answer and event is verified against the gateway's key before it is handed over. The rules
//! of signed messages are in `galaxy_proto::signing`.

mod auth;
mod call;
mod device;
mod error;
mod events;
mod gateway;

pub use call::{Call, Response};
pub use device::Device;
pub use error::Error;
pub use events::{Event, Events, Subscription};
pub use gateway::Gateway;

/// A new Ed25519 key for a device.
pub fn generate_key() -> ed25519_dalek::SigningKey {
    let seed = galaxy_core::entropy::bytes::<32>(&mut galaxy_core::entropy::rng());
    ed25519_dalek::SigningKey::from_bytes(&seed)
}
