//! Whole requests: any method, address, headers and body.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde_json::Value;

use crate::plane::{PLANTED, Plane, request};
use crate::problem::check;
use crate::text;

/// A request as it stands on the wire: `METHOD address`, a line for each header, an empty one, the body. `{token}` in a
/// header is alice's own; `{secret}` in the body is a value that is not to be seen again.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let Some((method, address)) = lines.next().unwrap_or_default().split_once(' ') else { return };
    let (Ok(method), Ok(address)) = (method.parse::<Method>(), address.parse::<Uri>()) else { return };
    let plane = Plane::new();
    let mut request = Request::new(Bytes::from(with_secret(body)));
    *request.method_mut() = method.clone();
    *request.uri_mut() = address.clone();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let value = value.replace("{token}", plane.token());
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            request.headers_mut().append(name, value);
        }
    }
    ask(plane, request);
}

fn ask(plane: Plane, request: Request<Bytes>) -> (bool, Bytes) {
    let method = request.method().clone();
    let is_dry_run = request.uri().query().is_some_and(|query| {
        let flag = query.split('&').find_map(|pair| pair.strip_prefix("dry_run"));
        flag.is_some_and(|value| matches!(value, "" | "=" | "=true" | "=1"))
    });
    let answer = plane.answer(request);
    let is_refused = check(&plane, method.as_str(), &answer);
    let is_changed = plane.ends_changed();
    let is_quiet = is_refused || is_dry_run || [Method::GET, Method::HEAD, Method::OPTIONS].contains(&method);
    assert!(!is_quiet || !is_changed, "{method} wrote, and answered {}", answer.status());
    (is_refused, answer.into_body())
}

/// `{secret}` becomes the value, unless it stands for a name or for a scope: those are repeated where they are wrong.
fn with_secret(body: &str) -> String {
    let full = body.replace("{secret}", PLANTED);
    let is_value = |value: &Value| !names(value).any(|name| name.contains(PLANTED)) && value.get("scopes").is_none();
    if serde_json::from_str(&full).is_ok_and(|value| is_value(&value)) { full } else { body.to_owned() }
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
    let (is_refused, answer) = ask(Plane::new(), asked);
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if is_refused {
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
    let (is_refused, answer) = ask(Plane::new(), request("POST", "/v1/tenants?dry_run=true", &[], body));
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if is_refused {
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
