//! Who an operator is: the plane's check against the emulator's keys, and every classic way to forge a token.

use cloudflare_emulator::{AccessIdentity, Effect, Emulator, Fault};
use futures_util::future::join_all;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use paramita::access::keyring::{MAX_AGE_MS, MAX_LIFETIME_MS, MOST_FIRST_FETCHES, PAUSE_MS};
use paramita::access::{ASSERTION, Identity, Invalid, Operator, Refusal, Role};
use paramita::clock::Clock;
use serde_json::{Value as Json, json};

use crate::fixtures::settings;
use crate::forgeries::{Door, SCRIPT, but, forgeries, header, unsigned};
use crate::plane::TestPlane;

const TEAM: &str = "https://example-team.cloudflareaccess.com";
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const DOOR: Door<'_> = Door { team: TEAM, audience: AUDIENCE, email: "ada@example.com", soon_s: 31 };

async fn plane() -> TestPlane {
    let access = [
        ("ACCESS_TEAM_URL", TEAM),
        ("ACCESS_AUD", AUDIENCE),
        ("ACCESS_OPERATORS", "ada@example.com, service:e367826f93b8d71185e03fe518aff3b4.access"),
        ("ACCESS_VIEWERS", "@example.com, group:sre"),
    ];
    TestPlane::with(settings(&access), None).await
}

/// The claims of a usual token of ada's.
fn claims(emulator: &Emulator) -> Json {
    DOOR.claims(emulator)
}

fn token(emulator: &Emulator) -> String {
    emulator.access_token(&claims(emulator))
}

fn with_header(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(ASSERTION, HeaderValue::from_str(token).unwrap())])
}

fn with_cookie(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&format!("theme=dark; CF_Authorization={token}")).unwrap())])
}

async fn authenticate(plane: &TestPlane, headers: &HeaderMap) -> Result<Operator, Refusal> {
    let access = plane.app.access.as_ref().ok_or(Refusal::NotConfigured)?;
    access.authenticate(&plane.app.log, headers).await
}

async fn shows(plane: &TestPlane, token: &str) -> Result<Operator, Refusal> {
    authenticate(plane, &with_header(token)).await
}

#[track_caller]
fn ada() -> Result<Operator, Refusal> {
    Ok(Operator { identity: Identity::Person("ada@example.com".into()), role: Role::Operator })
}

/// How often the keys were fetched.
fn fetches(plane: &TestPlane) -> usize {
    plane.calls().iter().filter(|kind| *kind == "access.certs").count()
}

#[tokio::test(start_paused = true)]
async fn people_and_scripts_with_a_role_are_let_in_by_header_or_by_cookie() {
    let plane = plane().await;
    let good = token(&plane.emulator);
    assert_eq!(authenticate(&plane, &with_header(&good)).await, ada());
    assert_eq!(authenticate(&plane, &with_cookie(&good)).await, ada());

    let of = |identity| plane.emulator.access_token(&plane.emulator.access_claims(TEAM, AUDIENCE, identity));
    let bob = shows(&plane, &of(AccessIdentity::Person("bob@example.com"))).await.unwrap();
    assert_eq!((bob.identity, bob.role), (Identity::Person("bob@example.com".into()), Role::Viewer));
    let script = shows(&plane, &of(AccessIdentity::Service(SCRIPT))).await.unwrap();
    assert_eq!((script.identity, script.role), (Identity::Service(SCRIPT.into()), Role::Operator));
    let stranger = plane.emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person("eve@example.org"));
    let member = but(stranger.clone(), json!({"custom": {"groups": ["sre"]}}));
    assert_eq!(shows(&plane, &plane.emulator.access_token(&member)).await.unwrap().role, Role::Viewer);

    let nobody = |identity| Err(Refusal::NoRole(identity));
    let eve = nobody(Identity::Person("eve@example.org".into()));
    assert_eq!(shows(&plane, &plane.emulator.access_token(&stranger)).await, eve);
    let other = nobody(Identity::Service("other.access".into()));
    assert_eq!(shows(&plane, &of(AccessIdentity::Service("other.access"))).await, other);
    assert_eq!(fetches(&plane), 1, "all with keys that were fetched once");
}

#[tokio::test(start_paused = true)]
async fn without_settings_nobody_is_let_in_and_nothing_is_fetched() {
    let plane = TestPlane::with(settings(&[]), None).await;
    let good = token(&plane.emulator);
    assert_eq!(shows(&plane, &good).await, Err(Refusal::NotConfigured));
    let says = Refusal::NotConfigured.to_string();
    for name in ["ACCESS_TEAM_URL", "ACCESS_AUD", "ACCESS_OPERATORS", "ACCESS_VIEWERS"] {
        assert!(says.contains(name), "{says}");
    }
    assert_eq!(fetches(&plane), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_header_is_not_rescued_by_a_good_cookie() {
    let plane = plane().await;
    assert_eq!(authenticate(&plane, &HeaderMap::new()).await, Err(Refusal::NoToken));
    let mut both = with_cookie(&token(&plane.emulator));
    assert_eq!(authenticate(&plane, &both).await, ada());
    for bad in ["", "x", "a.b.c"] {
        both.insert(ASSERTION, HeaderValue::from_static(bad));
        assert_eq!(authenticate(&plane, &both).await, Err(Refusal::Invalid(Invalid::Form)), "{bad:?}");
    }
    let mut reversed = with_cookie("x");
    reversed.insert(ASSERTION, HeaderValue::from_str(&token(&plane.emulator)).unwrap());
    assert_eq!(authenticate(&plane, &reversed).await, ada());
}

fn emulator_clock(plane: &TestPlane) -> cloudflare_emulator::Clock {
    let clock = std::sync::Arc::clone(&plane.clock);
    std::sync::Arc::new(move || clock.now().0)
}

#[tokio::test(start_paused = true)]
async fn each_forged_token_is_refused_for_its_own_reason_wherever_it_is_shown() {
    let plane = plane().await;
    for (what, forged, why) in forgeries(&plane.emulator, &DOOR, emulator_clock(&plane)).await {
        let refused = Err(Refusal::Invalid(why));
        assert_eq!(shows(&plane, &forged).await, refused, "{what}");
        let lines = plane.lines_of("access_refused");
        assert_eq!(lines.last().unwrap()["reason"], why.as_str(), "{what}");
        // A cookie's value has no blanks around it, and ends at a semicolon.
        if forged.trim() == forged {
            assert_eq!(authenticate(&plane, &with_cookie(&forged)).await, refused, "{what}, in the cookie");
        }
        assert_eq!(shows(&plane, &token(&plane.emulator)).await, ada(), "after: {what}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_says_why_and_nothing_of_the_token() {
    let plane = plane().await;
    for (_, forged, _) in forgeries(&plane.emulator, &DOOR, emulator_clock(&plane)).await {
        let _ = shows(&plane, &forged).await;
    }
    shows(&plane, &token(&plane.emulator)).await.unwrap();
    let log: String = plane.lines().iter().map(Json::to_string).collect();
    for secret in ["eyJ", "mallory", "ada@", "evil.test", "dev/null"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    let keys = plane.lines_of("access_keys");
    assert_eq!(
        (&keys[0]["outcome"], &keys[0]["status"], &keys[0]["level"]),
        (&json!("ok"), &json!(200), &json!("info"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_the_keys_logs_nobody_out() {
    let plane = plane().await;
    let old = token(&plane.emulator);
    assert_eq!(shows(&plane, &old).await, ada());
    plane.emulator.rotate_access_keys();
    assert_eq!(shows(&plane, &old).await, ada());
    let new = token(&plane.emulator);
    assert_eq!(shows(&plane, &new).await, ada(), "at once, though the keys were fetched just before");
    for token in [&old, &new] {
        assert_eq!(shows(&plane, token).await, ada());
    }
    assert_eq!(fetches(&plane), 2);

    plane.emulator.rotate_access_keys();
    plane.clock.advance_ms(MAX_LIFETIME_MS);
    assert_eq!(shows(&plane, &new).await, ada());
    assert_eq!(shows(&plane, &old).await, Err(Refusal::Invalid(Invalid::UnknownKey)), "rotated away");
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_unknown_keys_costs_one_fetch_a_minute_and_locks_nobody_out() {
    let plane = plane().await;
    let usual = header(&token(&plane.emulator));
    let kid = serde_json::from_str::<Json>(&usual).unwrap()["kid"].as_str().unwrap().to_owned();
    let good = token(&plane.emulator);
    let forged: Vec<String> =
        (0..50).map(|n| format!("{}.YQ", unsigned(&usual.replace(&kid, &format!("key-{n}")), "{}"))).collect();
    assert_eq!(shows(&plane, &good).await, ada());
    assert_eq!(fetches(&plane), 1);
    for minute in 1..=5 {
        let storm = join_all(forged.iter().map(|forged| shows(&plane, forged)));
        let (answers, of_ada) = futures_util::future::join(storm, shows(&plane, &good)).await;
        let unknown = Err(Refusal::Invalid(Invalid::UnknownKey));
        assert!(answers.iter().all(|answer| *answer == unknown || *answer == Err(Refusal::KeysUnavailable)));
        assert!(answers.contains(&unknown));
        assert_eq!(of_ada, ada());
        assert_eq!(fetches(&plane), 1 + minute);
        plane.clock.advance_ms(PAUSE_MS - 1);
        for forged in &forged {
            assert_eq!(shows(&plane, forged).await, unknown);
        }
        assert_eq!(fetches(&plane), 1 + minute);
        plane.clock.advance_ms(1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_requests_of_an_isolate_do_not_wait_for_one_another() {
    let plane = plane().await;
    let good = token(&plane.emulator);
    let several = usize::try_from(MOST_FIRST_FETCHES).unwrap();
    let answers = join_all((0..several).map(|_| shows(&plane, &good))).await;
    assert!(answers.iter().all(|answer| *answer == ada()), "{answers:?}");
    assert_eq!(fetches(&plane), several);
    assert_eq!(shows(&plane, &good).await, ada());
    assert_eq!(fetches(&plane), several);
}

#[tokio::test(start_paused = true)]
async fn while_keys_cannot_be_fetched_the_old_ones_go_on_for_a_day() {
    let plane = plane().await;
    let for_days = || plane.emulator.access_token(&but(claims(&plane.emulator), json!({"exp": 4_000_000_000_i64})));
    let good = for_days();
    assert_eq!(shows(&plane, &good).await, ada());
    let down = |effect| plane.emulator.fault(Fault::new(effect).kind("access.certs").times(u32::MAX));
    for effect in [Effect::RequestLost, Effect::Status { status: 503 }, Effect::Html403] {
        plane.emulator.clear_faults();
        down(effect);
        plane.clock.advance_ms(MAX_AGE_MS / 4);
        assert_eq!(shows(&plane, &good).await, ada());
    }
    plane.emulator.rotate_access_keys();
    let new = for_days();
    assert_eq!(shows(&plane, &new).await, Err(Refusal::KeysUnavailable), "not known to be false");
    plane.clock.advance_ms(MAX_AGE_MS / 4);
    assert_eq!(shows(&plane, &good).await, ada());
    plane.clock.advance_ms(1);
    assert_eq!(shows(&plane, &good).await, Err(Refusal::KeysUnavailable));
    plane.emulator.clear_faults();
    plane.clock.advance_ms(PAUSE_MS);
    for token in [&good, &new] {
        assert_eq!(shows(&plane, token).await, ada());
    }
    let outcomes: Vec<Json> = plane.lines_of("access_keys").iter().map(|line| line["outcome"].clone()).collect();
    for outcome in ["ok", "no_reply", "refused"] {
        assert!(outcomes.contains(&json!(outcome)), "{outcome} in {outcomes:?}");
    }
}
