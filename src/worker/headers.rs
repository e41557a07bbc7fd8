//! Headers, from JavaScript and back. The runtime shows the bytes of a value as UTF-8, and lossily where they are not.

use http::{HeaderMap, HeaderName, HeaderValue};
use worker::Headers;

/// `headers` as the `http` crate has them; `None` if one of them is malformed, which the runtime does not let through.
pub fn from_js(headers: &Headers) -> Option<HeaderMap> {
    headers
        .entries()
        .map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)))
        .collect()
}

/// `headers` as the runtime takes them.
pub fn to_js<'a>(headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> worker::Result<Headers> {
    let converted = Headers::new();
    for (name, value) in headers {
        converted.append(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
    }
    Ok(converted)
}
