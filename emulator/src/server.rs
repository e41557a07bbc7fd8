//! The server face: loopback only, HTTP/1.1. Tells apart by Host and path what goes to the API, to the poke routes, to a tenant.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::access;
use crate::emulator::{Dropped, Emulator};
use crate::envelope::text_response;
use crate::poke;
use crate::proxy::{Body, Proxy, whole};
use crate::{s3, turnstile};

/// Why a connection ends without a reply; hyper closes it then.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Dropped(#[from] Dropped),
    #[error("the request's body ended early")]
    Body(#[from] hyper::Error),
    #[error("the call panicked")]
    Panicked(#[from] tokio::task::JoinError),
}

/// An emulator with its sockets.
#[derive(Debug)]
pub struct Server {
    emulator: Emulator,
    proxy: Proxy,
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Server {
    /// Bind the port on loopback, IPv4 and where there is one IPv6; 0 for any free one. `tenants` is where a runner serves them.
    pub async fn bind(emulator: Emulator, port: u16, tenants: Option<String>) -> io::Result<Self> {
        let first = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        // `localhost` may mean either. A machine without IPv6 does with the first.
        if let Ok(second) = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
            listeners.push(second);
        }
        Ok(Self { emulator, proxy: Proxy::new(tenants), listeners, port })
    }

    /// The port that is bound.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serve until `until` comes about. Calls under way are cut off then; what they have changed is saved.
    pub async fn serve(self, until: impl Future<Output = ()>) {
        for listener in self.listeners {
            let (emulator, proxy) = (self.emulator.clone(), self.proxy.clone());
            tokio::spawn(async move {
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            tokio::spawn(connection(stream, emulator.clone(), proxy.clone()));
                        }
                        // Out of file descriptors, for one: others must be let go first.
                        Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                    }
                }
            });
        }
        until.await;
    }
}

async fn connection(stream: TcpStream, emulator: Emulator, proxy: Proxy) {
    // Small replies must not wait for more to send. A socket that refuses is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(emulator.clone(), proxy.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error is a client that has gone, or one of the faults that break connections on purpose.
    let _ = connection.with_upgrades().await;
}

async fn answer(emulator: Emulator, proxy: Proxy, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("").to_owned();
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    if let Some(script) = name.strip_suffix(".localhost") {
        return Ok(proxy.pass(&emulator, script, request).await);
    }
    let (head, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let path = head.uri.path();
    let response = if is_api(path) {
        // In a task of its own: a call that was read is carried out, whether or not its caller still listens.
        tokio::spawn(async move { emulator.handle(Request::from_parts(head, bytes)).await }).await??
    } else if path.starts_with(poke::PREFIX) {
        let query = head.uri.query().unwrap_or("");
        poke::handle(&emulator, &head.method, path, query, &head.headers, &bytes).await
    } else if path.starts_with(access::PREFIX) {
        access::sign_in::handle(&emulator, &head.method, path, head.uri.query().unwrap_or(""), &head.headers, &bytes)
    } else {
        let text = "A stand-in for the Cloudflare API.\n\n/client/v4/        the API\n/s3/ACCOUNT/       R2's S3 API\n/turnstile/v0/     Turnstile's siteverify\n/cdn-cgi/access/   a team of Cloudflare Access\n/__emulator/state  what exists\n";
        let status = if path == "/" { StatusCode::OK } else { StatusCode::NOT_FOUND };
        text_response(status, "text/plain; charset=utf-8", text)
    };
    Ok(response.map(whole))
}

/// Whether the path is that of one of the APIs that are emulated.
fn is_api(path: &str) -> bool {
    path == "/cdn-cgi/access/certs"
        || ["/client/v4/", s3::PREFIX, turnstile::PREFIX].iter().any(|prefix| path.starts_with(prefix))
}
