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

/// Tenants of which the first, the last and one between have failed.
const MANY: &str = r#"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)
    INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, wanted_since_ms, created_at_ms, updated_at_ms)
    SELECT 't' || i, 'n' || i, CASE WHEN i IN (1, 1050, 2100) THEN 'failed' ELSE 'ready' END, 1,
        '{"instance_type":"standard-1","max_instances":1,"sleep_after":"never"}', (SELECT id FROM release),
        '[{"type":"Ready","status":"True","reason":"R","message":"","last_transition_time":1}]', i, i, i FROM n"#;

#[tokio::test(start_paused = true)]
async fn few_among_many_are_all_found_by_going_on_where_the_last_look_ended() {
    let plane = plane().await;
    plane.sql(MANY).await;
    let (mut found, mut looks) = (Vec::new(), 0);
    let mut next = Some("/admin/api/tenants?phase=failed&sort=created&limit=2".to_owned());
    while let Some(path) = next {
        let page = ask(&plane, &path).await.expect(200);
        found.extend(names(&page).into_iter().map(str::to_owned));
        next = page["next"].as_str().map(str::to_owned);
        looks += 1;
    }
    assert_eq!((found, looks), (vec!["n2100".to_owned(), "n1050".to_owned(), "n1".to_owned()], 3));
    assert!(ask(&plane, "/admin?phase=failed&sort=created").await.text.contains("Look further"));
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

async fn post(plane: &TestPlane, path: &str, media_type: &str, body: String) -> Answer {
    let claims = plane.emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person("ada@example.com"));
    let request = Request::post(path).header(ASSERTION, plane.emulator.access_token(&claims));
    let request = request.header("content-type", media_type).header("sec-fetch-site", "same-origin");
    plane.send(request.body(Bytes::from(body)).unwrap()).await
}

async fn do_all(plane: &TestPlane, query: &str, body: &Json) -> Json {
    post(plane, &format!("/admin/api/acts{query}"), "application/json", body.to_string()).await.expect(200)
}

#[tokio::test(start_paused = true)]
async fn the_same_is_done_to_several_and_what_is_refused_for_one_is_done_for_the_others() {
    let plane = plane().await;
    for name in ["alice", "bob", "carol"] {
        plane.sign_up(&with_secrets(name)).await;
        plane.until_quiet().await;
    }
    do_all(&plane, "", &json!({"act": "delete", "tenants": ["carol"], "grace_days": 3})).await;
    let suspend = json!({"act": "suspend", "tenants": ["alice", "nobody", "carol", "bob", "alice"]});
    let dry = do_all(&plane, "?dry_run=true", &suspend).await;
    assert_eq!((&dry["dry_run"], &dry["refused"]), (&json!(true), &json!(2)));
    assert_eq!(listed(&plane, "phase=ready").await, ["alice", "bob"]);
    let did = |done: &Json| -> Vec<String> {
        let outcomes = done["outcomes"].as_array().unwrap().iter();
        outcomes.map(|one| format!("{} {} {}", one["tenant"], one["outcome"], one["code"]).replace('"', "")).collect()
    };
    let done = do_all(&plane, "", &suspend).await;
    let expected =
        ["alice accepted null", "nobody refused no_such_tenant", "carol refused being_deleted", "bob accepted null"];
    assert_eq!(did(&done), expected, "{done}");
    plane.until_quiet().await;
    assert_eq!(listed(&plane, "phase=suspended").await, ["alice", "bob"]);
    let again = do_all(&plane, "", &json!({"act": "suspend", "tenants": ["alice", "bob"]})).await;
    assert_eq!(did(&again), ["alice unchanged null", "bob unchanged null"]);
    let lines = ask(&plane, "/admin/api/audit").await.expect(200);
    let acts: Vec<&Json> = lines["lines"].as_array().unwrap().iter().map(|line| &line["entry"]["act"]).collect();
    assert_eq!(acts, ["tenant.suspend", "tenant.suspend", "tenant.delete"], "each has its line");

    let many: Vec<String> = (0..101).map(|number| format!("n{number}")).collect();
    for body in [
        json!({"act": "explode", "tenants": ["alice"]}),
        json!({"act": "retry", "tenants": []}),
        json!({"act": "retry", "tenants": many}),
        json!({"act": "retry", "tenants": ["alice"], "release": "rel_1"}),
        json!({"act": "retry", "tenants": ["alice"], "grace_days": 3}),
        json!({"act": "retry", "tenants": ["alice", "a".repeat(65)]}),
        json!({"act": "delete", "tenants": ["alice"], "grace_days": 31}),
    ] {
        post(&plane, "/admin/api/acts", "application/json", body.to_string()).await.expect(422);
    }
}

#[tokio::test(start_paused = true)]
async fn the_form_asks_first_and_does_it_for_whoever_types_how_many_are_meant() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let plane = plane().await;
    let mut chosen = String::new();
    for name in ["alice", "bob"] {
        plane.sign_up(&with_secrets(name)).await;
        plane.until_quiet().await;
        let found = ask(&plane, &format!("/admin/api/tenants?name={name}")).await.expect(200);
        chosen += &format!("&tenant={}", found["tenants"][0]["id"].as_str().unwrap());
    }
    let page = ask(&plane, "/admin").await.text;
    assert!(page.contains("All is well with 2 tenants.") || page.contains("No sweep has ever run"), "{page}");
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap();
    let send = async |more: &str| post(&plane, "/admin/tenants/act", FORM, format!("csrf={csrf}{chosen}{more}")).await;

    let asked = send("&act=suspend").await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    assert!(asked.text.contains("<code>suspend 2 tenants</code>"), "{}", asked.text);
    let refused = send("&act=suspend&sure=suspend+1+tenant").await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let refused = send("&act=delete&grace_days=30&sure=delete").await;
    assert!(refused.status == 422 && refused.text.contains("value=\"30\""), "{}", refused.text);
    assert_eq!(listed(&plane, "phase=ready").await, ["alice", "bob"], "nothing is done yet");
    let done = send("&act=suspend&sure=suspend+2+tenants").await;
    assert!(done.status == 200 && done.text.contains("Every one of them was taken."), "{}", done.text);
    plane.until_quiet().await;
    assert_eq!(listed(&plane, "phase=suspended").await, ["alice", "bob"]);
    for wrong in ["&act=explode", ""] {
        assert_eq!(send(wrong).await.status, 422, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_tenant_would_cost_is_said_with_the_hours_that_it_would_be_awake() {
    let plane = plane().await;
    for (name, sleep_after, said) in
        [("alice", "never", "Idle: awake 24 hours a day"), ("bob", "10m", "Idle: awake 1 hour a day")]
    {
        plane.sign_up(&json!({"name": name, "spec": {"sleep_after": sleep_after}})).await;
        let page = ask(&plane, &format!("/admin/tenants/{name}")).await.text;
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_asks_again_is_told_when_something_is_new() {
    let plane = plane().await;
    let page = ask(&plane, "/admin?sort=created").await.text;
    let (_, rest) = page.split_once("hx-get=\"").unwrap();
    let poll = rest.split('"').next().unwrap().replace("&amp;", "&");
    assert!(poll.starts_with("/admin/fleet/live?sort=created&seen="), "{poll}");
    assert_eq!(ask(&plane, &poll).await.status, 204);
    plane.sign_up(&with_secrets("alice")).await;
    plane.until_quiet().await;
    let news = ask(&plane, &poll).await;
    assert!(news.status == 200 && news.text.contains("hx-swap-oob"), "{}", news.text);
    let wrong = ask(&plane, "/admin?phase=gone&name=Not+a+name&owner=nobody").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("must be one of failed"));
    assert!(wrong.text.contains("value=\"Not a name\"") && wrong.text.contains("No tenant is like that"));
}
