//! Operators, whom Access lets in: the runtime's own WebCrypto checks what the emulator's Access signed.

use cloudflare_emulator::Options;
use paramita::access::Role;
use paramita::http::routes::{Handler, ROUTES};
use serde_json::{Value as Json, json};

use crate::cloudflare::{Cloudflare, Sample};
use crate::forgeries::{Door, forgeries};
use crate::harness::{Answer, Workerd};
use crate::http::{Request, send};

/// The audience of the plane's application in Access, and of another one.
pub const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
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

/// The doors of a plane that the emulator's Access guards.
fn settings(cloudflare: &Cloudflare) -> Json {
    let mut settings = cloudflare.settings();
    settings["SIGNUP_MODE"] = json!("invite");
    settings["ACCESS_TEAM_URL"] = json!(format!("http://localhost:{}", cloudflare.port));
    settings["ACCESS_AUD"] = json!(AUDIENCE);
    settings["ACCESS_OPERATORS"] = json!(OPERATOR);
    settings["ACCESS_VIEWERS"] = json!(VIEWER);
    settings
}

/// Where nothing but the plane itself is in front of it: as in development.
#[test]
fn the_doctor_finds_a_deployment_sound_but_for_access_which_is_not_in_front() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(settings(&cloudflare));
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
fn an_operator_signs_in_and_invites_and_a_rotation_of_keys_logs_nobody_out() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(settings(&cloudflare));
    Sample::published().publish_to(&plane);

    let token = sign_in(&cloudflare, &plane, OPERATOR, AUDIENCE);
    let made = ask(&plane, "POST", &token, Some(&json!({"owner": "acme"})));
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();

    // A new key is fetched when it is first met; the one before stays good.
    cloudflare.emulator.rotate_access_keys();
    let later = sign_in(&cloudflare, &plane, OPERATOR, AUDIENCE);
    assert_ne!(token.split('.').next(), later.split('.').next(), "the key is another");
    for token in [&later, &token] {
        let listed = ask(&plane, "GET", token, None);
        assert_eq!(listed.status, 200, "{}", listed.body);
        assert_eq!(listed.json()["invites"], json!([made["invite"]]));
    }
    // Once for each key.
    let fetched = cloudflare.emulator.journal().iter().filter(|call| call.kind == "access.certs").count();
    assert_eq!(fetched, 2);

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

/// A token that HTTP carries as it is, in a header that the runtime takes.
fn is_carried(token: &str) -> bool {
    token.len() < 16_000 && token.trim() == token && !token.contains('\t')
}

#[test]
fn each_forged_token_is_refused_by_the_runtimes_own_crypto_for_its_own_reason() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(settings(&cloudflare));
    let good = sign_in(&cloudflare, &plane, OPERATOR, AUDIENCE);
    assert_eq!(ask(&plane, "GET", &good, None).status, 200);
    let team = format!("http://localhost:{}", cloudflare.port);
    let door = Door { team: &team, audience: AUDIENCE, email: OPERATOR, soon_s: 600 };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let forged = runtime.block_on(forgeries(&cloudflare.emulator, &door, Options::default().clock));
    assert!(forged.len() > 60);
    for (what, forged, why) in forged.iter().filter(|(_, forged, _)| is_carried(forged)) {
        for (method, body) in [("GET", None), ("POST", Some(json!({})))] {
            let headers = [("cf-access-jwt-assertion", forged.as_str())];
            let refused = plane.fetch(method, INVITES, &headers, body.as_ref());
            assert_eq!((refused.status, &refused.json()["code"]), (401, &json!("not_operator")), "{what}");
            let lines = plane.lines();
            let line = lines.iter().rfind(|line| line["event"] == "access_refused").unwrap();
            assert_eq!(line["reason"], why.as_str(), "{what}");
        }
    }
    assert_eq!(ask(&plane, "GET", &good, None).json()["invites"], json!([]), "what was refused made none");
}

/// The proof that a page carries for its forms.
fn proof(plane: &Workerd, cookie: &str) -> String {
    let page = plane.fetch("GET", "/admin/invites", &[("cookie", cookie)], None).body;
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn every_operators_route_asks_for_its_role_and_every_change_for_where_it_comes_from() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(settings(&cloudflare));
    Sample::published().publish_to(&plane);
    let cookie = |email| format!("CF_Authorization={}", sign_in(&cloudflare, &plane, email, AUDIENCE));
    let (operator, viewer) = (cookie(OPERATOR), cookie(VIEWER));
    let made = plane.fetch("POST", INVITES, &[("cookie", &operator)], Some(&json!({}))).json();
    let signed_up = json!({"name": "alice", "invite": made["code"]});
    assert_eq!(plane.fetch("POST", "/v1/tenants", &[], Some(&signed_up)).status, 202);
    let proof = proof(&plane, &operator);
    let acts = || {
        plane.fetch("GET", "/admin/api/audit?limit=200", &[("cookie", &operator)], None).json()["lines"]
            .as_array()
            .unwrap()
            .len()
    };
    let before = acts();

    let mut routes = 0;
    for route in &ROUTES {
        let (role, is_form) = match route.handler {
            Handler::Operator(role, _) | Handler::OperatorTenant(role, _) | Handler::Console(role, _) => (role, false),
            Handler::ConsoleForm(role, _) => (role, true),
            _ => continue,
        };
        routes += 1;
        let method = route.method.as_str();
        let mut path = route.path.to_owned();
        for (place, value) in [
            ("{name}", "alice"),
            ("{kind}", "bucket"),
            ("{id}", "x"),
            ("{token}", "x"),
            ("{release}", "x"),
            ("{orphan}", "x"),
        ] {
            path = path.replace(place, value);
        }
        let what = format!("{method} {path}");
        let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        let base: &[(&str, &str)] = if is_form { &form } else { &[] };
        let send = |more: &[(&str, &str)], body: &str| {
            let headers: Vec<(&str, &str)> = base.iter().chain(more).copied().collect();
            plane.fetch_text(method, &path, &headers, if method == "GET" { "" } else { body }).status
        };
        assert_eq!(send(&[], ""), 401, "{what} by nobody");
        let of_viewer = send(&[("cookie", &viewer)], &format!("csrf={proof}"));
        if role == Role::Operator {
            assert_eq!(of_viewer, 403, "{what} by a viewer");
        } else {
            assert!(of_viewer != 401 && of_viewer != 403, "{what} by a viewer: {of_viewer}");
        }
        if method == "GET" {
            continue;
        }
        assert_eq!(role, Role::Operator, "{what} changes something");
        if is_form {
            for body in ["", "csrf=", "csrf=0000"] {
                assert_eq!(send(&[("cookie", &operator)], body), 403, "{what} without the proof");
            }
        }
        for elsewhere in [("origin", "https://elsewhere.example"), ("sec-fetch-site", "cross-site")] {
            let headers =
                [("cookie", operator.as_str()), ("content-type", "application/x-www-form-urlencoded"), elsewhere];
            let refused = plane.fetch_text(method, &path, &headers, &format!("csrf={proof}"));
            assert_eq!(refused.status, 403, "{what} from {elsewhere:?}");
        }
    }
    assert!(routes > 40, "{routes}");
    assert_eq!(acts(), before, "what was refused was done");
}
