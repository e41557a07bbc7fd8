//! Checking solved challenges against the emulator's siteverify, whatever goes wrong on the way.

use std::time::Duration;

use cloudflare_emulator::{Effect, Fault};
use paramita::turnstile::{ACTION, Refusal};

use crate::plane::{TestPlane, settings};

const SECRET: &str = "0x4planted-secret";
const HOST: &str = "plane.example.com";
const KIND: &str = "turnstile.siteverify";
const DUMMY: &str = "XXXX.DUMMY.TOKEN.XXXX";

async fn plane_with(secret: &str) -> TestPlane {
    let url = "http://localhost:8788/turnstile/v0/siteverify";
    let keys = [("TURNSTILE_SITE_KEY", "0x4site"), ("TURNSTILE_SECRET_KEY", secret), ("TURNSTILE_VERIFY_URL", url)];
    TestPlane::with(settings(&keys), None).await
}

/// A plane with a widget, and a token that its page got.
async fn plane() -> (TestPlane, String) {
    let plane = plane_with(SECRET).await;
    let token = plane.emulator.seed_challenge(SECRET, HOST, ACTION);
    (plane, token)
}

async fn verify(plane: &TestPlane, token: &str) -> Result<(), Refusal> {
    let turnstile = plane.app.turnstile.as_ref().unwrap();
    turnstile.verify(&plane.app.log, token, HOST, Some("192.0.2.1")).await
}

/// Neither the secret nor a token is anywhere in the log, whatever happened.
#[track_caller]
fn nothing_leaked(plane: &TestPlane, token: &str) {
    let lines = plane.lines();
    assert!(lines.iter().any(|line| line["event"] == "turnstile"), "{lines:?}");
    let log = serde_json::to_string(&lines).unwrap();
    assert!(!log.contains("planted") && !log.contains(token), "{log}");
    assert!(!format!("{:?}", plane.app.config).contains("planted"));
}

#[tokio::test(start_paused = true)]
async fn a_challenge_that_was_solved_on_the_page_passes_once() {
    let (plane, token) = plane().await;
    assert_eq!(plane.app.turnstile.as_ref().unwrap().site_key(), "0x4site");
    assert_eq!(verify(&plane, &token).await, Ok(()));
    assert_eq!(verify(&plane, &token).await, Err(Refusal::Spent));
    nothing_leaked(&plane, &token);
}

#[tokio::test(start_paused = true)]
async fn a_plane_without_keys_asks_nobody_to_solve_anything() {
    assert!(TestPlane::with(settings(&[]), None).await.app.turnstile.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_token_is_refused() {
    let (plane, token) = plane().await;
    for (text, refusal) in [("", Refusal::Missing), (&*"x".repeat(2_049), Refusal::Failed)] {
        assert_eq!(verify(&plane, text).await, Err(refusal));
    }
    assert_eq!(plane.calls().len(), 0, "nobody is asked about these");
    for text in ["x", DUMMY, &*format!("{token}&secret=other"), " \u{0}\n€"] {
        assert_eq!(verify(&plane, text).await, Err(Refusal::Failed), "{text:?}");
    }
    assert_eq!(verify(&plane, &token).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_challenge_of_another_page_action_or_time_is_refused() {
    let (plane, old) = plane().await;
    let elsewhere = plane.emulator.seed_challenge(SECRET, "evil.example", ACTION);
    assert_eq!(verify(&plane, &elsewhere).await, Err(Refusal::Elsewhere));
    let other_action = plane.emulator.seed_challenge(SECRET, HOST, "sign-in");
    assert_eq!(verify(&plane, &other_action).await, Err(Refusal::Elsewhere));
    let other_widget = plane.emulator.seed_challenge("0x4other", HOST, ACTION);
    assert_eq!(verify(&plane, &other_widget).await, Err(Refusal::Failed));
    plane.clock.advance_ms(300_000);
    assert_eq!(verify(&plane, &old).await, Err(Refusal::Spent));
}

#[tokio::test(start_paused = true)]
async fn nothing_that_goes_wrong_on_the_way_lets_anybody_pass() {
    for effect in [
        Effect::RequestLost,
        Effect::ReplyLost,
        Effect::Status { status: 500 },
        Effect::Status { status: 503 },
        // No JSON, with a status that says that all is well.
        Effect::Status { status: 200 },
        Effect::Html403,
        Effect::TooManyRequests { retry_after: 7 },
        Effect::Refuse { status: 200, code: 0, message: "internal-error".to_owned() },
        Effect::Refuse { status: 200, code: 0, message: "of-tomorrow".to_owned() },
    ] {
        let (plane, token) = plane().await;
        let fault = plane.emulator.fault(Fault::new(effect.clone()).kind(KIND).times(2));
        assert_eq!(verify(&plane, &token).await, Err(Refusal::Unavailable), "{effect:?}");
        assert_eq!((plane.emulator.struck(fault), plane.calls().len()), (2, 2), "{effect:?}");
        nothing_leaked(&plane, &token);
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_whose_answer_was_lost_is_made_again_and_passes() {
    for effect in [Effect::RequestLost, Effect::ReplyLost, Effect::Status { status: 502 }] {
        let (plane, token) = plane().await;
        let fault = plane.emulator.fault(Fault::new(effect.clone()).kind(KIND));
        assert_eq!(verify(&plane, &token).await, Ok(()), "{effect:?}");
        assert_eq!(plane.emulator.struck(fault), 1);
        // The second try came under the key of the first; who comes later with the same token does not.
        assert_eq!(verify(&plane, &token).await, Err(Refusal::Spent));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_eight_seconds() {
    let (plane, token) = plane().await;
    plane.calls_take(Duration::from_secs(30));
    let start = tokio::time::Instant::now();
    assert_eq!(verify(&plane, &token).await, Err(Refusal::Unavailable));
    assert_eq!(start.elapsed(), Duration::from_secs(8));
    nothing_leaked(&plane, &token);
}

#[tokio::test(start_paused = true)]
async fn a_secret_key_that_is_wrong_lets_nobody_pass_and_calls_for_a_person() {
    let plane = plane_with("0x4planted-and-wrong").await;
    assert_eq!(verify(&plane, DUMMY).await, Err(Refusal::Unavailable));
    assert_eq!(plane.calls().len(), 1, "it is as wrong the second time");
    let lines = plane.lines();
    let line = lines.last().unwrap();
    assert_eq!((&line["level"], &line["cause"]), (&"error".into(), &"misconfigured".into()), "{line}");
    nothing_leaked(&plane, DUMMY);
}

#[tokio::test(start_paused = true)]
async fn cloudflares_keys_for_tests_do_what_they_are_for() {
    for (first, expected) in [("1", Ok(())), ("2", Err(Refusal::Failed)), ("3", Err(Refusal::Spent))] {
        let plane = plane_with(&format!("{first}x0000000000000000000000000000000AA")).await;
        assert_eq!(verify(&plane, DUMMY).await, expected);
        assert_eq!(verify(&plane, "another token").await, Err(Refusal::Failed));
    }
}
