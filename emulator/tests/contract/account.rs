use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cloudflare_emulator::{Lacks, Options, Product, RateLimit};
use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api};

#[tokio::test]
async fn a_call_without_a_token_or_with_a_wrong_one_is_refused_and_does_nothing() {
    let api = Api::new();
    let path = format!("/accounts/{ACCOUNT}/r2/buckets");
    for (authorization, code) in [("", 9106), ("Basic ZGV2", 9106), ("Bearer guess", 10000)] {
        let response = api.raw("POST", &path, &[("authorization", authorization)], r#"{"name":"one"}"#).await.unwrap();
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["errors"][0]["code"], json!(code), "{authorization:?}");
        assert!(response.status().is_client_error());
    }
    assert!(api.emulator.state().await.unwrap().buckets.is_empty());
}

#[tokio::test]
async fn another_account_is_not_authorised_and_a_malformed_one_is_no_route() {
    let api = Api::new();
    for (account, expected) in [("ffffffffffffffffffffffffffffffff", (403, 10000)), ("nonsense", (404, 7003))] {
        let response = api.raw("GET", &format!("/accounts/{account}/r2/buckets"), &[], "").await.unwrap();
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!((response.status().as_u16(), body["errors"][0]["code"].as_u64().unwrap()), expected);
    }
}

#[tokio::test]
async fn an_unknown_path_is_7003_and_an_unknown_method_is_7001() {
    let api = Api::new();
    assert_eq!(api.get("/no/such/thing").await.refusal(), (404, 7003));
    assert_eq!(api.call("PUT", "/r2/buckets", json!({})).await.refusal(), (405, 7001));
}

#[tokio::test]
async fn the_token_verifies_for_the_user_and_for_the_account() {
    let api = Api::new();
    assert_eq!(api.get("/tokens/verify").await.result()["status"], json!("active"));
    let response = api.raw("GET", "/user/tokens/verify", &[], "").await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn over_the_rate_limit_everything_is_refused_until_the_block_ends() {
    let now = Arc::new(AtomicI64::new(1_000_000));
    let clock = Arc::clone(&now);
    let limit = RateLimit { calls: 3, window_ms: 300_000, block_ms: 300_000 };
    let api = Api::with(Options {
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        rate_limit: Some(limit),
        ..Options::default()
    });
    let path = format!("/accounts/{ACCOUNT}/r2/buckets");
    for left in ["2", "1", "0"] {
        let response = api.raw("GET", &path, &[], "").await.unwrap();
        assert_eq!(response.status(), 200);
        let header = response.headers()["ratelimit"].to_str().unwrap();
        assert!(header.contains(&format!("r={left};")), "{header}");
    }
    let response = api.raw("GET", &path, &[], "").await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "300"));

    now.fetch_add(299_500, Ordering::Relaxed);
    let response = api.raw("DELETE", &format!("{path}/x"), &[], "").await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "1"));

    now.fetch_add(500, Ordering::Relaxed);
    assert_eq!(api.raw("GET", &path, &[], "").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_window_that_is_not_overdrawn_starts_afresh() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let limit = RateLimit { calls: 2, window_ms: 1000, block_ms: 5000 };
    let api = Api::with(Options {
        clock: Arc::new(move || clock.load(Ordering::Relaxed)),
        rate_limit: Some(limit),
        ..Options::default()
    });
    for _ in 0..10 {
        assert_eq!(api.get("/r2/buckets").await.status, 200);
        now.fetch_add(600, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_permission_that_the_token_lacks_closes_its_family_of_routes_and_no_other() {
    let api = Api::new();
    let families = [
        (Product::Workers, "/workers/subdomain"),
        (Product::R2, "/r2/buckets"),
        (Product::Containers, "/containers/applications"),
    ];
    for (lacking, _) in families {
        api.emulator.lack(Lacks { permissions: [lacking].into(), ..Lacks::default() });
        for (product, path) in families {
            let reply = api.get(path).await;
            if product == lacking {
                assert_eq!(reply.refusal(), (403, 10000), "{lacking:?}: {path}");
            } else {
                assert_eq!(reply.status, 200, "{lacking:?}: {path}");
            }
        }
        assert_eq!(api.get("/tokens/verify").await.status, 200);
    }
    api.emulator.lack(Lacks::default());
    for (_, path) in families {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn products_that_are_not_enabled_are_refused_in_their_own_words() {
    let api = Api::new();
    api.emulator.lack(Lacks { products: [Product::R2, Product::Containers].into(), ..Lacks::default() });
    assert_eq!(api.get("/r2/buckets").await.refusal(), (403, 10042));
    assert_eq!(api.get("/containers/applications").await.refusal(), (401, 1000));
    assert_eq!(api.get("/workers/subdomain").await.status, 200);
}

#[tokio::test]
async fn the_token_may_end_be_disabled_or_be_one_of_a_user_and_the_account_may_lack_a_subdomain() {
    let api = Api::new();
    let expires_at = Some(1_793_534_400_000);
    let token_status = Some("disabled".to_owned());
    api.emulator.lack(Lacks { token_expires_at: expires_at, token_status, subdomain: true, ..Lacks::default() });
    let verified = api.get("/tokens/verify").await;
    let token = verified.result();
    assert_eq!((&token["status"], &token["expires_on"]), (&json!("disabled"), &json!("2026-11-01T12:00:00.000Z")));
    assert_eq!(api.get("/workers/subdomain").await.refusal(), (404, 10007));

    api.emulator.lack(Lacks { account_token: true, ..Lacks::default() });
    assert_eq!(api.get("/tokens/verify").await.refusal(), (401, 1000));
    assert_eq!(api.raw("GET", "/user/tokens/verify", &[], "").await.unwrap().status(), 200);
    assert_eq!(api.get("/workers/subdomain").await.status, 200);
}
