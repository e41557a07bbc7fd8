//! The way out over the runtime's `fetch`.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use js_sys::Uint8Array;
use worker::send::SendFuture;
use worker::{AbortSignal, Fetch, Method, Request, RequestInit, RequestRedirect};

use super::{error_text, headers};
use crate::cloudflare::transport::{HEADERS_READ, TimeLimit, Transport, TransportError};

/// Sends requests by `fetch`.
pub struct FetchTransport {
    timeout_ms: u32,
}

impl FetchTransport {
    /// Gives a call that has no limit of its own up after `timeout_ms`, the reading of its response included.
    pub fn new(timeout_ms: u32) -> Self {
        Self { timeout_ms }
    }

    async fn call(&self, request: http::Request<Bytes>) -> worker::Result<http::Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let mut init = RequestInit::new();
        init.with_method(Method::from(parts.method.as_str().to_owned()))
            .with_headers(headers::to_js(&parts.headers)?)
            // The request carries the account's token: it goes where it is sent and nowhere else.
            .with_redirect(RequestRedirect::Manual)
            .with_body((!body.is_empty()).then(|| Uint8Array::from(body.as_ref()).into()));
        let own = parts.extensions.get().and_then(|TimeLimit(limit)| u32::try_from(limit.as_millis()).ok());
        let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(own.unwrap_or(self.timeout_ms)));
        let request = Request::new_with_init(&parts.uri.to_string(), &init)?;
        let mut response = Fetch::Request(request).send_with_signal(&signal).await?;

        let mut converted = http::Response::new(Bytes::from(response.bytes().await?));
        *converted.status_mut() = http::StatusCode::from_u16(response.status_code())
            .map_err(|error| worker::Error::RustError(error.to_string()))?;
        *converted.headers_mut() = headers::from_js(response.headers(), &HEADERS_READ)
            .ok_or_else(|| worker::Error::RustError("a header of the response is malformed".to_owned()))?;
        Ok(converted)
    }
}

impl Transport for FetchTransport {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(SendFuture::new(async move { self.call(request).await.map_err(|error| transport_error(&error)) }))
    }
}

fn transport_error(error: &worker::Error) -> TransportError {
    match error {
        worker::Error::UnknownJsError { name: Some(name), .. } if name == "TimeoutError" => TransportError::TimedOut,
        other => TransportError::Connection(error_text(other)),
    }
}
