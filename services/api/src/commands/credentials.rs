//! `api credentials`: what a person who operates the deployment needs to know, for scripts.

use galaxy_http::bearer;
use galaxy_service::Vars;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::operators::FirstOperator;

/// `{"gateway_token", "admin": {"user", "password"}}` of the settings, `null` for what is not set. `None`: a setting is wrong.
pub(super) fn json(vars: &mut Vars) -> Option<String> {
    let token = bearer::read_token(vars);
    let operator = FirstOperator::read(vars);
    let admin = operator?.map(
        |operator| json!({ "user": operator.user, "password": operator.password.expose_secret() }),
    );
    let token = token?;
    // While a token takes another's place, the first is the new one.
    let token = token.and_then(|token| token.lines().first().cloned());
    let token = token.as_ref().map(ExposeSecret::expose_secret);
    Some(format!(
        "{:#}\n",
        json!({ "gateway_token": token, "admin": admin })
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn scripts_get_the_credentials_that_the_process_has() {
        let mut vars = Vars::from_lookup(|name| {
            let value = match name {
                "BACKEND_GATEWAY_TOKEN" => "token\nof before",
                "BACKEND_ADMIN_BOOTSTRAP_USER" => "admin",
                "BACKEND_ADMIN_BOOTSTRAP_PASSWORD" => "a long password",
                _ => return None,
            };
            Some(value.to_owned())
        });
        let printed: Value = serde_json::from_str(&json(&mut vars).unwrap()).unwrap();
        let admin = json!({ "user": "admin", "password": "a long password" });
        assert_eq!(printed, json!({ "gateway_token": "token", "admin": admin }));
        assert_eq!(json(&mut Vars::from_lookup(|_| None)), None);
    }
}
