//! Doctor: on a sound plane all is well, and each thing that breaks is named, with its verdict, and nothing else is.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use cloudflare_emulator::{AccessIdentity, Effect, Emulator, Fault, Lacks, Product};
use futures_util::future::BoxFuture;
use http::header::DATE;
use http::{HeaderValue, Request, Response};
use paramita::access::ASSERTION;
use paramita::app::{App, Ports};
use paramita::clock::DAY_MS;
use paramita::cloudflare::{Transport, TransportError};
use paramita::doctor::Check;
use paramita::doctor::look::CALLS;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::fixtures::{API_TOKEN, Published, settings};
use crate::plane::TestPlane;

const TEAM: &str = "https://example-team.cloudflareaccess.com";
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const HOST: &str = "plane.example.com";
const SECRET: &str = "planted-secret-0cc175b9c0f1b6a8";
const OTHER_KEY: &str = "HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

/// Who answers strangers at the plane's own address.
#[derive(Clone, Debug)]
enum Front {
    /// Access: the team, the audience of its application, the host that it asks to sign in for.
    Access(&'static str, &'static str, &'static str),
    /// Nobody but the plane.
    Plane,
    /// Something that answers this status, and sends on to this address.
    Other(u16, &'static str),
    /// Nobody.
    Nobody,
}

/// What lies between the plane and itself, and between it and its team of Access.
struct Edge {
    team: Arc<dyn Transport>,
    front: Mutex<Front>,
    /// In place of the true one.
    date: Mutex<Option<&'static str>>,
    inside: OnceLock<(App, Emulator)>,
}

impl Transport for Edge {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            if request.uri().host() != Some(HOST) {
                let mut answer = self.team.send(request).await?;
                if let Some(date) = *self.date.lock().unwrap() {
                    answer.headers_mut().insert(DATE, HeaderValue::from_static(date));
                }
                return Ok(answer);
            }
            let (app, emulator) = self.inside.get().unwrap();
            assert!(!request.headers().contains_key(ASSERTION), "as a stranger");
            let front = self.front.lock().unwrap().clone();
            match front {
                Front::Access(team, audience, host) => {
                    Ok(emulator.access_challenge(team, host, audience, request.uri().path()))
                }
                Front::Plane => Ok(paramita::http::handle(app, request).await),
                Front::Other(status, location) => {
                    Ok(Response::builder().status(status).header("location", location).body(Bytes::new()).unwrap())
                }
                Front::Nobody => Err(TransportError::TimedOut),
            }
        })
    }
}

struct World {
    plane: TestPlane,
    edge: Arc<Edge>,
    ports: Ports,
}

type Settings = &'static [(&'static str, &'static str)];

impl World {
    /// A plane with these settings, a tenant, and an Access in front.
    async fn of(changes: Settings, release: Option<Published>) -> Self {
        let mut all = vec![
            ("ACCESS_TEAM_URL", TEAM),
            ("ACCESS_AUD", AUDIENCE),
            ("ACCESS_VIEWERS", "bob@example.com"),
            ("SIGNUP_MODE", "closed"),
        ];
        if !changes.iter().any(|(name, value)| *name == "ACCESS_OPERATORS" && value.is_empty()) {
            all.push(("ACCESS_OPERATORS", "ada@example.com"));
        }
        all.extend(changes);
        let kept = Arc::new(OnceLock::new());
        let keep = Arc::clone(&kept);
        let with_edge = move |ports: Ports| {
            let edge = Arc::new(Edge {
                team: Arc::clone(&ports.keys),
                front: Mutex::new(Front::Access(TEAM, AUDIENCE, HOST)),
                date: Mutex::default(),
                inside: OnceLock::new(),
            });
            let ports = Ports { keys: Arc::clone(&edge) as Arc<dyn Transport>, ..ports };
            assert!(keep.set((edge, ports.clone())).is_ok());
            ports
        };
        let plane = TestPlane::over(settings(&all), release, None, with_edge).await;
        let (edge, ports) = kept.get().unwrap().clone();
        assert!(edge.inside.set((plane.app.clone(), plane.emulator.clone())).is_ok());
        Self { plane, edge, ports }
    }

    /// Sound: cron has come, and the keys of Access are known.
    async fn sound(changes: Settings) -> Self {
        let world = Self::of(changes, Some(Published::guide())).await;
        world.plane.tick().await;
        world.send("/admin/api/invites").await;
        world.plane.emulator.clear_journal();
        world
    }

    async fn send(&self, path: &str) -> Json {
        let who = AccessIdentity::Person("bob@example.com");
        let token = self.plane.emulator.access_token(&self.plane.emulator.access_claims(TEAM, AUDIENCE, who));
        let request = Request::get(path).header(ASSERTION, token).header("host", HOST);
        self.plane.send(request.body(Bytes::new()).unwrap()).await.expect(200)
    }

    /// A tenant with a secret that is still sealed.
    async fn sign_up(&self) {
        let app = App::new(settings(&[("SIGNUP_MODE", "open")]), self.ports.clone());
        let body = json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": SECRET}}).to_string();
        let request = Request::post("/v1/tenants").header("content-type", "application/json");
        let request = request.header("idempotency-key", "0123456789abcdef").body(Bytes::from(body)).unwrap();
        assert_eq!(paramita::http::handle(&app, request).await.status(), 202);
        self.plane.lose_nudges();
    }

    fn front(&self, front: Front) {
        *self.edge.front.lock().unwrap() = front;
    }

    /// What doctor says of all that is not well, as `check verdict`, and its words.
    async fn examine(&self) -> Vec<(String, String)> {
        let report = self.send("/admin/api/doctor").await;
        let text = report.to_string();
        for secret in [API_TOKEN, SECRET, OTHER_KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "e30.e30"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let field = |line: &Json, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let findings = report["findings"].as_array().unwrap();
        let names: Vec<String> = findings.iter().map(|line| field(line, "check")).collect();
        assert_eq!(names, Check::ALL.map(Check::as_str));
        let worst = ["failed", "warning", "ok"]
            .into_iter()
            .find(|verdict| findings.iter().any(|line| line["verdict"] == *verdict));
        assert_eq!(report["verdict"], worst.unwrap());
        for line in findings {
            assert!(line["why"].as_str().is_some_and(|why| why.ends_with(|c: char| !c.is_whitespace())), "{line}");
            assert_eq!(line["verdict"] == "ok", line["next"].is_null(), "{line}");
        }
        let bad = findings.iter().filter(|line| line["verdict"] != "ok");
        bad.map(|line| {
            let words = format!("{} {}", field(line, "why"), field(line, "next"));
            (format!("{} {}", field(line, "check"), field(line, "verdict")), words)
        })
        .collect()
    }

    /// That exactly this is not well, and that its first line says `words`.
    async fn expect(&self, what: &str, expected: &[&str], words: &str) {
        let found = self.examine().await;
        let lines: Vec<&str> = found.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines, expected, "{what}: {found:#?}");
        assert!(found.first().map_or("", |(_, said)| said).contains(words), "{what}: {words} in {found:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_sound_plane_all_is_well_before_and_after_the_first_tenant() {
    let world = World::sound(&[]).await;
    world.expect("empty", &[], "").await;
    world.sign_up().await;
    world.expect("with something sealed", &[], "").await;
}

#[tokio::test(start_paused = true)]
async fn it_takes_four_calls_at_once_which_are_booked_with_everybodys() {
    let world = World::sound(&[]).await;
    let before = world.plane.app.registry.api_budget().await.unwrap().booked_until;
    let start = Instant::now();
    assert_eq!(world.examine().await, []);
    assert_eq!(start.elapsed(), Duration::from_secs(crate::plane::CALL_SECONDS), "one after the other");
    let mut calls = world.plane.calls();
    calls.sort_unstable();
    assert_eq!(calls, ["access.certs", "container.list", "r2.bucket.list", "subdomain.account.get", "token.verify"]);
    let booked = world.plane.app.registry.api_budget().await.unwrap().booked_until;
    let now = world.plane.now();
    assert_eq!(booked.0 - before.0.max(now.0), world.plane.app.config.budget.cost_ms(4));
    assert_eq!(calls.len(), CALLS.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn without_budget_nothing_is_called_and_that_is_said() {
    let world = World::sound(&[]).await;
    let now = world.plane.now();
    world.plane.app.registry.block_calls(now.plus_ms(60_000)).await.unwrap();
    let unknown = ["api_token warning", "workers warning", "r2 warning", "containers warning", "subdomain warning"];
    world.expect("blocked", &unknown, "budget").await;
    assert_eq!(world.plane.calls(), ["access.certs"]);
}

#[tokio::test(start_paused = true)]
async fn when_nobody_answers_it_ends_in_seconds_with_warnings() {
    let world = World::sound(&[]).await;
    world.plane.calls_take(Duration::from_secs(600));
    let start = Instant::now();
    let unknown = [
        "api_token warning",
        "workers warning",
        "r2 warning",
        "containers warning",
        "subdomain warning",
        "clock warning",
        "access_keys warning",
    ];
    world.expect("slow", &unknown, "no reply").await;
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn a_429_stops_everybodys_calls() {
    let world = World::sound(&[]).await;
    world.plane.emulator.fault(Fault::new(Effect::TooManyRequests { retry_after: 90 }).kind("r2.bucket.list"));
    world.expect("429", &["r2 warning"], "429").await;
    let blocked = world.plane.app.registry.api_budget().await.unwrap().blocked_until;
    assert_eq!(blocked, world.plane.now().plus_ms(90_000));
}

#[tokio::test(start_paused = true)]
async fn what_the_token_or_the_account_lacks_is_named() {
    let end = |ms| move |world: &World| Some(world.plane.now().plus_ms(ms).0);
    let never = |_: &World| None;
    type Ends = Box<dyn Fn(&World) -> Option<i64>>;
    let permission = |product| Lacks { permissions: [product].into(), ..Lacks::default() };
    let product = |product| Lacks { products: [product].into(), ..Lacks::default() };
    let status = |status: &str| Lacks { token_status: Some(status.into()), ..Lacks::default() };
    let cases: [(&str, Lacks, Ends, &[&str], &str); 12] = [
        ("nothing", Lacks::default(), Box::new(never), &[], ""),
        (
            "a permission",
            permission(Product::Workers),
            Box::new(never),
            &["workers failed", "subdomain warning"],
            "Workers Scripts Write",
        ),
        ("a permission", permission(Product::R2), Box::new(never), &["r2 failed"], "Workers R2 Storage Write"),
        (
            "a permission",
            permission(Product::Containers),
            Box::new(never),
            &["containers failed"],
            "Workers Containers Write",
        ),
        ("R2", product(Product::R2), Box::new(never), &["r2 failed"], "Enable R2"),
        (
            "containers",
            product(Product::Containers),
            Box::new(never),
            &["containers failed"],
            "Workers Paid plan: subscribe",
        ),
        (
            "a subdomain",
            Lacks { subdomain: true, ..Lacks::default() },
            Box::new(never),
            &["subdomain failed"],
            "no workers.dev subdomain",
        ),
        (
            "a token of its own",
            Lacks { account_token: true, ..Lacks::default() },
            Box::new(never),
            &["api_token warning"],
            "not one of the account's own",
        ),
        ("a token that is on", status("disabled"), Box::new(never), &["api_token failed"], "disabled"),
        ("time", Lacks::default(), Box::new(end(-1)), &["api_token failed"], "ended at 2026-11-01T11:59:59.999Z"),
        (
            "much time",
            Lacks::default(),
            Box::new(end(14 * DAY_MS)),
            &["api_token warning"],
            "ends at 2026-11-15T12:00:00.000Z",
        ),
        ("little", Lacks::default(), Box::new(end(14 * DAY_MS + 1)), &[], ""),
    ];
    let world = World::sound(&[]).await;
    for (what, lacks, ends, expected, words) in cases {
        let token_expires_at = ends(&world);
        world.plane.emulator.lack(Lacks { token_expires_at, ..lacks });
        world.expect(what, expected, words).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_knows_fails_once_and_what_hangs_on_it_is_not_judged() {
    let world = World::sound(&[("CLOUDFLARE_API_TOKEN", "planted-other-token")]).await;
    let expected = ["api_token failed", "workers warning", "r2 warning", "containers warning", "subdomain warning"];
    world.plane.sql("UPDATE job SET report = '{}'").await;
    world.expect("unknown token", &expected, "does not take the token").await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_is_a_warning() {
    let world = World::sound(&[]).await;
    let cases: [(&str, &[&str]); 5] = [
        ("token.verify", &["api_token warning"]),
        ("r2.bucket.list", &["r2 warning"]),
        ("container.list", &["containers warning"]),
        ("subdomain.account.get", &["workers warning", "subdomain warning"]),
        ("access.certs", &["access_keys warning"]),
    ];
    for (kind, expected) in cases {
        world.plane.emulator.fault(Fault::new(Effect::Status { status: 503 }).kind(kind));
        world.expect(kind, expected, "503").await;
        world.plane.emulator.fault(Fault::new(Effect::ReplyLost).kind(kind));
        let expected = if kind == "access.certs" { &["clock warning", "access_keys warning"] } else { expected };
        world.expect(kind, expected, "no ").await;
    }
}

#[tokio::test(start_paused = true)]
async fn settings_that_do_not_fit_are_named() {
    let cases: [(Settings, &[&str], &str); 7] = [
        (&[("TENANT_URL", "https://{script}.other.workers.dev/")], &["subdomain failed"], "other.workers.dev"),
        (&[("TENANT_URL", "https://{script}.example.com/")], &[], ""),
        (&[("SIGNUP_MODE", "open")], &["sign_ups warning"], "TURNSTILE_SITE_KEY"),
        (&[("ACCESS_OPERATORS", "")], &["operators warning"], "ACCESS_OPERATORS"),
        (&[("ACCOUNT_IN_USE", "workers=398")], &[], ""),
        (&[("ACCOUNT_IN_USE", "workers=399")], &["limits warning"], "400 of 500 Workers"),
        (&[("ACCOUNT_IN_USE", "workers=499, buckets=90000")], &["limits failed"], "500 of 500 Workers, 90001 of"),
    ];
    for (changes, expected, words) in cases {
        World::sound(changes).await.expect(&format!("{changes:?}"), expected, words).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_not_of_this_version_is_named() {
    let cases = [
        ("DELETE FROM d1_migrations WHERE name LIKE '0005%'", "migrations failed", "lacks 0005_largest.sql"),
        ("INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')", "migrations warning", "9999_later.sql"),
        ("DROP TABLE d1_migrations", "migrations failed", "wrangler d1 migrations apply"),
    ];
    for (change, expected, words) in cases {
        let world = World::sound(&[]).await;
        world.plane.sql(change).await;
        world.expect(change, &[expected], words).await;
    }
    let world = World::sound(&[]).await;
    world.plane.sql("DROP TABLE fleet").await;
    let unknown = ["limits warning", "cron warning", "rounds warning", "release warning", "sealing_key warning"];
    world.expect("a table that is gone", &unknown, "no such table").await;
}

#[tokio::test(start_paused = true)]
async fn a_cron_that_does_not_come_or_fails_is_named() {
    let never = World::of(&[], Some(Published::guide())).await;
    never.expect("never", &["cron failed"], "never").await;

    let world = World::sound(&[]).await;
    world.plane.clock.advance_ms(180_000);
    world.expect("three minutes", &[], "").await;
    world.plane.clock.advance_ms(1);
    world.expect("more", &["cron failed"], "2026-11-01T12:00:00.000Z").await;

    let fault = Fault::new(Effect::Status { status: 500 }).kind("script.list");
    world.plane.clock.advance_ms(1_800_000);
    world.plane.emulator.fault(fault);
    world.plane.tick().await;
    world.expect("a job that failed", &["cron warning"], "orphans: workers.script.list: status 500").await;
}

#[tokio::test(start_paused = true)]
async fn tenants_that_wait_too_long_are_named() {
    let world = World::sound(&[]).await;
    world.sign_up().await;
    world.plane.clock.advance_ms(30_000);
    world.expect("a nudge on its way", &[], "").await;
    world.plane.clock.advance_ms(1);
    world.expect("a lost nudge", &["rounds warning"], "2026-11-01T12:00:00.000Z").await;
    world.plane.sql("UPDATE tenant SET due_at_ms = due_at_ms - 270000").await;
    world.expect("five minutes", &["rounds failed"], "queue").await;
    world.plane.sql("UPDATE tenant SET paused_at_ms = 1").await;
    world.expect("paused, by somebody's will", &[], "").await;
    world.plane.sql("UPDATE tenant SET paused_at_ms = NULL").await;
    world.plane.sql("UPDATE tenant SET due_at_ms = 4000000000000, lease_token = 'gone', lease_expires_ms = 1").await;
    world.expect("vanished", &["rounds warning"], "1 rounds vanished").await;
    world.plane.sql("UPDATE tenant SET lease_token = NULL, wanted_since_ms = 1").await;
    world.expect("overdue", &["rounds warning"], "1 tenants are on their way").await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_not_there_or_not_whole_is_named() {
    let world = World::of(&[], None).await;
    world.plane.tick().await;
    world.expect("none", &["release failed"], "None is published").await;

    let whole = Published::guide();
    let module = whole.manifest["modules"][0]["sha256"].as_str().unwrap();
    let assets = whole.manifest["assets"]["manifest"].as_str().unwrap();
    for (sha256, words) in [(module, "index.js of rel_"), (assets, "list of static assets")] {
        let mut broken = whole.clone();
        assert!(broken.blobs.remove(&format!("blobs/{sha256}")).is_some());
        let world = World::of(&[], Some(broken)).await;
        world.plane.tick().await;
        world.expect(words, &["release failed"], words).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sealing_key_that_was_changed_is_named_by_a_secret_or_by_a_kept_answer() {
    for change in ["DELETE FROM idempotency", "UPDATE secret SET sealed = NULL", "DELETE FROM orphan"] {
        let world = World::sound(&[("SEALING_KEY", OTHER_KEY)]).await;
        world.expect("nothing sealed", &[], "").await;
        world.sign_up().await;
        world.plane.sql(change).await;
        world.expect(change, &["sealing_key failed"], "another key").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_goes_wrong_is_named() {
    let world = World::sound(&[]).await;
    // The plane's shows 12:00:00.
    for (date, expected) in [
        ("Sun, 01 Nov 2026 12:00:30 GMT", None),
        ("Sun, 01 Nov 2026 11:59:30 GMT", None),
        ("Sun, 01 Nov 2026 12:00:31 GMT", Some("31 s")),
        ("Sun, 01 Nov 2026 11:59:29 GMT", Some("31 s")),
        ("yesterday", Some("no answer of Cloudflare's had a date")),
    ] {
        *world.edge.date.lock().unwrap() = Some(date);
        let lines: &[&str] = if expected.is_some() { &["clock warning"] } else { &[] };
        world.expect(date, lines, expected.unwrap_or_default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_stands_in_front_of_the_operators_address_is_named() {
    let other = "https://other-team.cloudflareaccess.com";
    let cases = [
        (Front::Plane, "access warning", "refuses strangers by itself"),
        (Front::Access(other, AUDIENCE, HOST), "access failed", "Another team"),
        (Front::Access(TEAM, "another-audience", HOST), "access failed", "Another application"),
        (Front::Access(TEAM, AUDIENCE, "other.example.com"), "access failed", "another host"),
        (Front::Other(200, ""), "access failed", "let in"),
        (Front::Other(204, ""), "access failed", "let in"),
        (Front::Other(302, "https://www.example.com/"), "access warning", "not to Access"),
        (Front::Other(301, ""), "access warning", "not to Access"),
        (Front::Other(403, ""), "access warning", "neither by Access"),
        (Front::Other(404, ""), "access warning", "answered 404"),
        (Front::Other(522, ""), "access warning", "answered 522"),
        (Front::Nobody, "access warning", "no answer"),
    ];
    let world = World::sound(&[]).await;
    for (front, expected, words) in cases {
        let what = format!("{front:?}");
        world.front(front);
        world.expect(&what, &[expected], words).await;
    }
}
