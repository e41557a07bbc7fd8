//! Operators, whom Access lets in: the runtime's own WebCrypto checks what the emulator's Access signed.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use cloudflare_emulator::AccessIdentity;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;

use crate::cloudflare::{Cloudflare, Sample};
use crate::harness::{Answer, Workerd};
use crate::http::{Request, send};

/// The audience of the plane's application in Access, and of another one.
pub const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const OTHER_AUDIENCE: &str = "a5f878f08194bdb4752441fd56faefa9b2b6f24714c1358e65fe4b408ad6d432";
pub const OPERATOR: &str = "operator@example.com";
const VIEWER: &str = "ada@example.com";
const INVITES: &str = "/admin/api/invites";

/// Signs in on the page of Access, as a browser does; the token in the cookie that it sets.
pub fn sign_in(cloudflare: &Cloudflare, plane: &Workerd, email: &str, audience: &str) -> String {
    let path = format!("/cdn-cgi/access/login/localhost:{}?kid={audience}&redirect_url={INVITES}", plane.port());
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("email={email}");
    let request = Request {
        port: cloudflare.port,
        host: "localhost",
        method: "POST",
        path: &path,
        headers: &headers,
        body: &body,
    };
    let answer = send(&request).unwrap();
    assert_eq!(answer.header("location"), Some(format!("http://localhost:{}{INVITES}", plane.port()).as_str()));
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.strip_prefix("CF_Authorization="));
    cookie.and_then(|cookie| cookie.split(';').next()).expect("a token").to_owned()
}

/// Asks with this token in the cookie, where a browser has it.
fn ask(plane: &Workerd, method: &str, token: &str, body: Option<&Json>) -> Answer {
    plane.fetch(method, INVITES, &[("cookie", &format!("CF_Authorization={token}"))], body)
}

/// The public key as everybody may fetch it, in PEM.
fn certificate(cloudflare: &Cloudflare) -> String {
    let path = "/cdn-cgi/access/certs";
    let request = Request { port: cloudflare.port, host: "localhost", method: "GET", path, headers: &[], body: "" };
    send(&request).unwrap().json()["public_cert"]["cert"].as_str().unwrap().to_owned()
}

/// Header, payload and signature of a token.
fn parts(token: &str) -> [&str; 3] {
    <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).unwrap()
}

/// A part with one text in it in place of another.
fn with(part: &str, from: &str, to: &str) -> String {
    let text = String::from_utf8(BASE64URL.decode(part).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    BASE64URL.encode(text.replace(from, to))
}

/// Tokens that Access did not make so, or not for an operator of this plane, each with what the log says of it.
fn forgeries(cloudflare: &Cloudflare, plane: &Workerd, good: &str) -> [(&'static str, String); 6] {
    let [header, payload, _] = parts(good);
    let viewer = sign_in(cloudflare, plane, VIEWER, AUDIENCE);
    let [_, viewers, signature] = parts(&viewer);
    let public = certificate(cloudflare);
    let hs256 = |header: &str| {
        let signed = format!("{header}.{payload}");
        let mac = Hmac::<Sha256>::new_from_slice(public.as_bytes()).unwrap().chain_update(&signed).finalize();
        format!("{signed}.{}", BASE64URL.encode(mac.into_bytes()))
    };
    let team = format!("http://localhost:{}", cloudflare.port);
    let mut expired = cloudflare.emulator.access_claims(&team, AUDIENCE, AccessIdentity::Person(OPERATOR));
    let now_s = expired["iat"].as_i64().unwrap();
    for (claim, seconds_ago) in [("iat", 7_200), ("nbf", 7_200), ("exp", 3_600)] {
        expired[claim] = json!(now_s - seconds_ago);
    }
    [
        ("signature", format!("{header}.{}.{signature}", with(viewers, VIEWER, OPERATOR))),
        ("signature", format!("{header}.{payload}.{signature}")),
        ("algorithm", hs256(&with(header, "RS256", "HS256"))),
        ("signature", hs256(header)),
        ("expired", cloudflare.emulator.access_token(&expired)),
        ("audience", sign_in(cloudflare, plane, OPERATOR, OTHER_AUDIENCE)),
    ]
}

/// Where nothing but the plane itself is in front of it: as in development.
#[test]
fn the_doctor_finds_a_deployment_sound_but_for_access_which_is_not_in_front() {
    let cloudflare = Cloudflare::start();
    let mut settings = cloudflare.settings();
    settings["SIGNUP_MODE"] = json!("invite");
    settings["ACCESS_TEAM_URL"] = json!(format!("http://localhost:{}", cloudflare.port));
    settings["ACCESS_AUD"] = json!(AUDIENCE);
    settings["ACCESS_OPERATORS"] = json!(OPERATOR);
    let plane = Workerd::start(settings);
    Sample::published().publish_to(&plane);
    plane.cron();

    let token = sign_in(&cloudflare, &plane, OPERATOR, AUDIENCE);
    let cookie = format!("CF_Authorization={token}");
    let headers = [("cookie", cookie.as_str())];
    let report = plane.fetch("GET", "/admin/api/doctor", &headers, None);
    assert_eq!(report.status, 200, "{}", report.body);
    let report = report.json();
    let bad: Vec<&Json> =
        report["findings"].as_array().unwrap().iter().filter(|line| line["verdict"] != "ok").collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    assert_eq!((&bad[0]["check"], &bad[0]["verdict"]), (&json!("access"), &json!("warning")));
    assert!(bad[0]["why"].as_str().unwrap().contains("refuses strangers by itself"), "{}", bad[0]);
    let page = plane.fetch("GET", "/admin/doctor", &headers, None);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("something to look at"), "{}", page.body);
}

#[test]
fn an_operator_signs_in_and_invites_and_no_forged_token_does() {
    let cloudflare = Cloudflare::start();
    let mut settings = cloudflare.settings();
    settings["SIGNUP_MODE"] = json!("invite");
    settings["ACCESS_TEAM_URL"] = json!(format!("http://localhost:{}", cloudflare.port));
    settings["ACCESS_AUD"] = json!(AUDIENCE);
    settings["ACCESS_OPERATORS"] = json!(OPERATOR);
    settings["ACCESS_VIEWERS"] = json!(VIEWER);
    let plane = Workerd::start(settings);
    Sample::published().publish_to(&plane);

    let token = sign_in(&cloudflare, &plane, OPERATOR, AUDIENCE);
    let made = ask(&plane, "POST", &token, Some(&json!({"owner": "acme"})));
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    for (reason, forged) in forgeries(&cloudflare, &plane, &token) {
        for (method, body) in [("GET", None), ("POST", Some(json!({})))] {
            let refused = ask(&plane, method, &forged, body.as_ref());
            assert_eq!((refused.status, &refused.json()["code"]), (401, &json!("not_operator")), "{reason}");
            let mut lines = plane.lines().into_iter().filter(|line| line["event"] == "access_refused");
            assert_eq!(lines.next_back().unwrap()["reason"], reason);
        }
    }

    // A new key is fetched when it is first met; the one before stays good.
    cloudflare.emulator.rotate_access_keys();
    let later = sign_in(&cloudflare, &plane, OPERATOR, AUDIENCE);
    assert_ne!(token.split('.').next(), later.split('.').next(), "the key is another");
    for token in [&later, &token] {
        let listed = ask(&plane, "GET", token, None);
        assert_eq!(listed.status, 200, "{}", listed.body);
        assert_eq!(listed.json()["invites"], json!([made["invite"]]), "what was refused made none");
    }
    // Once for each key, and once by this test.
    let fetched = cloudflare.emulator.journal().iter().filter(|call| call.kind == "access.certs").count();
    assert_eq!(fetched, 3);

    let sign_up =
        |name: &str| plane.fetch("POST", "/v1/tenants", &[], Some(&json!({"name": name, "invite": made["code"]})));
    assert_eq!(sign_up("alice").status, 202);
    let again = sign_up("bob");
    assert_eq!((again.status, &again.json()["code"]), (403, &json!("invite_refused")), "{}", again.body);
    let listed = ask(&plane, "GET", &later, None).json();
    assert_eq!(listed["invites"][0]["state"], "used");

    let said = json!(plane.logs()).to_string();
    for secret in [&token, &later, made["code"].as_str().unwrap()] {
        assert!(!said.contains(secret), "it is in the log");
    }
}
