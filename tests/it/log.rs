//! The log: what it says of a request and of all that follows from it, and what it never says.

use cloudflare_emulator::{Effect, Fault};
use paramita::cloudflare::Operation;
use serde_json::{Value as Json, json};

use crate::plane::{API_TOKEN, TestPlane};

const PLANTED: &str = "planted-secret-0cc175b9c0f1b6a8";

fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The values of a field, line by line.
fn all<'a>(lines: &'a [Json], field: &str) -> Vec<&'a Json> {
    lines.iter().map(|line| &line[field]).collect()
}

/// Whether a path of the emulator's journal is one that an operation's route makes.
fn fits(route: &str, path: &str) -> bool {
    let below = path.splitn(4, '/').nth(3).unwrap();
    let (mut route, mut path) = (route.split('/'), below.split('/'));
    route.by_ref().zip(path.by_ref()).all(|(pattern, part)| pattern == part || pattern == "{}")
        && (route.next(), path.next()) == (None, None)
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_sign_up_leads_to_has_its_id_and_each_call_has_its_line() {
    let plane = TestPlane::new().await;
    let answer = plane.post("/v1/tenants", &json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": PLANTED}})).await;
    let request_id = answer.headers["x-request-id"].to_str().unwrap();
    plane.until_quiet().await;

    let lines = plane.lines();
    let journal = plane.emulator.journal();
    assert_eq!(lines.len(), 1 + journal.len() + 1, "{lines:?}");
    assert!(lines.iter().all(|line| line["request_id"] == request_id && line["at"].is_string()), "{lines:?}");

    let request = &lines[0];
    let expected = json!({"at": request["at"], "level": "info", "event": "request", "request_id": request_id,
        "method": "POST", "route": "/v1/tenants", "status": 202, "db_calls": 3, "ms": 0});
    assert_eq!(request, &expected);

    let calls = plane.lines_of("call");
    let tenant = text(&calls[0]["tenant"]);
    for (line, entry) in calls.iter().zip(&journal) {
        let operation = Operation::ALL.iter().find(|known| line["kind"] == known.name()).unwrap();
        assert!(fits(operation.route(), &entry.path), "{line} for {entry:?}");
        assert_eq!(operation.method().as_str(), entry.method, "{line}");
        let outcome = if entry.status.is_some_and(|status| status < 400) { "ok" } else { "refused" };
        let expected = json!({"status": entry.status, "code": entry.code, "outcome": outcome, "level": "info"});
        assert!(expected.as_object().unwrap().iter().all(|(field, value)| line[field] == *value), "{line} {entry:?}");
        assert_eq!(line["tenant"], tenant);
    }

    let round = lines.last().unwrap();
    let expected = json!({"at": round["at"], "level": "info", "event": "round", "request_id": request_id,
        "tenant": tenant, "outcome": "converged", "attempts": 1, "calls": journal.len(), "steps": round["steps"],
        "ms": 0});
    assert_eq!(round, &expected);
    assert_eq!(round["steps"][0], "create_bucket");
}

#[tokio::test(start_paused = true)]
async fn no_line_holds_a_secret_or_a_token_or_a_path_that_was_made_up() {
    let plane = TestPlane::new().await;
    let signed_up = plane.sign_up(&json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": PLANTED}})).await;
    let (token, gateway_token) = (text(&signed_up["token"]), text(&signed_up["gateway_token"]));
    // An answer may quote what was sent, in its message and in place of a code.
    let quote = json!({"error": format!("BAD {PLANTED} {API_TOKEN}")}).to_string();
    for message in [quote, format!("{PLANTED} {gateway_token} {API_TOKEN} is not valid")] {
        let refusal = Effect::Refuse { status: 400, code: 10021, message };
        plane.emulator.fault(Fault::new(refusal).kind("script.upload"));
        plane.until_quiet().await;
        plane.raw("PATCH", "/v1/tenants/alice", Some(token), r#"{"spec":{}}"#).await.expect(202);
    }
    plane.until_quiet().await;
    let secrets = json!({"TELEGRAM_BOT_TOKEN": PLANTED}).to_string();
    plane.raw("PATCH", "/v1/tenants/alice/secrets", Some(token), secrets).await.expect(202);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", token).await["phase"], "ready");
    plane.get(&format!("/v1/tenants/alice?token={token}"), Some(token)).await.expect(422);
    plane.get(&format!("/{token}"), None).await.expect(404);
    plane.raw("POST", "/v1/tenants", None, PLANTED).await.expect(400);
    plane.tick().await;

    let lines = plane.lines();
    let uploads = lines.iter().filter(|line| line["kind"] == "workers.script.upload");
    assert_eq!(uploads.clone().map(|line| &line["outcome"]).collect::<Vec<_>>(), ["refused", "refused", "ok"]);
    assert_eq!(uploads.clone().next().unwrap()["text_code"], "BAD REDACTED REDACTED");
    assert!(lines.iter().any(|line| line["steps"] == json!(["push_secrets", "roll_out"])));
    let said = json!(lines).to_string() + &plane.get("/v1/tenants/alice/events", Some(token)).await.text;
    for secret in [PLANTED, API_TOKEN, token, gateway_token] {
        assert!(!said.contains(secret), "{secret} is in {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_is_named_when_its_owner_asked() {
    let plane = TestPlane::new().await;
    let signed_up = plane.sign_up(&json!({"name": "alice"})).await;
    let alice = text(&signed_up["token"]);
    let bob = plane.sign_up(&json!({"name": "bob"})).await;
    plane.until_quiet().await;
    let id = plane.lines_of("round")[0]["tenant"].clone();

    plane.get("/v1/tenants/alice/events?limit=1", Some(alice)).await.expect(200);
    plane.get("/v1/tenants/alice", Some(text(&bob["token"]))).await.expect(404);
    plane.get("/v1/tenants/alice", None).await.expect(401);
    plane.raw("PUT", "/v1/tenants/alice", Some(alice), "{}").await.expect(405);

    let lines = plane.lines_of("request").split_off(2);
    assert_eq!(all(&lines, "tenant_name"), [&json!("alice"), &Json::Null, &Json::Null, &Json::Null]);
    assert_eq!(all(&lines, "tenant"), [&id, &Json::Null, &Json::Null, &Json::Null]);
    assert_eq!(lines[0]["route"], "/v1/tenants/{name}/events");
    assert!(lines[1..].iter().all(|line| line["route"] == "/v1/tenants/{name}"), "{lines:?}");
    let codes = [Json::Null, json!("no_such_tenant"), json!("token_missing"), json!("method_not_allowed")];
    assert_eq!(all(&lines, "code"), codes.each_ref());
}

#[tokio::test(start_paused = true)]
async fn the_cause_of_a_failure_on_our_side_is_in_the_line_and_not_in_the_answer() {
    let plane = TestPlane::new().await;
    plane.lose_database_answer(1);
    let answer = plane.get("/healthz?deep=1", None).await;
    answer.expect(503);

    let lines = plane.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["level"], &lines[0]["status"]), (&json!("error"), &json!(503)));
    assert_eq!((&lines[0]["code"], &lines[0]["route"]), (&json!("unavailable"), &json!("/healthz")));
    assert_eq!(lines[0]["cause"], "database: the connection broke");
    assert!(!answer.text.contains("broke"), "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_read_has_its_line_too() {
    let plane = TestPlane::new().await;
    let answer = paramita::http::refuse(&plane.app, "PATCH", paramita::http::ApiError::TooLarge);

    let lines = plane.lines();
    assert_eq!(all(&lines, "code"), ["too_large"]);
    assert_eq!((&lines[0]["method"], &lines[0]["status"]), (&json!("PATCH"), &json!(413)));
    assert_eq!(answer.headers()["x-request-id"], text(&lines[0]["request_id"]));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_did_not_go_well_says_how() {
    let reason = "Please enable R2 through the Dashboard.";
    for (effect, level, expected) in [
        (Effect::RequestLost, "warn", json!({"outcome": "no_reply"})),
        (Effect::ReplyLost, "warn", json!({"outcome": "no_reply"})),
        (
            Effect::TooManyRequests { retry_after: 30 },
            "warn",
            json!({"outcome": "refused", "status": 429, "retry_after_s": 30}),
        ),
        (Effect::Html403, "warn", json!({"outcome": "refused", "status": 403})),
        (
            Effect::Refuse { status: 403, code: 10042, message: reason.into() },
            "warn",
            json!({"outcome": "refused", "status": 403, "code": 10042}),
        ),
        (
            Effect::Refuse { status: 403, code: 10000, message: reason.into() },
            "error",
            json!({"outcome": "refused", "status": 403, "code": 10000}),
        ),
    ] {
        let plane = TestPlane::new().await;
        plane.emulator.fault(Fault::new(effect.clone()).kind("r2.bucket.create"));
        plane.sign_up(&json!({"name": "alice"})).await;
        plane.until_quiet().await;
        let mut line = plane.lines_of("call").into_iter().find(|line| line["kind"] == "r2.bucket.create").unwrap();
        assert_eq!(line["level"], level, "{line}");
        let fields = line.as_object_mut().unwrap();
        for known in ["at", "level", "event", "request_id", "tenant", "kind", "ms"] {
            assert!(fields.remove(known).is_some(), "no {known} after {effect:?}");
        }
        assert_eq!(line, expected, "{effect:?}");
        let rounds = plane.lines_of("round");
        assert_ne!(rounds[0]["outcome"], "converged");
        assert_eq!(rounds[0]["level"], "warn");
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_that_the_database_ended_is_an_error_with_its_cause() {
    let plane = TestPlane::new().await;
    plane.sign_up(&json!({"name": "alice"})).await;
    // The second batch after this one is the beginning of the first stage.
    plane.lose_database_answer(2);
    plane.deliver_one().await.unwrap_err();

    let rounds = plane.lines_of("round");
    assert_eq!(rounds.len(), 1, "{rounds:?}");
    assert_eq!((&rounds[0]["level"], &rounds[0]["outcome"]), (&json!("error"), &json!("failed")));
    assert!(text(&rounds[0]["cause"]).contains("the connection broke"), "{rounds:?}");
}

#[tokio::test(start_paused = true)]
async fn each_tick_has_an_id_of_its_own_which_its_rounds_carry() {
    let plane = TestPlane::new().await;
    plane.sign_up(&json!({"name": "alice"})).await;
    plane.lose_nudges();
    for _ in 0..2 {
        plane.tick().await;
    }
    plane.lose_database_answer(1);
    plane.tick().await;

    let ticks = plane.lines_of("cron");
    assert_eq!(all(&ticks, "rounds"), [1, 0, 0]);
    assert_eq!(all(&ticks, "level"), ["info", "info", "error"]);
    assert_eq!(ticks[2]["cause"], "trials: database: the connection broke");
    let ids: Vec<&str> = ticks.iter().map(|tick| text(&tick["request_id"])).collect();
    assert!(ids.iter().all(|id| id.starts_with("cron-")) && ids[0] != ids[1], "{ids:?}");
    let rounds = plane.lines_of("round");
    assert_eq!(all(&rounds, "request_id"), [ids[0]]);
    assert!(plane.lines_of("call").iter().all(|call| call["request_id"] == ids[0]));
}
