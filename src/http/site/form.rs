//! What a form sent (URL Standard, `application/x-www-form-urlencoded`).

use http::header::CONTENT_TYPE;

use crate::http::MAX_BODY_BYTES;
use crate::http::call::Call;
use crate::http::error::ApiError;

/// The fields of a form.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of `call`.
    pub fn read(call: &Call) -> Result<Self, ApiError> {
        let media_type = call.header(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ApiError::NotAForm);
        }
        if call.body.len() > MAX_BODY_BYTES {
            return Err(ApiError::TooLarge);
        }
        Ok(Self(form_urlencoded::parse(&call.body).into_owned().collect()))
    }

    /// A field's text; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(given, _)| given == name).map_or("", |(_, text)| text)
    }

    /// Every text of a field that may be there more than once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, text)| text.as_str())
    }

    /// The fields whose name starts with `prefix`, which is left out.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, text)| Some((name.strip_prefix(prefix)?, text.as_str())))
    }
}
