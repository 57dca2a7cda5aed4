//! The settings of sign-in.

use std::time::Duration;

use galaxy_service::{Section, Vars};

/// How sign-in codes are given out.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long a code is valid.
    pub code_ttl: Duration,
    /// Codes that one source address may request in an hour.
    pub codes_per_address_per_hour: u32,
}

impl Section for Settings {
    fn read(vars: &mut Vars) -> Option<Self> {
        let code_ttl = vars.or(
            "BACKEND_AUTH_CODE_TTL",
            "10m",
            "How long a sign-in code is valid",
        );
        let codes = vars.or(
            "BACKEND_AUTH_CODES_PER_ADDRESS_PER_HOUR",
            "60",
            "Sign-in codes that one source address may ask for in an hour",
        );
        Some(Self {
            code_ttl: code_ttl?,
            codes_per_address_per_hour: codes?,
        })
    }
}
