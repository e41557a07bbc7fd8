//! Who an operator is: the plane's check against the emulator's keys, and every classic way to forge a token.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use bytes::Bytes;
use cloudflare_emulator::{AccessIdentity, Effect, Emulator, Fault, Options};
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, Request};
use paramita::access::keyring::{MAX_AGE_MS, MAX_LIFETIME_MS, MOST_FIRST_FETCHES, PAUSE_MS};
use paramita::access::{ASSERTION, Identity, Invalid, Operator, Refusal, Role};
use paramita::clock::Clock;
use serde_json::{Value as Json, json};
use sha2::Sha256;

use crate::fixtures::settings;
use crate::plane::TestPlane;

const TEAM: &str = "https://example-team.cloudflareaccess.com";
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const SCRIPT: &str = "e367826f93b8d71185e03fe518aff3b4.access";

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
    emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person("ada@example.com"))
}

fn token(emulator: &Emulator) -> String {
    emulator.access_token(&claims(emulator))
}

/// The claims with some of them changed; null takes one away.
fn but(mut claims: Json, changes: Json) -> Json {
    let all = claims.as_object_mut().unwrap();
    all.extend(changes.as_object().unwrap().clone());
    all.retain(|_, value| !value.is_null());
    claims
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

async fn certs(emulator: &Emulator) -> Json {
    let request = Request::get("/cdn-cgi/access/certs").body(Bytes::new()).unwrap();
    serde_json::from_slice(emulator.handle(request).await.unwrap().body()).unwrap()
}

/// The header that Access gives a token now, as text to change.
fn header(emulator: &Emulator) -> String {
    let token = token(emulator);
    String::from_utf8(BASE64URL.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

fn unsigned(header: &str, payload: &str) -> String {
    format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(payload))
}

/// Signed with a text that everybody knows, as if it were a secret.
fn hs256(header: &str, payload: &str, key: &[u8]) -> String {
    let signed = unsigned(header, payload);
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(signed.as_bytes()).finalize();
    format!("{signed}.{}", BASE64URL.encode(mac.into_bytes()))
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

/// Every classic forgery, with the reason for which it is refused.
async fn forgeries(plane: &TestPlane) -> Vec<(&'static str, String, Invalid)> {
    let emulator = &plane.emulator;
    let now = plane.clock.now().0 / 1_000;
    let good = token(emulator);
    let (usual, payload) = (header(emulator), claims(emulator).to_string());
    let kid = serde_json::from_str::<Json>(&usual).unwrap()["kid"].as_str().unwrap().to_owned();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let [first, second] = <[&str; 2]>::try_from(signed.split('.').collect::<Vec<_>>()).unwrap();
    let changed = |changes: Json| emulator.access_token(&but(claims(emulator), changes));
    let headed = |header: String| emulator.access_signed(&header, &payload);
    let adding = |field: &str| headed(usual.replacen('{', &format!("{{{field},"), 1));

    let other_team = Emulator::new(Options { seed: 2, clock: emulator_clock(plane), ..Options::default() });
    let others_key = certs(&other_team).await["keys"][1].clone();
    let ours = certs(emulator).await;
    let pem = ours["public_cert"]["cert"].as_str().unwrap();
    let der = STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let hs = format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"JWT"}}"#);
    let none = format!(r#"{{"alg":"none","kid":"{kid}","typ":"JWT"}}"#);
    let own_jwk = format!(r#"{{"alg":"RS256","kid":"{kid}","jwk":{others_key}}}"#);
    let mallory = but(claims(emulator), json!({"email": "mallory@example.com"})).to_string();
    let mut flipped = BASE64URL.decode(signature).unwrap();
    flipped[200] ^= 1;
    let bits = |text: &str| BASE64URL.decode(text).unwrap();
    let twice_signed =
        format!(r#"{{"payload":"{second}","signatures":[{{"protected":"{first}","signature":"{signature}"}}]}}"#);

    vec![
        ("no algorithm, no signature", format!("{}.", unsigned(&none, &payload)), Invalid::Algorithm),
        ("no algorithm, a good signature", headed(none), Invalid::Algorithm),
        ("the algorithm is not said", headed(usual.replace(r#""alg":"RS256","#, "")), Invalid::Algorithm),
        ("HS256 with the certificate", hs256(&hs, &payload, pem.as_bytes()), Invalid::Algorithm),
        ("HS256 with the certificate's bytes", hs256(&hs, &payload, &der), Invalid::Algorithm),
        (
            "HS256 with the modulus",
            hs256(&hs, &payload, &bits(ours["keys"][1]["n"].as_str().unwrap())),
            Invalid::Algorithm,
        ),
        ("HS256 that says RS256", hs256(&usual, &payload, pem.as_bytes()), Invalid::Signature),
        ("PS256", headed(usual.replace("RS256", "PS256")), Invalid::Algorithm),
        ("RS512", headed(usual.replace("RS256", "RS512")), Invalid::Algorithm),
        ("another team's, whole", token(&other_team), Invalid::UnknownKey),
        ("another team's key under our key's name", other_team.access_signed(&usual, &payload), Invalid::Signature),
        (
            "another team's token, signed by us",
            changed(json!({"iss": "https://other.cloudflareaccess.com"})),
            Invalid::Issuer,
        ),
        ("an issuer that begins like ours", changed(json!({"iss": format!("{TEAM}.evil.test")})), Invalid::Issuer),
        ("another application's", changed(json!({"aud": ["another"]})), Invalid::Audience),
        ("no application's", changed(json!({"aud": []})), Invalid::Audience),
        ("expired", changed(json!({"exp": now - 30})), Invalid::Expired),
        ("not yet valid", changed(json!({"nbf": now + 31})), Invalid::NotYetValid),
        ("made in the future", changed(json!({"iat": now + 31})), Invalid::NotYetValid),
        ("of the whole organization", changed(json!({"type": "org"})), Invalid::Type),
        ("without an issuer", changed(json!({"iss": null})), Invalid::Claim("iss")),
        ("without an audience", changed(json!({"aud": null})), Invalid::Claim("aud")),
        ("without an end", changed(json!({"exp": null})), Invalid::Claim("exp")),
        ("without a begin", changed(json!({"iat": null})), Invalid::Claim("iat")),
        ("without a type", changed(json!({"type": null})), Invalid::Claim("type")),
        ("of nobody", changed(json!({"sub": null})), Invalid::Claim("sub")),
        ("of nobody by name", changed(json!({"email": null})), Invalid::Claim("email")),
        ("of a person and a script", changed(json!({"sub": "", "common_name": SCRIPT})), Invalid::Claim("common_name")),
        ("an end that is a text", changed(json!({"exp": "9999999999"})), Invalid::Claim("exp")),
        ("an end beyond all numbers", changed(json!({"exp": 1e300})), Invalid::Claim("exp")),
        ("changed payload", format!("{first}.{}.{signature}", BASE64URL.encode(&mallory)), Invalid::Signature),
        (
            "changed header",
            format!("{}.{second}.{signature}", BASE64URL.encode(usual.replace(r#","typ":"JWT""#, ""))),
            Invalid::Signature,
        ),
        ("without a signature", format!("{signed}."), Invalid::Signature),
        ("half a signature", format!("{signed}.{}", &signature[..172]), Invalid::Signature),
        ("one bit of the signature changed", format!("{signed}.{}", BASE64URL.encode(&flipped)), Invalid::Signature),
        ("a signature of zeros", format!("{signed}.{}", BASE64URL.encode([0; 256])), Invalid::Signature),
        (
            "another token's signature",
            format!("{signed}.{}", changed(json!({"iat": now - 1})).rsplit_once('.').unwrap().1),
            Invalid::Signature,
        ),
        ("an unknown key", headed(usual.replace(&kid, "0123456789abcdef")), Invalid::UnknownKey),
        ("a key without a name", headed(usual.replace(&kid, "")), Invalid::KeyId),
        ("a key that is not said", headed(r#"{"alg":"RS256","typ":"JWT"}"#.into()), Invalid::KeyId),
        ("a path as a key", headed(usual.replace(&kid, "../../../../dev/null")), Invalid::KeyId),
        ("an address as a key", headed(usual.replace(&kid, "https://evil.test/keys")), Invalid::KeyId),
        ("SQL as a key", headed(usual.replace(&kid, "x' UNION SELECT 'key")), Invalid::KeyId),
        ("keys elsewhere (jku)", adding(r#""jku":"https://evil.test/keys""#), Invalid::Header),
        ("a certificate elsewhere (x5u)", adding(r#""x5u":"https://evil.test/cert""#), Invalid::Header),
        ("a certificate along (x5c)", adding(r#""x5c":["MIIB"]"#), Invalid::Header),
        ("a key along (jwk)", other_team.access_signed(&own_jwk, &payload), Invalid::Header),
        ("a demand (crit)", adding(r#""crit":["exp"]"#), Invalid::Header),
        ("another kind of token", headed(usual.replace("\"JWT\"", "\"at+jwt\"")), Invalid::Header),
        ("the algorithm twice", adding(r#""alg":"none""#), Invalid::DuplicateKey),
        (
            "the address twice",
            emulator.access_signed(&usual, &payload.replacen('{', r#"{"email":"mallory@example.com","#, 1)),
            Invalid::DuplicateKey,
        ),
        (
            "a group's object twice",
            emulator.access_signed(&usual, &payload.replacen('{', r#"{"custom":{"groups":[],"groups":["sre"]},"#, 1)),
            Invalid::DuplicateKey,
        ),
        ("no JSON in it", emulator.access_signed(&usual, "hello"), Invalid::Form),
        ("a list in it", emulator.access_signed(&usual, &format!("[{payload}]")), Invalid::Form),
        ("two signatures", format!("{good}.{signature}"), Invalid::Form),
        ("two signatures, as JSON", twice_signed, Invalid::Form),
        ("two parts", signed.to_owned(), Invalid::Form),
        ("a blank before", format!(" {good}"), Invalid::Form),
        ("a blank after", format!("{good} "), Invalid::Form),
        ("a tab within", good.replacen('.', ".\t", 1), Invalid::Form),
        ("padded", format!("{good}=="), Invalid::Form),
        ("padded within", good.replacen('.', "=.", 1), Invalid::Form),
        ("in base64 for other uses", format!("{signed}.{}", STANDARD.encode([0xFB; 256])), Invalid::Form),
        ("with its scheme", format!("Bearer {good}"), Invalid::Form),
        ("several in one header", format!("{good}, {good}"), Invalid::Form),
        ("huge", emulator.access_signed(&usual, &"x".repeat(1_000_000)), Invalid::TooLong),
        ("huge in one part", format!("{good}{}", "A".repeat(8_192)), Invalid::TooLong),
    ]
}

fn emulator_clock(plane: &TestPlane) -> cloudflare_emulator::Clock {
    let clock = std::sync::Arc::clone(&plane.clock);
    std::sync::Arc::new(move || clock.now().0)
}

#[tokio::test(start_paused = true)]
async fn each_forged_token_is_refused_for_its_own_reason_wherever_it_is_shown() {
    let plane = plane().await;
    for (what, forged, why) in forgeries(&plane).await {
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
    for (_, forged, _) in forgeries(&plane).await {
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
    let usual = header(&plane.emulator);
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
