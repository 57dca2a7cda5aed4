//! The wire contracts: what gateways, clients and the back end say to each other.
//!
//! [`push::v1`] and [`gateway::v1`] are generated from the `.proto` files of this
//! crate, [`canonical`] and [`signing`] hold the rules of signed messages, and
//! [`OPENAPI_YAML`] is the committed REST contract.
#![warn(missing_docs)]

pub mod canonical;
pub mod signing;

/// The stream from push-hub to the gateways.
pub mod push {
    /// Version 1.
    #[expect(
        missing_docs,
        unused_qualifications,
        clippy::pedantic,
        reason = "generated from push.proto"
    )]
    pub mod v1 {
        tonic::include_proto!("galaxy.push.v1");
    }
}

/// The interface of game clients.
pub mod gateway {
    /// Version 1.
    #[expect(
        missing_docs,
        unused_qualifications,
        clippy::pedantic,
        reason = "generated from gateway.proto"
    )]
    pub mod v1 {
        tonic::include_proto!("galaxy.gateway.v1");
    }
}

/// The REST contract as committed in `proto/openapi.yaml`.
pub const OPENAPI_YAML: &str = include_str!("../openapi.yaml");
