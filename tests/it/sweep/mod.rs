//! Every route, by every method, for everybody who may come: [`table`] says what is answered.

mod browser;
mod caller;
mod table;
mod world;

use http::HeaderMap;
use paramita::http::routes::ROUTES;
use paramita::rate_limit::Limit;
use serde_json::{Value as Json, json};

use self::caller::{Caller, Cookie};
use self::table::{Row, TABLE};
use self::world::World;
use crate::plane::Answer;

/// Methods that a caller may think of.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"];

/// What every answer of data has.
const ALWAYS: [(&str, &str); 6] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
];

#[test]
fn the_table_has_every_route_once_and_no_other() {
    let mut routes: Vec<String> = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let mut rows: Vec<String> = TABLE.iter().map(|row| format!("{} {}", row.method, row.path)).collect();
    routes.sort_unstable();
    rows.sort_unstable();
    let missing: Vec<&String> = routes.iter().filter(|route| !rows.contains(route)).collect();
    assert!(missing.is_empty(), "routes that tests/it/sweep/table.rs says nothing of: {missing:?}");
    assert_eq!(rows, routes);
}

#[tokio::test(start_paused = true)]
async fn every_route_answers_every_caller_as_the_table_says() {
    for caller in Caller::ALL {
        let world = World::of(caller).await;
        let before = world.plane.written();
        for row in TABLE {
            let expected = row.answer_to(caller);
            // What changes something gets a world of its own.
            if row.method != "GET" && expected.starts_with(['2', '3']) {
                check_change(row, caller, expected).await;
                continue;
            }
            let answer = world.ask(row.method, row.path, row.body).await;
            check(&world, row, caller, expected, &answer);
            assert!(world.plane.written() == before, "{caller:?} has {} {} write", row.method, row.path);
            if row.method == "GET" {
                check_head(row, caller, &answer, &world.ask("HEAD", row.path, "").await);
            }
        }
        assert!(world.plane.written() == before, "a HEAD wrote for {caller:?}");
        assert!(world.plane.next_nudge().is_none(), "a nudge for {caller:?}");
        world.check_log();
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_deleted_tenant_shows_that_one_and_not_the_one_that_has_its_name_now() {
    for (caller, phase) in [(Caller::Tombstone, "deleted"), (Caller::Own, "pending")] {
        let world = World::of(caller).await;
        let shown = world.ask("GET", "/v1/tenants/{name}", "").await.expect(200);
        assert_eq!(shown["tenant"]["phase"], phase, "{caller:?}");
    }
}

/// A change that is made: written down if that is what the answer says, and of nobody else.
async fn check_change(row: &Row, caller: Caller, expected: &str) {
    let world = World::of(caller).await;
    let before = world.plane.written();
    let answer = world.ask(row.method, row.path, row.body).await;
    check(&world, row, caller, expected, &answer);
    world.check_log();
    if matches!(answer.status.as_u16(), 201 | 202) {
        assert!(world.plane.written() != before, "{caller:?}: {} {} wrote nothing", row.method, row.path);
    }
    if caller.is_tombstone() && row.path.contains("{name}") {
        assert!(world.plane.written() == before, "{} {} of a tombstone wrote", row.method, row.path);
    }
}

#[track_caller]
fn check(world: &World, row: &Row, caller: Caller, expected: &str, answer: &Answer) {
    let case = format!("{} {} by {caller:?}", row.method, row.path);
    if row.is_page() {
        assert_eq!(outcome(world, answer), expected, "{case}");
        let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
        let expected = if row.is_console() { "Cloudflare-Access" } else { "Session realm=\"tenant\"" };
        assert!(answer.status != 401 || challenge == Some(expected), "{case}: {challenge:?}");
        assert!(row.sets_cookie() || !answer.headers.contains_key("set-cookie"), "{case}");
        return check_page(&case, answer);
    }
    let code = if answer.status.as_u16() < 400 { String::new() } else { answer.problem(answer.status.as_u16()) };
    assert_eq!(format!("{} {code}", answer.status.as_u16()).trim_end(), expected, "{case}: {}", answer.text);
    check_headers(&case, answer);
    let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
    match expected {
        "401 token_missing" => assert_eq!(challenge, Some("Bearer realm=\"tenant\""), "{case}"),
        "401 token_malformed" | "401 token_expired" | "401 token_revoked" => {
            assert_eq!(challenge, Some("Bearer error=\"invalid_token\""), "{case}");
        }
        "403 scope_missing" => assert!(challenge.unwrap().starts_with("Bearer error=\"insufficient_scope\""), "{case}"),
        "401 not_operator" => assert_eq!(challenge, Some("Cloudflare-Access"), "{case}"),
        _ => assert_eq!(challenge, None, "{case}"),
    }
}

/// A page's status, and where it sends a browser on or what the log says is wrong: the page says so in words.
fn outcome(world: &World, answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let location = answer.headers.get("location").map(|location| location.to_str().unwrap().to_owned());
    let back = location.as_deref().map(|location| location.split_once("?done=").map_or(location, |(_, done)| done));
    let line = world.plane.lines_of("request").pop().unwrap();
    assert_eq!(line["status"], status);
    format!("{status} {}", back.or(line["code"].as_str()).unwrap_or_default()).trim_end().to_owned()
}

/// What holds for every answer of data.
#[track_caller]
fn check_headers(case: &str, answer: &Answer) {
    let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap());
    for (name, value) in ALWAYS {
        assert_eq!(header(name), Some(value), "{case}: {name}");
    }
    let id = header("x-request-id").and_then(|id| id.strip_prefix("req_")).unwrap_or_default();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{case}: {:?}", answer.headers);
    assert!(header("ratelimit-policy").is_some_and(|policy| policy.contains(";q=")), "{case}");
    for name in answer.headers.keys() {
        let name = name.as_str();
        assert!(!name.starts_with("access-control-") && name != "set-cookie", "{case}: {name}");
        assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{case}: {name}");
    }
}

/// What holds for every page: nothing of other origins, nothing inline, in no frame.
#[track_caller]
fn check_page(case: &str, answer: &Answer) {
    let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{case}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{case}: {policy}");
    let is_sent_on = answer.status == 303;
    assert_eq!(header("referrer-policy"), if is_sent_on { "no-referrer" } else { "same-origin" }, "{case}");
    for name in ["cache-control", "cross-origin-resource-policy", "strict-transport-security", "x-content-type-options"]
    {
        let (_, value) = ALWAYS.iter().find(|(always, _)| *always == name).unwrap();
        assert_eq!(header(name), *value, "{case}: {name}");
    }
    assert!(header("content-type").starts_with("text/html"), "{case}");
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")), "{case}");
}

/// A `HEAD` is answered as a `GET`, without the body.
#[track_caller]
fn check_head(row: &Row, caller: Caller, get: &Answer, head: &Answer) {
    let case = format!("HEAD {} by {caller:?}", row.path);
    if row.is_page() {
        check_page(&case, head);
    } else {
        check_headers(&case, head);
    }
    assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{case}");
    let mut headers = [get.headers.clone(), head.headers.clone()];
    headers.iter_mut().for_each(without_id);
    assert_eq!(headers[0], headers[1], "{case}");
}

fn without_id(headers: &mut HeaderMap) {
    assert!(headers.remove("x-request-id").is_some());
}

#[tokio::test(start_paused = true)]
async fn methods_that_an_address_does_not_take_are_named_to_everybody_alike_and_do_nothing() {
    for caller in [Caller::Nobody, Caller::Own, Caller::Session(Cookie::Own), Caller::Operator] {
        let world = World::of(caller).await;
        let before = world.plane.written();
        for row in TABLE {
            let allow = row.allow();
            for method in METHODS.into_iter().filter(|method| !allow.contains(method)).chain(["OPTIONS"]) {
                let case = format!("{method} {} by {caller:?}", row.path);
                let (answer, effort) = world.ask_measured(method, row.path, row.body).await;
                if row.is_page() && method != "OPTIONS" {
                    check_page(&case, &answer);
                } else {
                    check_headers(&case, &answer);
                }
                let mut named: Vec<&str> = answer.headers["allow"].to_str().unwrap().split(", ").collect();
                named.sort_unstable();
                assert_eq!(named, allow, "{case}");
                assert!(effort.is_empty(), "{case}: {effort:?}");
                if method == "OPTIONS" {
                    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{case}");
                } else if row.is_page() {
                    assert_eq!(answer.status, 405, "{case}");
                } else {
                    assert_eq!(answer.problem(405), "method_not_allowed", "{case}");
                }
            }
        }
        assert!(world.plane.written() == before);
    }
}

/// An answer but for the id of its request.
fn but_for_its_id(answer: &Answer) -> (u16, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    let id = headers["x-request-id"].to_str().unwrap().to_owned();
    without_id(&mut headers);
    (answer.status.as_u16(), headers, answer.text.replace(&id, "(id)"))
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_callers_is_answered_with_the_same_words_and_effort_as_what_is_not_there() {
    for caller in [Caller::Unknown, Caller::Other, Caller::Revoked, Caller::Expired] {
        let world = World::of(caller).await;
        for row in TABLE.iter().filter(|row| row.path.starts_with("/v1/tenants/")) {
            let case = format!("{} {} by {caller:?}", row.method, row.path);
            let (there, effort) = world.ask_measured(row.method, row.path, row.body).await;
            assert!(!effort.is_empty() && there.status.is_client_error(), "{case}");
            for other in [
                row.path.replace("{name}", "nobody-is-called-so"),
                row.path.replace("{name}", "No%20Name"),
                row.path.replace("{secret}", "NOT_SET").replace("{token}", "tok_x"),
            ] {
                let (not_there, also) = world.ask_measured(row.method, &other, row.body).await;
                assert_eq!(but_for_its_id(&there), but_for_its_id(&not_there), "{case}, {other}");
                assert_eq!(effort, also, "{case}, {other}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_at_no_address_is_answered_in_the_same_manner() {
    let world = World::of(Caller::Own).await;
    for path in
        ["/nothing", "/v1", "/v1/tenants/", "/v1/tenants/alice/", "/v1/tenants/alice/x", "//", "/%2e%2e/healthz"]
    {
        let (answer, effort) = world.ask_measured("GET", path, "").await;
        assert_eq!(answer.problem(404), "no_such_route", "{path}");
        check_headers(path, &answer);
        assert!(effort.is_empty(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_says_which_operator_asked_and_of_nobody_else_that_he_is_one() {
    for (caller, said) in [(Caller::Operator, json!("ada@example.com")), (Caller::NoRole, Json::Null)] {
        let world = World::of(caller).await;
        world.ask("POST", "/admin/api/invites", "{}").await;
        assert_eq!(world.plane.lines_of("request").last().unwrap()["operator"], said, "{caller:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_the_log_says_of_a_request_has_the_id_of_that_request() {
    for caller in [Caller::Forger, Caller::NoRole] {
        let world = World::of(caller).await;
        let answer = world.ask("GET", "/admin/api/invites", "").await;
        for event in ["request", "access_refused"] {
            let line = world.plane.lines_of(event).pop().unwrap();
            assert_eq!(line["request_id"], answer.headers["x-request-id"].to_str().unwrap(), "{caller:?}: {line}");
        }
        assert!(world.plane.lines_of("access_keys").iter().all(|line| line["request_id"].is_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_names_the_limit_of_requests() {
    let world = World::of(Caller::Own).await;
    let policy = Limit::Requests.policy().header();
    for path in ["/healthz", "/v1/tenants/{name}", "/nothing"] {
        assert_eq!(world.ask("GET", path, "").await.headers["ratelimit-policy"], policy.as_str(), "{path}");
    }
}
