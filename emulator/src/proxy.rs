//! Passes requests for `{script}.localhost` on to the runner, which knows the tenants by the same Host header.

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::emulator::Emulator;
use crate::envelope::text_response;

/// A body of either kind: whole, or still on its way.
pub(crate) type Body = BoxBody<Bytes, hyper::Error>;

/// A body that is there.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    text_response(status, "text/plain; charset=utf-8", text).map(whole)
}

/// The way to the tenants.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// Base URL of the runner's tenants; `None` when no runner runs.
    tenants: Option<String>,
    client: Client<HttpConnector, Incoming>,
}

impl Proxy {
    pub(crate) fn new(tenants: Option<String>) -> Self {
        Self { tenants, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Streams both ways; a WebSocket's connection is joined once the tenant has agreed to it.
    pub(crate) async fn pass(
        &self,
        emulator: &Emulator,
        script: &str,
        mut request: Request<Incoming>,
    ) -> Response<Body> {
        match emulator.route_enabled(script) {
            None => return plain(StatusCode::NOT_FOUND, &format!("There is no Worker {script} in this account.\n")),
            Some(false) => {
                return plain(StatusCode::NOT_FOUND, &format!("The workers.dev route of {script} is off.\n"));
            }
            Some(true) => {}
        }
        let Some(tenants) = &self.tenants else {
            return plain(StatusCode::NOT_IMPLEMENTED, "This emulator runs no Workers: start it with --runner.\n");
        };
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let Ok(uri) = format!("{tenants}{target}").parse::<Uri>() else {
            return plain(StatusCode::BAD_REQUEST, "The address cannot be understood.\n");
        };
        *request.uri_mut() = uri;
        let upgrade = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let mut response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => return plain(StatusCode::BAD_GATEWAY, &format!("The Worker did not answer: {error}\n")),
        };
        if let Some(near) = upgrade.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS) {
            let far = hyper::upgrade::on(&mut response);
            tokio::spawn(async move {
                if let (Ok(near), Ok(far)) = (near.await, far.await) {
                    // Either side may break off at any time; there is nobody to tell.
                    let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(near), &mut TokioIo::new(far)).await;
                }
            });
        }
        response.map(|body| body.boxed())
    }
}
