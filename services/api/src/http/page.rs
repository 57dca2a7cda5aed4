//! `?limit=` and `?cursor=` of every list.

use galaxy_core::{Cursor, InvalidCursor, Limit};
use galaxy_http::{ApiError, Invalid};
use galaxy_store::ListError;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items a page, 1 to 200; 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 512)]
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The limit and the key to go on after. 400 if the limit is out of range or the cursor is not of `list`.
    pub fn read<K: DeserializeOwned>(&self, list: &str) -> Result<(Limit, Option<K>), ApiError> {
        let limit = self.limit()?;
        let after = Cursor::after(list, self.cursor.as_deref()).map_err(invalid_cursor)?;
        Ok((limit, after))
    }

    /// The limit alone, for lists that read the cursor themselves. 400 if it is out of range.
    pub fn limit(&self) -> Result<Limit, ApiError> {
        let mut invalid = Invalid::default();
        let limit = match self.limit {
            None => Some(Limit::DEFAULT),
            Some(limit) => invalid.check("limit", Limit::new(limit).ok_or("must be 1 to 200")),
        };
        invalid.finish(limit)
    }
}

/// The response to a list of another crate that fails.
pub fn list_error(error: ListError) -> ApiError {
    match error {
        ListError::Cursor(error) => invalid_cursor(error),
        ListError::Store(error) => error.into(),
    }
}

/// 400 `invalid_cursor`.
fn invalid_cursor(error: InvalidCursor) -> ApiError {
    ApiError::new(
        axum::http::StatusCode::BAD_REQUEST,
        "invalid_cursor",
        sentence(&error.to_string()),
    )
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}
