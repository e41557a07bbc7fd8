//! From the runtime's requests to the plane's and back.
//!
//! Bodies are buffered on both sides: `worker`'s own conversion makes a JavaScript stream of every body, which costs a
//! quarter of the requests per second and loses `Content-Length`. No URL is parsed either: the parser's tables would
//! make the Worker half as large again, and the runtime has normalised the address already.

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::CONTENT_LENGTH;
use http::{Method, Uri};
use worker::{Request, Response};

use super::headers;
use crate::app::App;
use crate::http as http_face;
use crate::http::{ApiError, HEADERS_READ, MAX_BODY_BYTES};

/// Answers `request`.
pub async fn serve(app: &App, request: Request) -> worker::Result<Response> {
    let method = request.inner().method();
    write(match read(request).await {
        Ok(request) => http_face::handle(app, request).await,
        Err(refusal) => http_face::refuse(app, &method, refusal),
    })
}

async fn read(mut request: Request) -> Result<http::Request<Bytes>, ApiError> {
    let mut converted = http::Request::new(Bytes::new());
    *converted.method_mut() =
        Method::from_bytes(request.inner().method().as_bytes()).map_err(|_| ApiError::Malformed("the method"))?;
    *converted.uri_mut() = Uri::try_from(request.inner().url()).map_err(|_| ApiError::Malformed("the address"))?;
    *converted.headers_mut() =
        headers::from_js(request.headers(), &HEADERS_READ).ok_or(ApiError::Malformed("a header"))?;
    if request.inner().body().is_some() {
        let length = converted.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        *converted.body_mut() = Bytes::from(read_body(&mut request, length).await?);
    }
    Ok(converted)
}

/// The body of `request`. `length` is what the caller announced; a body that nothing is said of is read until it ends
/// or passes the limit.
async fn read_body(request: &mut Request, length: Option<usize>) -> Result<Vec<u8>, ApiError> {
    let malformed = |_| ApiError::Malformed("the body");
    match length {
        Some(length) if length > MAX_BODY_BYTES => Err(ApiError::TooLarge),
        Some(_) => request.bytes().await.map_err(malformed),
        None => {
            let mut stream = request.stream().map_err(malformed)?;
            let mut body = Vec::new();
            while let Some(chunk) = stream.try_next().await.map_err(malformed)? {
                if body.len() + chunk.len() > MAX_BODY_BYTES {
                    return Err(ApiError::TooLarge);
                }
                body.extend(chunk);
            }
            Ok(body)
        }
    }
}

/// An answer as the runtime takes it.
pub fn write(response: http_face::Response) -> worker::Result<Response> {
    let (parts, body) = response.into_parts();
    // The runtime counts the body itself.
    let headers = headers::to_js(parts.headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH))?;
    // With a status such as 204 the runtime refuses even a body of no bytes.
    let converted = if body.is_empty() { Response::empty()? } else { Response::from_bytes(body.into())? };
    Ok(converted.with_headers(headers).with_status(parts.status.as_u16()))
}
