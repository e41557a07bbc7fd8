//! The page on which a person signs in, in place of Access's own and of an identity provider.
//!
//! Its address is the one to which Access sends who has no token:
//! `/cdn-cgi/access/login/{host}?kid={audience}&redirect_url={path}` (Cloudflare's `pages-plugin-cloudflare-access`, `generateLoginURL`). Cloudflare
//! sets the application's cookie at the application's host, after one more redirect. Here both are `localhost`, and cookies
//! do not tell ports apart (RFC 6265, section 8.5): so the cookie that this page sets reaches the application at its own port.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::AccessIdentity;
use crate::emulator::Emulator;
use crate::envelope::text_response;
use crate::poke::from_elsewhere;

const COOKIE: &str = "CF_Authorization";

/// Where the page is; behind it comes the host that is to be entered.
const PATH: &str = "/cdn-cgi/access/login/";

/// The page. Nothing of the request is in it, so there is nothing to escape.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 24rem; margin: 4rem auto; padding: 0 1rem }
  input, button { font: inherit; padding: .4rem .6rem; box-sizing: border-box; width: 100%; margin: .25rem 0 }
</style>
<h1>Sign in</h1>
<p>The emulator stands in for Cloudflare Access. No password: you are whom you say.</p>
<form method="post">
  <label for="email">E-mail address</label>
  <input id="email" name="email" type="email" required autocomplete="email" value="operator@example.com">
  <button>Sign in</button>
</form>
"#;

impl Emulator {
    /// What Access, in front of the application of this audience at `host`, answers who shows no token: on to the team's page
    /// to sign in. The form of the address is that of `generateLoginURL`, see above; Access adds `meta`, a token of its own.
    pub fn access_challenge(&self, team_url: &str, host: &str, audience: &str, path: &str) -> Response<Bytes> {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("kid", audience), ("redirect_url", path), ("meta", "e30.e30.")])
            .finish();
        let mut response = text_response(StatusCode::FOUND, "text/html", "");
        if let Ok(location) = HeaderValue::try_from(format!("{team_url}{PATH}{host}?{query}")) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Answer a browser's call below `/cdn-cgi/access/`. `host` is the emulator's own, by which the browser knows it.
pub(crate) fn handle(
    emulator: &Emulator,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Bytes> {
    let html = "text/html; charset=utf-8";
    let bad = |text| text_response(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", text);
    let asked = |of: &[u8], name: &str| {
        form_urlencoded::parse(of).find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    if path == "/cdn-cgi/access/logout" {
        let mut response = text_response(StatusCode::OK, "text/plain; charset=utf-8", "Signed out.\n");
        set_cookie(&mut response, &format!("{COOKIE}=; Path=/; Max-Age=0"));
        return response;
    }
    let Some(host) = path.strip_prefix(PATH) else {
        return text_response(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "Nothing is here.\n");
    };
    let audience = asked(query.as_bytes(), "kid");
    let Some(target) = target(host, &asked(query.as_bytes(), "redirect_url")) else {
        return bad("Only to an address of this machine: login/localhost:8787?kid=AUDIENCE&redirect_url=/path\n");
    };
    if audience.is_empty() {
        return bad("Say by kid= for which application: its audience tag.\n");
    }
    if method != Method::POST {
        return text_response(StatusCode::OK, html, PAGE);
    }
    if from_elsewhere(headers) {
        return text_response(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", "Not for pages of another origin.\n");
    }
    let email = asked(body, "email");
    if !email.contains('@') {
        return bad("An e-mail address has an @.\n");
    }
    let own_host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let claims = emulator.access_claims(&format!("http://{own_host}"), &audience, AccessIdentity::Person(&email));
    let token = emulator.access_token(&claims);
    let mut response = text_response(StatusCode::SEE_OTHER, html, "");
    response.headers_mut().insert(header::LOCATION, target);
    set_cookie(&mut response, &format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax"));
    response
}

/// Where to go afterwards: a path at a port of this machine, and nowhere else, whatever the link said.
fn target(host: &str, path: &str) -> Option<HeaderValue> {
    let port = host.strip_prefix("localhost:")?;
    let port: u16 = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
    let path = if path.is_empty() { "/" } else { path };
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    is_path.then(|| HeaderValue::from_str(&format!("http://localhost:{port}{path}")).ok())?
}

fn set_cookie(response: &mut Response<Bytes>, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}
