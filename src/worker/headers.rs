//! Headers, from JavaScript and back. The runtime shows the bytes of a value as UTF-8, and lossily where they are not.

use http::{HeaderMap, HeaderName, HeaderValue};
use worker::Headers;

/// Of `headers` those of these names, as the `http` crate has them; `None` if one of them is malformed, which the runtime
/// does not let through. By name, since code that knows every name there is would be 1 % of the Worker.
pub fn from_js(headers: &Headers, names: &[HeaderName]) -> Option<HeaderMap> {
    let mut converted = HeaderMap::with_capacity(names.len());
    for name in names {
        if let Some(value) = headers.get(name.as_str()).ok()? {
            converted.insert(name.clone(), HeaderValue::try_from(value).ok()?);
        }
    }
    Some(converted)
}

/// `headers` as the runtime takes them.
pub fn to_js<'a>(headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> worker::Result<Headers> {
    let converted = Headers::new();
    for (name, value) in headers {
        converted.append(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
    }
    Ok(converted)
}
