//! How much of everything strangers may have, and what they are told beyond it.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use paramita::registry::sign_ups::HOUR_MS;
use serde_json::{Value as Json, json};

use crate::fixtures::Published;
use crate::plane::{Answer, TestPlane, settings};

async fn plane(changes: &[(&str, &str)]) -> TestPlane {
    TestPlane::with(settings(changes), Some(Published::guide())).await
}

async fn from(plane: &TestPlane, address: &str, method: &str, path: &str, body: &Json) -> Answer {
    let request = Request::builder().method(method).uri(path).header("cf-connecting-ip", address);
    let request = request.header("content-type", "application/json");
    plane.send(request.body(Bytes::from(body.to_string())).unwrap()).await
}

async fn sign_up(plane: &TestPlane, address: &str, name: &str) -> Answer {
    from(plane, address, "POST", "/v1/tenants", &json!({"name": name})).await
}

#[tokio::test]
async fn one_address_signs_up_so_often_a_minute_whatever_comes_of_it_but_slips_and_dry_runs_do_not_count() {
    let plane = plane(&[]).await;
    for _ in 0..20 {
        sign_up(&plane, "192.0.2.1", "Not a name").await.problem(422);
        let path = "/v1/tenants?dry_run=true";
        from(&plane, "192.0.2.1", "POST", path, &json!({"name": "alice"})).await.expect(200);
    }
    for at in 0..10 {
        let answer = sign_up(&plane, "192.0.2.1", "taken").await;
        assert_eq!(answer.status, if at == 0 { 202 } else { 409 });
    }
    let refused = sign_up(&plane, "192.0.2.1", "alice").await;
    assert_eq!(refused.problem(429), "rate_limited");
    assert_eq!(refused.headers["retry-after"], "60");
    assert_eq!(refused.headers["ratelimit"], "\"sign-ups\";r=0;t=60");
    assert_eq!(refused.headers["ratelimit-policy"], "\"sign-ups\";q=10;w=60");
    sign_up(&plane, "192.0.2.2", "alice").await.expect(202);
    plane.clock.advance_ms(60_000);
    sign_up(&plane, "192.0.2.1", "bob").await.expect(202);
}

#[tokio::test]
async fn a_network_of_many_addresses_counts_as_one() {
    let plane = plane(&[]).await;
    for at in 0..10 {
        let answer = sign_up(&plane, &format!("2001:db8:1:2:{at}::1"), "taken").await;
        assert_eq!(answer.status, if at == 0 { 202 } else { 409 });
    }
    assert_eq!(sign_up(&plane, "2001:db8:1:2:ffff::9", "alice").await.problem(429), "rate_limited");
    sign_up(&plane, "2001:db8:1:3::1", "alice").await.expect(202);
}

#[tokio::test]
async fn one_address_reads_so_often_a_minute_and_a_counter_that_fails_locks_nobody_out() {
    let plane = plane(&[]).await;
    for _ in 0..300 {
        assert_eq!(from(&plane, "192.0.2.1", "GET", "/v1/names/alice", &json!({})).await.status, 200);
    }
    assert_eq!(from(&plane, "192.0.2.1", "GET", "/v1/names/alice", &json!({})).await.problem(429), "rate_limited");
    plane.rate_limiter.set_broken(true);
    assert_eq!(from(&plane, "192.0.2.1", "GET", "/v1/names/alice", &json!({})).await.status, 200);
    assert_eq!(sign_up(&plane, "192.0.2.3", "alice").await.problem(503), "uncounted");
}

#[tokio::test]
async fn so_many_sign_up_in_an_hour_and_each_is_told_what_is_left() {
    let plane = plane(&[("SIGNUPS_PER_HOUR", "2")]).await;
    let first = sign_up(&plane, "192.0.2.1", "a").await;
    assert_eq!(
        (first.status.as_u16(), &first.headers["ratelimit"]),
        (202, &"\"sign-ups-per-hour\";r=1;t=3601".parse().unwrap())
    );
    assert_eq!(first.headers["ratelimit-policy"], "\"sign-ups-per-hour\";q=2;w=3600");
    plane.clock.advance_ms(600_000);
    sign_up(&plane, "192.0.2.2", "b").await.expect(202);
    let refused = sign_up(&plane, "192.0.2.3", "c").await;
    assert_eq!(refused.problem(429), "too_many_sign_ups");
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    plane.clock.advance_ms(wait * 1_000);
    sign_up(&plane, "192.0.2.3", "c").await.expect(202);
    assert_eq!(sign_up(&plane, "192.0.2.4", "d").await.problem(429), "too_many_sign_ups");
    plane.clock.advance_ms(HOUR_MS);
    sign_up(&plane, "192.0.2.4", "d").await.expect(202);
}

#[tokio::test]
async fn of_many_at_once_no_more_sign_up_than_may() {
    for (setting, value, code) in [
        ("SIGNUPS_PER_HOUR", "7", "too_many_sign_ups"),
        ("MAX_TENANTS", "7", "plane_full"),
        ("ACCOUNT_LIMITS", "cron_triggers=8", "account_full"),
        ("ACCOUNT_LIMITS", "vcpu=4, memory_gib=28", "account_full"),
        ("ACCOUNT_LIMITS", "disk_gb=56", "account_full"),
    ] {
        let plane = plane(&[(setting, value)]).await;
        let names: Vec<(String, String)> = (0..50).map(|at| (format!("192.0.2.{at}"), format!("t{at}"))).collect();
        let answers = join_all(names.iter().map(|(address, name)| sign_up(&plane, address, name))).await;
        let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 202);
        assert_eq!(won.len(), 7, "{setting}={value}");
        assert!(lost.iter().all(|answer| answer.json()["code"] == code), "{setting}: {:?}", lost[0]);
    }
}

#[tokio::test]
async fn an_owner_has_so_many_tenants_and_his_address_is_nowhere_kept() {
    let plane = plane(&[("MAX_TENANTS_PER_OWNER", "2")]).await;
    for name in ["a", "b"] {
        sign_up(&plane, "198.51.100.77", name).await.expect(202);
    }
    assert_eq!(sign_up(&plane, "198.51.100.77", "c").await.problem(403), "owner_full");
    sign_up(&plane, "198.51.100.78", "c").await.expect(202);
    assert!(!plane.database.dump().unwrap().contains("198.51"));
}

#[tokio::test]
async fn what_cloudflare_would_refuse_is_refused_before_and_the_limit_is_named() {
    let plane = plane(&[("ACCOUNT_LIMITS", "vcpu=4")]).await;
    let large = json!({"name": "a", "spec": {"instance_type": "standard-4", "max_instances": 2}});
    let refused = from(&plane, "192.0.2.1", "POST", "/v1/tenants", &large).await;
    assert_eq!(refused.problem(503), "account_full");
    assert!(refused.text.contains("vCPU"), "{}", refused.text);
    let token = sign_up(&plane, "192.0.2.2", "b").await.expect(202)["token"].as_str().unwrap().to_owned();
    let grow = json!({"spec": {"instance_type": "standard-4", "max_instances": 2}}).to_string();
    let refused = plane.raw("PATCH", "/v1/tenants/b", Some(&token), grow).await;
    assert_eq!(refused.problem(503), "account_full");
}

#[tokio::test]
async fn of_many_that_grow_at_once_no_more_do_than_there_is_room_for() {
    let plane = plane(&[("ACCOUNT_LIMITS", "memory_gib=50")]).await;
    let names: Vec<String> = (0..10).map(|at| format!("t{at}")).collect();
    let mut tokens = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let made = sign_up(&plane, &format!("192.0.2.{at}"), name).await.expect(202);
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    // Each has 4 GiB and wants 6: of the 10 GiB that are left that is five times.
    let grow = async |at: usize| {
        let body = json!({"spec": {"instance_type": "standard-2"}}).to_string();
        plane.raw("PATCH", &format!("/v1/tenants/t{at}"), Some(&tokens[at]), body).await
    };
    let answers = join_all((0..10).map(grow)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 5);
    for (at, lost) in answers.iter().enumerate().filter(|(_, answer)| answer.status != 202) {
        assert!(["conflict", "account_full"].contains(&lost.json()["code"].as_str().unwrap()), "{}", lost.text);
        assert_eq!(grow(at).await.problem(503), "account_full");
        let fewer = json!({"spec": {"sleep_after": "10m"}}).to_string();
        let path = format!("/v1/tenants/t{at}");
        plane.raw("PATCH", &path, Some(&tokens[at]), fewer).await.expect(202);
    }
}
