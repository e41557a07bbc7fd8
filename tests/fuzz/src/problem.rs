//! What every answer of the plane is like.

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::assert_is_said;
use crate::operator;
use crate::plane::{PLANTED, Plane};

/// Most bytes of a refusal, whatever was refused.
const MOST_BYTES: usize = 64 * 1024;

/// Checks an answer to one request of `method` and everything that the log says of it; returns whether it is a refusal.
pub fn check(plane: &Plane, method: &str, answer: &Response<Bytes>) -> bool {
    let status = answer.status();
    let body = String::from_utf8_lossy(answer.body());
    assert!(!status.is_server_error(), "{status} {body}");
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!((header("cache-control"), header("x-content-type-options")), ("no-store", "nosniff"));
    assert!(header("x-request-id").starts_with("req_"));
    let is_refused = status.is_client_error();
    if method == "HEAD" || status == 204 || status == 304 {
        assert_eq!(body, "");
    } else if header("content-type").starts_with("text/html") {
        page(&body, header("content-security-policy"));
    } else if is_refused {
        problem(&body, answer, header("x-request-id"));
    } else if header("content-type") == "application/json" {
        assert!(serde_json::from_str::<Value>(&body).is_ok_and(|body| body.is_object()), "{body}");
    }
    if status == 405 {
        assert!(header("allow").contains("OPTIONS"));
    }
    if status == 401 {
        let scheme = header("www-authenticate").split(' ').next().unwrap_or_default();
        assert!(["Bearer", "Session", "Cloudflare-Access"].contains(&scheme), "{scheme}");
    }
    let words = plane.words();
    for text in plane.lines().iter().map(String::as_str).chain([body.as_ref()]) {
        for secret in [PLANTED, &words.token, &words.session, operator::TOKEN, crate::fixtures::API_TOKEN] {
            assert!(!text.contains(secret), "a secret in {text}");
        }
    }
    for line in plane.lines() {
        assert_is_said(&line, 2_000);
        assert!(serde_json::from_str::<Value>(&line).is_ok_and(|line| line["request_id"].is_string()), "{line}");
    }
    is_refused
}

/// An element that inputs try to put into a page.
const PLANTED_ELEMENT: &str = "<x-planted";

/// A page, or a part of one, or nothing where a browser is sent on: with nothing in it that the plane did not put there.
fn page(body: &str, policy: &str) {
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!body.contains(PLANTED_ELEMENT), "{body}");
    assert!(body.matches("<script").count() <= 1, "{body}");
    if body.starts_with("<!DOCTYPE html>") {
        assert!(body.ends_with("</html>"), "{body}");
    }
}

/// Problem details (RFC 9457) with all that belongs to them, and no more of the request than it takes.
fn problem(body: &str, answer: &Response<Bytes>, request_id: &str) {
    assert!(body.len() <= MOST_BYTES, "a refusal of {} bytes", body.len());
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    assert_eq!(problem["status"], answer.status().as_u16(), "{body}");
    assert_eq!(problem["request_id"], request_id, "{body}");
    for field in ["type", "title", "detail", "code"] {
        assert_is_said(problem[field].as_str().unwrap_or_default(), 400);
    }
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    assert_eq!(problem["code"] == "invalid", !errors.is_empty(), "{body}");
    for error in errors {
        assert_is_said(error["detail"].as_str().unwrap_or_default(), 400);
        assert!(error["pointer"].as_str().is_some_and(|pointer| pointer.len() <= 500), "{error}");
    }
}
