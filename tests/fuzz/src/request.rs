//! Whole requests: any method, address, headers and body.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use serde_json::Value;

use crate::operator;
use crate::plane::{FORM, PLANTED, Plane, Words, request};
use crate::problem::check;
use crate::text;

/// A request as it stands on the wire: `METHOD address`, a line for each header, an empty one, the body. In a header
/// `{token}` is alice's own, `{session}` the cookie of her session and `{operator}` what Access gives an operator; `{secret}`
/// in the body is a value that is not to be seen again. The host is said as it is: it is no place for a secret, and the link
/// to sign in at Access names it. What a form says by `{token}` or `{csrf}`, see [`filled`].
pub fn run(data: &[u8]) {
    answered(data);
}

/// What was answered to the request that `data` is, if it is one.
fn answered(data: &[u8]) -> Option<Answered> {
    let text = String::from_utf8_lossy(data);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let (method, address) = lines.next().unwrap_or_default().split_once(' ')?;
    let (Ok(method), Ok(address)) = (method.parse::<Method>(), address.parse::<Uri>()) else { return None };
    let plane = Plane::new();
    let words = plane.words();
    let is_form = head.to_ascii_lowercase().contains(FORM);
    let body = if is_form { filled(body, words) } else { with_secret(body) };
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method.clone();
    *request.uri_mut() = address.clone();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let value = if name.eq_ignore_ascii_case("host") {
            value.to_owned()
        } else {
            let value = value.replace("{token}", &words.token).replace("{session}", &words.session);
            value.replace("{operator}", operator::TOKEN)
        };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            request.headers_mut().append(name, value);
        }
    }
    Some(ask(plane, request))
}

/// An answer that kept every promise.
struct Answered {
    status: StatusCode,
    body: Bytes,
    /// The pattern of the address, if there is one that it fits.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test asks for it"))]
    route: Option<String>,
}

fn ask(plane: Plane, request: Request<Bytes>) -> Answered {
    let method = request.method().clone();
    // Forms know of none.
    let is_api = ["/v1/", "/admin/api/"].iter().any(|api| request.uri().path().starts_with(api));
    let is_dry_run = is_api
        && request.uri().query().is_some_and(|query| {
            let flag = query.split('&').find_map(|pair| pair.strip_prefix("dry_run"));
            flag.is_some_and(|value| matches!(value, "" | "=" | "=true" | "=1"))
        });
    let answer = plane.answer(request);
    let is_refused = check(&plane, method.as_str(), &answer);
    let line = plane.lines().pop().unwrap_or_default();
    let line: Value = serde_json::from_str(&line).unwrap_or_default();
    let route = line["route"].as_str().map(str::to_owned);
    let is_changed = plane.ends_changed();
    let is_quiet = is_refused || is_dry_run || [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method);
    assert!(!is_quiet || !is_changed, "{method} wrote, and answered {}", answer.status());
    Answered { status: answer.status(), body: answer.into_body(), route }
}

/// `{secret}` becomes the value, unless it stands for a name or for a scope: those are repeated where they are wrong.
fn with_secret(body: &str) -> String {
    let full = body.replace("{secret}", PLANTED);
    let is_value = |value: &Value| !names(value).any(|name| name.contains(PLANTED)) && value.get("scopes").is_none();
    if serde_json::from_str(&full).is_ok_and(|value| is_value(&value)) { full } else { body.to_owned() }
}

/// A form: a field of a secret's value that says `{secret}` has it, `token` has alice's for `{token}`, and `csrf` the proof of
/// her session for `{csrf}`, of the operator's pages for `{desk}`. Anywhere else they might rightly be shown again.
fn filled(body: &str, words: &Words) -> String {
    let field = |pair: &str| match pair.split_once('=') {
        Some((name, "{secret}")) if name.starts_with("value.") => format!("{name}={PLANTED}"),
        Some(("token", "{token}")) => format!("token={}", words.token),
        Some(("csrf", "{csrf}")) => format!("csrf={}", words.csrf),
        Some(("csrf", "{desk}")) => format!("csrf={}", words.desk),
        _ => pair.to_owned(),
    };
    body.split('&').map(field).collect::<Vec<_>>().join("&")
}

/// The names of every field, however deep.
fn names(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::Object(fields) => {
            Box::new(fields.iter().flat_map(|(name, value)| std::iter::once(name.as_str()).chain(names(value))))
        }
        Value::Array(items) => Box::new(items.iter().flat_map(names)),
        _ => Box::new(std::iter::empty()),
    }
}

/// A query of an estimate: what was asked for is what was reckoned with.
pub fn query(data: &[u8]) {
    let text = text(data);
    let Ok(address) = format!("/v1/estimate?{text}").parse::<Uri>() else { return };
    // Without what is behind a `#`.
    let text = address.query().unwrap_or_default().to_owned();
    let mut asked = Request::new(Bytes::new());
    *asked.uri_mut() = address;
    let answered = ask(Plane::new(), asked);
    let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    if answered.status.is_client_error() {
        assert_eq!(answer["code"], "invalid");
        return;
    }
    let is_plain = !text.contains(['%', '+']);
    for pair in text.split('&').filter(|pair| is_plain && !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let used = &answer["estimate"]["usage"][name];
        let is_same = used.as_u64().map_or(used == value, |number| Ok(number) == value.parse());
        assert!(is_same, "{pair}: {used}");
    }
}

/// A sign-up's body, as a dry run: what it asks for is planned, or what is wrong with it is pointed at.
pub fn body(data: &[u8]) {
    let body = with_secret(&String::from_utf8_lossy(data));
    let sent: Result<Value, _> = serde_json::from_str(&body);
    let answered = ask(Plane::new(), request("POST", "/v1/tenants?dry_run=true", &[], body));
    let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    if answered.status.is_client_error() {
        let Ok(sent) = sent else {
            assert!(answer["code"] == "not_json", "{answer}");
            return;
        };
        for error in answer["errors"].as_array().into_iter().flatten() {
            let pointer = error["pointer"].as_str().unwrap_or_default();
            let is_there = sent.pointer(pointer).is_some() || pointer == "/name" || pointer.ends_with('…');
            assert!(is_there, "{pointer} points at nothing");
        }
        return;
    }
    let sent = sent.unwrap_or_default();
    let planned = &answer["wrangler_config"];
    let name = sent["name"].as_str().unwrap_or_default();
    assert_eq!(planned["name"], format!("paramita-cloud-{name}"), "{planned}");
    let size = sent["spec"]["instance_type"].as_str().unwrap_or("standard-1");
    assert_eq!(answer["estimate"]["usage"]["instance_type"], size);
}

#[cfg(test)]
mod tests {
    use paramita::http::routes::ROUTES;

    use super::*;
    use crate::seeds;

    /// What is answered before a handler is reached, and by no handler.
    const AT_THE_GATE: [u16; 5] = [401, 403, 405, 406, 415];

    #[test]
    fn every_route_has_a_seed_that_gets_to_its_handler() {
        let seeds = seeds::read(include_str!("../seeds/request.txt")).unwrap();
        let reached = |seed: &Vec<u8>| {
            let answered = answered(seed)?;
            let method = String::from_utf8_lossy(seed).split(' ').next()?.to_owned();
            (!AT_THE_GATE.contains(&answered.status.as_u16())).then_some((method, answered.route?))
        };
        let reached: Vec<(String, String)> = seeds.iter().filter_map(reached).collect();
        let is_reached =
            |method: &Method, path: &str| reached.iter().any(|(by, at)| *method == by.as_str() && at == path);
        let missing: Vec<String> = ROUTES
            .iter()
            .filter(|route| !is_reached(&route.method, route.path))
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
