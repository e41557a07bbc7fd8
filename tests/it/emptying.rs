//! Buckets that do not go easily: large, with unfinished uploads, written to by what is stopping.

use cloudflare_emulator::State;
use serde_json::json;

use crate::plane::{TestPlane, condition};

const BUCKET: &str = "moltbot-data-alice";
const HOUR_MS: i64 = 60 * 60 * 1_000;

async fn alice_is_ready(plane: &TestPlane) -> String {
    let token = plane.sign_up(&json!({"name": "alice"})).await["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    token
}

async fn delete(plane: &TestPlane, token: &str) {
    plane.raw("DELETE", "/v1/tenants/alice?grace_days=0", Some(token), "").await.expect(202);
}

/// Ticks by the hour until alice is deleted. Returns how many hours it took.
async fn hours_until_deleted(plane: &TestPlane, token: &str) -> usize {
    for hours in 0..200 {
        if plane.tenant("alice", token).await["phase"] == "deleted" {
            assert_eq!(plane.emulator.state().await.unwrap(), State::default());
            return hours;
        }
        plane.clock.advance_ms(HOUR_MS);
        plane.tick().await;
    }
    panic!("not deleted: {}", plane.tenant("alice", token).await);
}

async fn events(plane: &TestPlane, token: &str) -> String {
    plane.get("/v1/tenants/alice/events", Some(token)).await.text
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_objects_go_page_by_page_and_history_says_how_far_it_is() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    for number in 0..100_000 {
        plane.emulator.seed_object(BUCKET, &format!("o/{number}"), "").await.unwrap();
    }
    plane.emulator.clear_journal();
    delete(&plane, &token).await;
    plane.until_quiet().await;

    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
    assert_eq!(plane.tenant("alice", &token).await["phase"], "deleted");
    assert_eq!(events(&plane, &token).await.matches("4000 objects and uploads deleted").count(), 25);
    let counted = plane.calls().iter().filter(|kind| !kind.starts_with("s3.")).count();
    println!("delete, 100,000 objects over S3: {} calls, {counted} of them counted by Cloudflare", plane.calls().len());
    assert!(counted <= 40, "{counted}");
}

#[tokio::test(start_paused = true)]
async fn unfinished_uploads_go_with_the_objects() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    plane.emulator.seed_object(BUCKET, "note", "x").await.unwrap();
    for number in 0..5 {
        plane.emulator.seed_multipart_upload(BUCKET, &format!("big/{number} &.bin"));
    }
    delete(&plane, &token).await;
    plane.until_quiet().await;
    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
}

#[tokio::test(start_paused = true)]
async fn keys_of_any_kind_go() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    for key in ["a b&<>'\"%é/..//x", "+", "a\nb", "\u{1}", "./.", "?q=1#f"] {
        plane.emulator.seed_object(BUCKET, key, "x").await.unwrap();
    }
    plane.emulator.seed_multipart_upload(BUCKET, "a/../b");
    delete(&plane, &token).await;
    plane.round().await;
    let left = plane.emulator.state().await.unwrap();
    assert_eq!(left.buckets[BUCKET], 0, "all objects are gone at once");
    let hours = hours_until_deleted(&plane, &token).await;
    assert!(hours <= 30, "the upload that no address reaches took {hours} hours");
}

#[tokio::test(start_paused = true)]
async fn without_the_s3_api_objects_go_over_rest_and_uploads_by_a_rule() {
    let plane = TestPlane::new().await;
    plane.emulator.token_has_r2(false);
    let token = alice_is_ready(&plane).await;
    for number in 0..2_500 {
        plane.emulator.seed_object(BUCKET, &format!("o/{number}"), "").await.unwrap();
    }
    plane.emulator.seed_multipart_upload(BUCKET, "big.bin");
    plane.emulator.clear_journal();
    delete(&plane, &token).await;
    plane.round().await;

    let calls = plane.calls();
    let count = |kind: &str| calls.iter().filter(|call| *call == kind).count();
    assert_eq!(count("r2.object.delete-many"), 3, "{calls:?}");
    assert_eq!(count("r2.lifecycle.put"), 1, "{calls:?}");
    let tenant = plane.tenant("alice", &token).await;
    let (_, reason, message) = condition(&tenant, "Ready");
    assert_eq!((&tenant["phase"], reason.as_str()), (&json!("deleting"), "Retrying"));
    assert!(message.contains("lifecycle rule"), "{message}");

    let hours = hours_until_deleted(&plane, &token).await;
    assert!((20..=30).contains(&hours), "{hours} hours");
}

#[tokio::test(start_paused = true)]
async fn what_a_stopping_container_still_writes_is_deleted_too() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    plane.emulator.seed_object(BUCKET, "note", "x").await.unwrap();
    let fifteen_minutes = plane.now().plus_ms(15 * 60 * 1_000);
    plane.emulator.seed_writer(BUCKET, fifteen_minutes.0);
    delete(&plane, &token).await;
    plane.until_quiet().await;
    assert!(plane.now() > fifteen_minutes);
    assert_eq!(plane.emulator.state().await.unwrap(), State::default());
    let retries = events(&plane, &token).await.matches("\"Retrying\"").count();
    assert!((2..=12).contains(&retries), "{retries} retries in a quarter of an hour");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_takes_days_never_gives_up_and_says_that_it_is_late() {
    let plane = TestPlane::new().await;
    let token = alice_is_ready(&plane).await;
    let four_days = plane.now().plus_ms(4 * 24 * HOUR_MS);
    plane.emulator.seed_writer(BUCKET, four_days.0);
    plane.emulator.seed_object(BUCKET, "note", "x").await.unwrap();
    delete(&plane, &token).await;
    plane.round().await;
    for _ in 0..80 {
        plane.clock.advance_ms(HOUR_MS);
        plane.tick().await;
    }
    let tenant = plane.tenant("alice", &token).await;
    assert_eq!(condition(&tenant, "Stalled").0, "True", "{tenant}");
    assert_eq!(events(&plane, &token).await.matches("DeadlineExceeded").count(), 1);
    hours_until_deleted(&plane, &token).await;
    assert!(!plane.tenant("alice", &token).await.to_string().contains("Stalled"));
}
