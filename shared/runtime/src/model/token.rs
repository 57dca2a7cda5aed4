//! What an engine asks of its callers.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use galaxy_core::entropy;

/// `ENGINE_TOKEN` of one epoch of an engine: 256 random bits. It is not shown in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct EngineToken(String);

impl EngineToken {
    /// A new one.
    pub fn generate() -> Self {
        let bytes: [u8; 32] = entropy::bytes(&mut entropy::rng());
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// One that was stored.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the engine's environment, the `Authorization` header and the record.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for EngineToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineToken(…)")
    }
}
