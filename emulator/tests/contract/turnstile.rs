//! Siteverify, as Cloudflare's pages on server-side validation and on testing have it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cloudflare_emulator::{Effect, Fault, Options};
use http::Request;
use serde_json::{Value, json};

use crate::api::Api;

const PASSES: &str = "1x0000000000000000000000000000000AA";
const DUMMY: &str = "XXXX.DUMMY.TOKEN.XXXX";
const FORM: &str = "application/x-www-form-urlencoded";

async fn post(api: &Api, content_type: &str, body: String) -> (u16, Value) {
    let request = Request::post("https://challenges.cloudflare.com/turnstile/v0/siteverify");
    let request = request.header("content-type", content_type).body(body.into()).unwrap();
    let response = api.emulator.handle(request).await.unwrap();
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or(Value::Null))
}

/// The error codes of a check; none of one that passed.
async fn verify(api: &Api, fields: &[(&str, &str)]) -> Vec<String> {
    let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (status, answer) = post(api, FORM, form.join("&")).await;
    assert_eq!(status, 200);
    let codes: Vec<String> = serde_json::from_value(answer["error-codes"].clone()).unwrap();
    assert_eq!(answer["success"], codes.is_empty(), "{answer}");
    codes
}

#[tokio::test]
async fn the_dummy_keys_answer_as_documented_however_often() {
    let api = Api::new();
    for _ in 0..2 {
        assert!(verify(&api, &[("secret", PASSES), ("response", DUMMY)]).await.is_empty());
    }
    let fails = PASSES.replace("1x", "2x");
    assert_eq!(verify(&api, &[("secret", &fails), ("response", DUMMY)]).await, ["invalid-input-response"]);
    let spent = PASSES.replace("1x", "3x");
    assert_eq!(verify(&api, &[("secret", &spent), ("response", DUMMY)]).await, ["timeout-or-duplicate"]);
    let real = api.emulator.seed_challenge("0xsecret", "example.com", "sign-up");
    assert_eq!(verify(&api, &[("secret", PASSES), ("response", &real)]).await, ["invalid-input-response"]);
    assert_eq!(verify(&api, &[("secret", "0xsecret"), ("response", DUMMY)]).await, ["invalid-input-response"]);
}

#[tokio::test]
async fn a_solved_challenge_is_good_once_and_says_where_it_was_solved() {
    let api = Api::new();
    let token = api.emulator.seed_challenge("0xsecret", "example.com", "sign-up");
    let body = json!({"secret": "0xsecret", "response": token, "remoteip": "192.0.2.1"}).to_string();
    let (_, answer) = post(&api, "application/json", body.clone()).await;
    assert_eq!((&answer["hostname"], &answer["action"]), (&json!("example.com"), &json!("sign-up")));
    let (_, answer) = post(&api, "application/json", body).await;
    assert_eq!(answer["error-codes"], json!(["timeout-or-duplicate"]));
}

#[tokio::test]
async fn the_key_of_the_first_check_passes_again_and_no_other_does() {
    let api = Api::new();
    let token = api.emulator.seed_challenge("0xsecret", "example.com", "sign-up");
    let fields = [("secret", "0xsecret"), ("response", token.as_str()), ("idempotency_key", "one")];
    for _ in 0..2 {
        assert!(verify(&api, &fields).await.is_empty());
    }
    assert_eq!(verify(&api, &[fields[0], fields[1], ("idempotency_key", "two")]).await, ["timeout-or-duplicate"]);
    assert_eq!(verify(&api, &fields[..2]).await, ["timeout-or-duplicate"]);
}

#[tokio::test]
async fn a_solved_challenge_is_good_for_five_minutes() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let api = Api::with(Options { clock: Arc::new(move || clock.load(Ordering::Relaxed)), ..Options::default() });
    let (early, late) = (api.emulator.seed_challenge("0xs", "h", "a"), api.emulator.seed_challenge("0xs", "h", "a"));
    now.store(299_999, Ordering::Relaxed);
    assert!(verify(&api, &[("secret", "0xs"), ("response", &early)]).await.is_empty());
    now.store(300_000, Ordering::Relaxed);
    assert_eq!(verify(&api, &[("secret", "0xs"), ("response", &late)]).await, ["timeout-or-duplicate"]);
}

#[tokio::test]
async fn what_is_missing_or_wrong_has_its_code() {
    let api = Api::new();
    let other = api.emulator.seed_challenge("0xother", "example.com", "sign-up");
    api.emulator.seed_challenge("0xsecret", "example.com", "sign-up");
    let long = "x".repeat(2_049);
    for (fields, code) in [
        (vec![("response", DUMMY)], "missing-input-secret"),
        (vec![("secret", ""), ("response", DUMMY)], "missing-input-secret"),
        (vec![("secret", "0xnobodys"), ("response", DUMMY)], "invalid-input-secret"),
        (vec![("secret", PASSES)], "missing-input-response"),
        (vec![("secret", "0xsecret"), ("response", "made-up")], "invalid-input-response"),
        (vec![("secret", "0xsecret"), ("response", &other)], "invalid-input-response"),
        (vec![("secret", "0xsecret"), ("response", &long)], "invalid-input-response"),
    ] {
        assert_eq!(verify(&api, &fields).await, [code], "{fields:?}");
    }
    let (_, answer) = post(&api, "text/plain", format!("secret={PASSES}")).await;
    assert_eq!(answer["error-codes"], json!(["bad-request"]));
}

#[tokio::test]
async fn faults_strike_it_and_the_journal_has_neither_secret_nor_token() {
    let api = Api::new();
    let refuse = Effect::Refuse { status: 200, code: 0, message: "internal-error".to_owned() };
    api.emulator.fault(Fault::new(refuse).kind("turnstile.siteverify"));
    assert_eq!(verify(&api, &[("secret", PASSES), ("response", DUMMY)]).await, ["internal-error"]);
    api.emulator.fault(Fault::new(Effect::Status { status: 503 }).kind("turnstile.*"));
    assert_eq!(post(&api, FORM, format!("secret={PASSES}&response={DUMMY}")).await.0, 503);
    let body = json!({"secret": PASSES, "response": DUMMY}).to_string();
    assert_eq!(post(&api, "application/json", body).await.0, 200);
    let journal = api.emulator.journal();
    assert!(journal.iter().all(|entry| entry.kind == "turnstile.siteverify"));
    let journal = serde_json::to_string(&journal).unwrap();
    assert!(!journal.contains(PASSES) && !journal.contains(DUMMY), "{journal}");
}
