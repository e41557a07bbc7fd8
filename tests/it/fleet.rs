//! What operators see of all tenants.

use bytes::Bytes;
use cloudflare_emulator::{AccessIdentity, Effect, Fault};
use http::Request;
use paramita::access::ASSERTION;
use serde_json::{Value as Json, json};

use crate::fixtures::Published;
use crate::plane::{Answer, TestPlane, settings};

const TEAM: &str = "https://example-team.cloudflareaccess.com";
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

/// A plane with an operator.
async fn plane() -> TestPlane {
    let set = [("ACCESS_TEAM_URL", TEAM), ("ACCESS_AUD", AUDIENCE), ("ACCESS_OPERATORS", "@example.com")];
    TestPlane::with(settings(&set), Some(Published::guide())).await
}

async fn ask(plane: &TestPlane, path: &str) -> Answer {
    let claims = plane.emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person("ada@example.com"));
    let request = Request::get(path).header(ASSERTION, plane.emulator.access_token(&claims));
    plane.send(request.body(Bytes::new()).unwrap()).await
}

/// A sign-up that lacks nothing.
fn with_secrets(name: &str) -> Json {
    let secrets =
        json!({"ANTHROPIC_API_KEY": "planted", "CF_ACCESS_TEAM_DOMAIN": "planted", "CF_ACCESS_AUD": "planted"});
    json!({"name": name, "secrets": secrets})
}

fn names(page: &Json) -> Vec<&str> {
    page["tenants"].as_array().unwrap().iter().map(|tenant| tenant["name"].as_str().unwrap()).collect()
}

async fn listed(plane: &TestPlane, query: &str) -> Vec<String> {
    let page = ask(plane, &format!("/admin/api/tenants?{query}")).await.expect(200);
    names(&page).into_iter().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_fleet_in_which_all_is_well_says_so_and_what_it_costs() {
    let plane = plane().await;
    let empty = ask(&plane, "/admin/api/fleet").await.expect(200);
    assert_eq!((&empty["troubles"], &empty["tenants"]), (&json!([]), &json!(0)));
    for name in ["alice", "bob"] {
        plane.sign_up(&with_secrets(name)).await;
        plane.until_quiet().await;
    }
    plane.tick().await;

    let fleet = ask(&plane, "/admin/api/fleet").await.expect(200);
    assert_eq!(fleet["troubles"], json!([]), "{fleet}");
    assert_eq!(
        fleet["counts"],
        json!([{"phase": "ready", "instance_type": "standard-1", "tenants": 2, "instances": 2}])
    );
    assert_eq!(fleet["jobs"].as_array().unwrap().len(), 5);
    assert!(fleet["jobs"].as_array().unwrap().iter().all(|job| job["outcome"] == "done"), "{fleet}");
    let workers = fleet["limits"].as_array().unwrap().iter().find(|one| one["limit"] == "workers").unwrap();
    assert_eq!(workers, &json!({"limit": "workers", "used": 3, "of": 500, "unit": "Workers"}));
    // 2 × 34.58448, less 5.7254 that the plan includes, and the plan.
    assert_eq!(fleet["monthly_usd"]["by_size"][0]["monthly"], "69.16896");
    assert_eq!(
        (&fleet["monthly_usd"]["included"], &fleet["monthly_usd"]["total"]),
        (&json!("5.7254"), &json!("68.44356"))
    );
    let line = plane.lines_of("request").pop().unwrap();
    assert_eq!((&line["route"], &line["db_calls"]), (&json!("/admin/api/fleet"), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_person_is_named_with_since_when_and_why() {
    let plane = plane().await;
    let refusal = Effect::Refuse { status: 400, code: 10021, message: "the script is broken".into() };
    plane.emulator.fault(Fault::new(refusal).kind("script.upload"));
    plane.sign_up(&with_secrets("broken")).await;
    plane.until_quiet().await;
    plane.sign_up(&json!({"name": "silent"})).await;
    plane.until_quiet().await;
    plane.sign_up(&with_secrets("late")).await;
    plane.lose_nudges();
    let since = plane.now();
    plane.clock.advance_ms(16 * 60 * 1_000);

    let fleet = ask(&plane, "/admin/api/fleet").await.expect(200);
    let attention = &fleet["attention"];
    let failed = &attention["failed"]["tenants"];
    assert_eq!((names(&attention["failed"]), &failed[0]["phase"]), (vec!["broken"], &json!("failed")));
    assert!(failed[0]["why"].as_str().unwrap().contains("the script is broken"), "{failed}");
    let lack = &attention["lack_secrets"];
    assert_eq!(names(lack), ["silent"]);
    assert!(lack["tenants"][0]["why"].as_str().unwrap().contains("ANTHROPIC_API_KEY"), "{lack}");
    assert_eq!(names(&attention["overdue"]), ["late"]);
    assert_eq!(attention["overdue"]["tenants"][0]["since"], since.to_string());
    let due = json!({"due": 1, "has_more": false, "oldest_due_at": since.to_string(), "vanished_rounds": 0});
    assert_eq!(fleet["backlog"], due);
    let troubles = fleet["troubles"].to_string();
    for said in [
        "No sweep has ever run",
        "1 tenant has failed",
        "on the way for longer",
        "without secrets",
        "waits for its round",
    ] {
        assert!(troubles.contains(said), "{said}: {troubles}");
    }

    assert_eq!(listed(&plane, "condition=SecretsReady&phase=ready").await, ["silent"]);
    assert_eq!(listed(&plane, "condition=Ready&phase=").await, ["broken", "late"]);
    plane.tick().await;
    let later = ask(&plane, "/admin/api/fleet").await.expect(200);
    assert_eq!((&later["attention"]["overdue"]["tenants"], &later["backlog"]["due"]), (&json!([]), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn tenants_are_listed_by_what_they_have_page_by_page() {
    let plane = plane().await;
    for name in ["alice", "alan", "bob"] {
        plane.sign_up(&json!({"name": name})).await;
        plane.until_quiet().await;
        plane.clock.advance_ms(1_000);
    }
    for (query, expected) in [
        ("", &["alan", "alice", "bob"][..]),
        ("name=al", &["alan", "alice"]),
        ("name=%20AL", &["alan", "alice"]),
        ("sort=created", &["bob", "alan", "alice"]),
        ("sort=updated&name=al", &["alan", "alice"]),
        ("phase=ready&instance_type=standard-1&owner=&release=&condition=&sort=", &["alan", "alice", "bob"]),
        ("instance_type=standard-2", &[]),
        ("phase=deleted", &[]),
        ("owner=nobody", &[]),
    ] {
        assert_eq!(listed(&plane, query).await, expected, "{query}");
    }
    let first = ask(&plane, "/admin/api/tenants?sort=created&phase=ready&limit=2").await.expect(200);
    assert_eq!(names(&first), ["bob", "alan"]);
    let next = first["next"].as_str().unwrap();
    assert!(next.contains("phase=ready&sort=created&limit=2&cursor=c."), "{next}");
    let second = ask(&plane, next).await.expect(200);
    assert_eq!((names(&second), &second["next"]), (vec!["alice"], &Json::Null));
    let one = &ask(&plane, "/admin/api/tenants?name=bob").await.expect(200)["tenants"][0];
    assert_eq!((&one["phase"], &one["wrong"][0]["type"]), (&json!("ready"), &json!("SecretsReady")));
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_with_a_list_is_said_at_once() {
    let plane = plane().await;
    let query = "name=a_b&phase=gone&instance_type=huge&condition=Well&sort=size&limit=0&cursor=x&nmae=a";
    let refused = ask(&plane, &format!("/admin/api/tenants?{query}")).await.expect(422);
    let pointers: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    for name in ["name", "phase", "instance_type", "condition", "sort", "limit", "cursor", "nmae"] {
        assert!(pointers.contains(&format!("?{name}").as_str()), "{name}: {refused}");
    }
    // A cursor is for its own order.
    ask(&plane, "/admin/api/tenants?cursor=n.alice.t1&sort=created").await.expect(422);
}
