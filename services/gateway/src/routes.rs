//! The route table: each operation tagged `User` in the REST contract is a message type, named by its `operationId`.

use std::collections::HashMap;

use http::Method;
use serde::Deserialize;

/// The paths of operations that `api` forwards to an engine.
const ENGINE_PREFIX: &str = "/api/v1/user/games/";

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The message type.
    pub operation_id: String,
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: String,
}

/// Classes of operations. Each has limits of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Changes nothing.
    Read,
    /// Changes something.
    Write,
    /// Is forwarded to an engine by `api`.
    Engine,
    /// Opens a stream of events.
    Subscribe,
}

/// All operations by message type.
#[derive(Debug, Clone, Default)]
pub struct Routes(HashMap<String, Route>);

/// Why no route table can be read from the contract.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    /// It is not an OpenAPI document.
    #[error("the REST contract cannot be read: {0}")]
    Document(#[from] serde_norway::Error),
    /// An operation has no id, or one that another has too.
    #[error("{0} has no operationId of its own")]
    OperationId(String),
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    paths: HashMap<String, HashMap<String, serde_norway::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    #[serde(default)]
    tags: Vec<String>,
    operation_id: Option<String>,
}

impl Routes {
    /// Reads the operations tagged `User` of an OpenAPI document in YAML.
    pub fn parse(document: &str) -> Result<Self, RoutesError> {
        let document: Document = serde_norway::from_str(document)?;
        let mut routes = HashMap::new();
        for (path, item) in document.paths {
            for (method, operation) in item {
                let Some(method) = method_of(&method) else {
                    continue;
                };
                let operation: Operation = serde_norway::from_value(operation)?;
                if !operation.tags.iter().any(|tag| tag == "User") {
                    continue;
                }
                let name = format!("{method} {path}");
                let Some(operation_id) = operation.operation_id else {
                    return Err(RoutesError::OperationId(name));
                };
                let route = Route {
                    operation_id: operation_id.clone(),
                    method,
                    path: path.clone(),
                };
                if routes.insert(operation_id, route).is_some() {
                    return Err(RoutesError::OperationId(name));
                }
            }
        }
        Ok(Self(routes))
    }

    /// The operation of a message type.
    pub fn find(&self, message_type: &str) -> Option<&Route> {
        self.0.get(message_type)
    }

    /// The number of operations.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl Route {
    pub fn class(&self) -> Class {
        if self.path.starts_with(ENGINE_PREFIX) {
            Class::Engine
        } else if self.method == Method::GET {
            Class::Read
        } else {
            Class::Write
        }
    }
}

/// The method of a member of a path item; `None` for its other members.
fn method_of(name: &str) -> Option<Method> {
    match name {
        "get" => Some(Method::GET),
        "put" => Some(Method::PUT),
        "post" => Some(Method::POST),
        "patch" => Some(Method::PATCH),
        "delete" => Some(Method::DELETE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "
openapi: 3.1.0
paths:
  /api/v1/user/account:
    parameters: []
    get: { tags: [User], operationId: get_account }
  /api/v1/user/games/{game_id}/orders:
    post: { tags: [User], operationId: submit_orders }
  /api/v1/user/account/profile:
    patch: { tags: [User], operationId: update_profile }
  /api/v1/admin/users:
    get: { tags: [Admin], operationId: list_users }
";

    #[test]
    fn exactly_the_operations_of_users_are_routes() {
        let routes = Routes::parse(DOCUMENT).unwrap();
        assert_eq!(routes.count(), 3);
        assert!(routes.find("list_users").is_none());
        let orders = routes.find("submit_orders").unwrap();
        assert_eq!(orders.class(), Class::Engine);
        assert_eq!(routes.find("get_account").unwrap().class(), Class::Read);
        assert_eq!(routes.find("update_profile").unwrap().class(), Class::Write);
    }

    #[test]
    fn an_operation_without_an_id_of_its_own_stops_the_gateway_from_starting() {
        let doubled = DOCUMENT.replace("submit_orders", "get_account");
        assert!(matches!(
            Routes::parse(&doubled),
            Err(RoutesError::OperationId(_))
        ));
        let nameless = DOCUMENT.replace("operationId: get_account", "summary: account");
        assert!(matches!(
            Routes::parse(&nameless),
            Err(RoutesError::OperationId(_))
        ));
    }

    #[test]
    fn the_committed_contract_can_be_read() {
        Routes::parse(galaxy_proto::OPENAPI_YAML).unwrap();
    }
}
