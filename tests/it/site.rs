//! The pages for people, without a browser: sign-up, session, forms, and what they refuse.

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::fixtures::Published;
use crate::plane::{Answer, TestPlane, settings};

/// Somebody with a browser that keeps a cookie.
struct Visitor<'a> {
    plane: &'a TestPlane,
    cookie: Option<String>,
}

impl<'a> Visitor<'a> {
    fn of(plane: &'a TestPlane) -> Self {
        Self { plane, cookie: None }
    }

    async fn send(&mut self, method: &str, path: &str, body: String, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "plane.example");
        request = request.header("content-type", "application/x-www-form-urlencoded").header("accept", "text/html");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.plane.send(request.body(Bytes::from(body)).unwrap()).await;
        if let Some(cookie) = answer.headers.get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            for part in ["__Host-session=", "; Path=/;", "; Secure;", "; HttpOnly;", "SameSite=Strict"] {
                assert!(cookie.contains(part), "{part} in {cookie}");
            }
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, String::new(), &[]).await
    }

    /// Sends a form as a page of this site would, with what the page itself had hidden in it.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, form(fields), &[("sec-fetch-site", "same-origin"), ("origin", "https://plane.example")])
            .await
    }

    /// The proof that the page of the session carries.
    async fn csrf(&mut self, name: &str) -> String {
        let page = self.get(&format!("/tenants/{name}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        hidden(&page.text, "csrf")
    }

    /// Sends a form of the tenant's page.
    async fn act(&mut self, name: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf(name).await;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        self.post(&format!("/tenants/{name}/{act}"), &all).await
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[track_caller]
fn hidden(page: &str, name: &str) -> String {
    let at = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&at).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// What stands behind each copy button, by its id.
fn shown_once(page: &str) -> HashMap<&'static str, String> {
    let value = |id: &'static str| {
        let (_, rest) = page.split_once(&format!("id=\"{id}\""))?;
        let (_, rest) = rest.split_once('>')?;
        Some((id, rest.split('<').next()?.to_owned()))
    };
    ["token", "gateway-token", "address"].into_iter().filter_map(value).collect()
}

async fn signed_up<'a>(plane: &'a TestPlane, name: &str) -> (Visitor<'a>, HashMap<&'static str, String>) {
    let mut visitor = Visitor::of(plane);
    let key = hidden(&visitor.get("/signup").await.text, "idempotency_key");
    let fields =
        [("idempotency_key", key.as_str()), ("name", name), ("instance_type", "standard-1"), ("sleep_after", "never")];
    let welcome = visitor.post("/signup", &fields).await;
    assert_eq!(welcome.status, 200, "{}", welcome.text);
    (visitor, shown_once(&welcome.text))
}

#[tokio::test(start_paused = true)]
async fn a_person_signs_up_and_sees_the_tokens_once() {
    let plane = TestPlane::new().await;
    let mut visitor = Visitor::of(&plane);
    let key = hidden(&visitor.get("/signup").await.text, "idempotency_key");
    let fields =
        [("idempotency_key", key.as_str()), ("name", "alice"), ("instance_type", "standard-1"), ("sleep_after", "1h")];
    let welcome = visitor.post("/signup", &fields).await;
    let shown = shown_once(&welcome.text);
    let again = visitor.post("/signup", &fields).await;
    assert_eq!(shown_once(&again.text), shown, "loading the page again makes no second tenant");
    assert_eq!(plane.sql("SELECT COUNT(*) AS n FROM tenant").await[0]["n"], 1);

    plane.until_quiet().await;
    let tenant = plane.tenant("alice", &shown["token"]).await;
    assert_eq!((&tenant["phase"], &tenant["spec"]["sleep_after"]), (&json!("ready"), &json!("1h")));
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "CLAWDBOT_GATEWAY_TOKEN", &shown["gateway-token"]));
    let page = visitor.get("/tenants/alice").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains(&shown["token"]) && !page.text.contains(&shown["gateway-token"]));
    assert!(!plane.lines().iter().any(|line| line.to_string().contains(&shown["token"])));
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_up_stands_beside_its_field_and_nothing_typed_is_lost() {
    let plane = TestPlane::with(settings(&[("SIGNUP_MODE", "invite")]), Some(Published::guide())).await;
    let mut visitor = Visitor::of(&plane);
    let key = hidden(&visitor.get("/signup").await.text, "idempotency_key");
    let fields = [("idempotency_key", key.as_str()), ("name", "Alice"), ("invite", "inv_typo"), ("sleep_after", "30m")];
    let refused = visitor.post("/signup", &fields).await;
    assert_eq!(refused.status, 422);
    for part in ["value=\"Alice\"", "value=\"inv_typo\"", "lowercase alphanumeric", "mistyped or cut short", &key] {
        assert!(refused.text.contains(part), "{part}");
    }
    let named = visitor.get("/signup/name?name=Alice").await;
    assert!(named.text.contains("lowercase alphanumeric"), "{}", named.text);
    assert!(visitor.get("/signup/name?name=alice").await.text.contains("Free"));
    assert_eq!(visitor.get("/signup/name").await.text, "");
}

#[tokio::test(start_paused = true)]
async fn a_person_comes_in_by_token_and_goes_out_again() {
    let plane = TestPlane::new().await;
    let (_, shown) = signed_up(&plane, "alice").await;
    let mut visitor = Visitor::of(&plane);
    let asked = visitor.get("/tenants/alice").await;
    assert_eq!((asked.status.as_u16(), &asked.headers["location"]), (303, &"/?name=alice#open".parse().unwrap()));
    for (name, token) in [("alice", "pcp_x"), ("bob", &shown["token"]), ("", "")] {
        let refused = visitor.post("/session", &[("name", name), ("token", token)]).await;
        assert_eq!(refused.status, 422);
        assert!(!refused.text.contains(&shown["token"]) && visitor.cookie.is_none());
    }
    let come_in = visitor.post("/session", &[("name", "alice"), ("token", &format!(" {} ", shown["token"]))]).await;
    assert_eq!((come_in.status.as_u16(), &come_in.headers["location"]), (303, &"/tenants/alice".parse().unwrap()));
    assert!(!visitor.cookie.as_ref().unwrap().contains(&shown["token"]));
    assert_eq!(visitor.get("/tenants/alice").await.status, 200);
    assert_eq!(visitor.get("/tenants/bob").await.status, 303);
    let csrf = visitor.csrf("alice").await;
    assert_eq!(visitor.post("/session/end", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(visitor.get("/tenants/alice").await.status, 303);
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_its_time_and_with_its_token_and_cannot_be_made_up() {
    let plane = TestPlane::new().await;
    let (mut visitor, shown) = signed_up(&plane, "alice").await;
    let cookie = visitor.cookie.clone().unwrap();
    let last = if cookie.ends_with('0') { "1" } else { "0" };
    for forged in [
        format!("{}{last}", &cookie[..cookie.len() - 1]),
        cookie.replacen("tok_", "tok_0", 1),
        cookie.replace('.', ""),
        "__Host-session=".into(),
    ] {
        let mut forger = Visitor { plane: &plane, cookie: Some(forged.clone()) };
        assert_eq!(forger.get("/tenants/alice").await.status, 303, "{forged}");
    }
    let made = plane.raw("POST", "/v1/tenants/alice/tokens", Some(&shown["token"]), "{}").await.expect(201);
    let mut second = Visitor::of(&plane);
    second.post("/session", &[("name", "alice"), ("token", made["token"].as_str().unwrap())]).await;
    assert_eq!(second.get("/tenants/alice").await.status, 200);
    let path = format!("/v1/tenants/alice/tokens/{}", made["details"]["id"].as_str().unwrap());
    plane.raw("DELETE", &path, Some(&shown["token"]), "").await.expect(200);
    assert_eq!(second.get("/tenants/alice").await.status, 303);
    plane.clock.advance_ms(12 * 60 * 60 * 1_000);
    assert_eq!(visitor.get("/tenants/alice").await.status, 303);
}

#[tokio::test(start_paused = true)]
async fn a_form_that_another_site_sends_is_refused_and_changes_nothing() {
    let plane = TestPlane::new().await;
    let (mut visitor, _) = signed_up(&plane, "alice").await;
    plane.until_quiet().await;
    let csrf = visitor.csrf("alice").await;
    let before = plane.written();
    let good = form(&[("csrf", &csrf), ("confirm", "alice")]);
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], String);
    let cases: [Case<'_>; 7] = [
        ("another site", &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], good.clone()),
        ("a neighbour", &[("sec-fetch-site", "same-site"), ("origin", "https://x.plane.example")], good.clone()),
        ("no origin", &[("sec-fetch-site", "cross-site"), ("origin", "null")], good.clone()),
        ("another port", &[("origin", "https://plane.example:8443")], good.clone()),
        ("nobody", &[], good.clone()),
        ("no proof", &[("sec-fetch-site", "same-origin")], form(&[("confirm", "alice")])),
        (
            "another's proof",
            &[("sec-fetch-site", "same-origin")],
            form(&[("csrf", &"0".repeat(64)), ("confirm", "alice")]),
        ),
    ];
    for (whose, headers, body) in cases {
        let refused = visitor.send("POST", "/tenants/alice/delete", body, headers).await;
        assert_eq!(refused.status, 403, "{whose}");
        assert_eq!(refused.headers["content-type"], "text/html; charset=utf-8");
    }
    let origin = [("sec-fetch-site", "same-origin"), ("content-type", "text/plain")];
    assert_eq!(visitor.send("POST", "/signup", "name=eve".into(), &origin[..1]).await.status, 400);
    assert_eq!(plane.written(), before);
}

#[tokio::test(start_paused = true)]
async fn a_person_does_with_forms_what_a_program_does_with_the_api() {
    let plane = TestPlane::new().await;
    let (mut visitor, shown) = signed_up(&plane, "alice").await;
    plane.until_quiet().await;
    let token = shown["token"].clone();
    let generation = plane.tenant("alice", &token).await["generation"].to_string();

    let asked = [
        ("step", "preview"),
        ("generation", &generation),
        ("instance_type", "standard-2"),
        ("sleep_after", "never"),
        ("usage", "heavy"),
    ];
    let preview = visitor.act("alice", "spec", &asked).await;
    assert_eq!(preview.status, 200);
    assert!(preview.text.contains("more a month") && preview.text.contains("standard-2"), "{}", preview.text);
    assert_eq!(plane.tenant("alice", &token).await["spec"]["instance_type"], "standard-1");
    let save = [
        ("step", "save"),
        ("generation", generation.as_str()),
        ("instance_type", "standard-2"),
        ("sleep_after", "never"),
    ];
    let saved = visitor.act("alice", "spec", &save).await;
    assert_eq!(saved.headers["location"], "/tenants/alice?done=saved");
    let stale = visitor.act("alice", "spec", &save).await;
    assert!(stale.status == 422 && stale.text.contains("at the same time"), "{}", stale.text);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &token).await["spec"]["instance_type"], "standard-2");

    let secrets = [
        ("value.ANTHROPIC_API_KEY", "planted-anthropic"),
        ("value.CF_ACCESS_AUD", ""),
        ("paste", "TELEGRAM_BOT_TOKEN = planted-telegram\n# no\n\n"),
    ];
    assert_eq!(visitor.act("alice", "secrets", &secrets).await.status, 303);
    plane.until_quiet().await;
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "TELEGRAM_BOT_TOKEN", "planted-telegram"));
    assert!(plane.emulator.secret_is("paramita-cloud-alice", "ANTHROPIC_API_KEY", "planted-anthropic"));
    let page = visitor.get("/tenants/alice?done=secrets").await;
    assert!(page.text.contains("on their way") && !page.text.contains("planted"));
    let bad = visitor.act("alice", "secrets", &[("paste", "DEV_MODE=planted-dev")]).await;
    assert!(bad.status == 422 && bad.text.contains("protection off") && !bad.text.contains("planted"));
    assert_eq!(visitor.act("alice", "secrets/delete", &[("name", "TELEGRAM_BOT_TOKEN")]).await.status, 303);

    let made = visitor.act("alice", "tokens", &[("scope", "read"), ("expires_in_days", "30")]).await;
    let reader = shown_once(&made.text)["token"].clone();
    let mut guest = Visitor::of(&plane);
    guest.post("/session", &[("name", "alice"), ("token", &reader)]).await;
    let page = guest.get("/tenants/alice").await;
    assert!(page.text.contains("Your token may not do this"));
    assert_eq!(guest.act("alice", "suspend", &[("confirm", "alice")]).await.status, 403);

    let unsure = visitor.act("alice", "suspend", &[("confirm", "alic")]).await;
    assert!(unsure.status == 422 && unsure.text.contains("not the tenant"));
    assert_eq!(visitor.act("alice", "suspend", &[("confirm", "alice")]).await.status, 303);
    plane.until_quiet().await;
    assert_eq!(plane.tenant("alice", &token).await["phase"], "suspended");
    assert_eq!(visitor.act("alice", "resume", &[]).await.status, 303);
    plane.until_quiet().await;
    assert_eq!(visitor.act("alice", "delete", &[("confirm", "alice"), ("grace_days", "3")]).await.status, 303);
    plane.round().await;
    // The one for the end of the grace period: the session would be over by then.
    plane.lose_nudges();
    let back = visitor.act("alice", "undelete", &[]).await;
    assert!(back.status == 200 && back.text.contains("Welcome back"), "{}", back.text);
    assert_ne!(shown_once(&back.text)["gateway-token"], shown["gateway-token"]);
    plane.until_quiet().await;
    assert_eq!(visitor.act("alice", "delete", &[("confirm", "alice"), ("grace_days", "0")]).await.status, 303);
    plane.until_quiet().await;
    let gone = visitor.get("/tenants/alice").await;
    assert!(gone.status == 200 && gone.text.contains("Receipt"), "{}", gone.text);
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_when_there_is_some_and_ends_by_itself() {
    let plane = TestPlane::new().await;
    let (mut visitor, _) = signed_up(&plane, "alice").await;
    let first = visitor.get("/tenants/alice/progress").await;
    let (_, rest) = first.text.split_once("seen=").unwrap();
    let mark = rest.split('"').next().unwrap().to_owned();
    let path = format!("/tenants/alice/progress?seen={mark}");
    assert_eq!(visitor.get(&path).await.status, 204);
    plane.until_quiet().await;
    let over = visitor.get(&path).await;
    assert!(over.status == 200 && over.text.contains("It is ready.") && !over.text.contains("seen="), "{}", over.text);
    assert_eq!(Visitor::of(&plane).get(&path).await.status, 401);
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_run_nothing_inline() {
    let plane = TestPlane::new().await;
    for path in ["/", "/signup", "/tenants/alice/progress"] {
        let page = Visitor::of(&plane).get(path).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(page.headers["referrer-policy"], "same-origin");
    }
}
