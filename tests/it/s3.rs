//! The S3 client against the emulator's S3 face, which Amazon's own SDK vouches for.

use std::sync::Arc;

use bytes::Bytes;
use cloudflare_emulator::{Effect, Emulator, Fault, Options};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use paramita::clock::{ManualClock, Timestamp};
use paramita::cloudflare::s3::MultipartUpload;
use paramita::cloudflare::{ApiToken, Client, Error, S3, Transport, TransportError, Verdict};
use paramita::log::{Logger, MemoryLog};

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// Where the emulator's clock stands by default: 2026-01-01.
const NOW: Timestamp = Timestamp(1_767_225_600_000);

struct InProcess(Emulator);

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async {
            self.0.handle(request).await.map_err(|dropped| TransportError::Connection(dropped.to_string()))
        })
    }
}

fn client_of(transport: Arc<dyn Transport>, token: &str) -> Client {
    let log = Logger::new(Arc::new(MemoryLog::default()), Arc::new(ManualClock::at(NOW)));
    Client::new(transport, "https://api.test/client/v4", ACCOUNT, ApiToken::new(token), log)
}

/// An emulator with an empty bucket `b`, and its client.
async fn emulator() -> (Emulator, Client) {
    let emulator = Emulator::new(Options::default());
    emulator.seed_bucket("b").await.unwrap();
    let transport = Arc::new(InProcess(emulator.clone()));
    (emulator, client_of(transport, "dev"))
}

/// The S3 API for a token of this id.
fn s3_of(client: &Client, token_id: &str) -> S3 {
    client.s3(&format!("https://r2.test:8443/s3/{ACCOUNT}"), token_id)
}

async fn s3() -> (Emulator, S3) {
    let (emulator, client) = emulator().await;
    let token_id = client.verify_token().await.unwrap();
    (emulator, s3_of(&client, &token_id))
}

async fn keys(s3: &S3) -> Result<Vec<String>, Error> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = s3.list_objects("b", cursor.as_deref(), NOW).await?;
        keys.extend(page.items.into_iter().map(|object| object.key));
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

const STRANGE: [&str; 10] = [
    "a b&<>'\"%é/..//x",
    "+",
    "a+b c%2B%20",
    "line\nbreak\r\nand\ttab",
    " leading and trailing ",
    "./..",
    "&amp;&#10;",
    "</Key><Key>",
    "😀/ü",
    "/",
];

#[tokio::test]
async fn a_bucket_of_more_than_a_page_is_listed_whole_and_emptied() {
    let (emulator, s3) = s3().await;
    for n in 0..2345 {
        emulator.seed_object("b", &format!("objects/{n:04}"), "x").await.unwrap();
    }
    let all = keys(&s3).await.unwrap();
    assert_eq!(all.len(), 2345);
    for page in all.chunks(1000) {
        assert!(s3.delete_objects("b", page, NOW).await.unwrap().is_empty());
    }
    assert!(keys(&s3).await.unwrap().is_empty());
    assert!(s3.delete_objects("b", &all[..1000], NOW).await.unwrap().is_empty(), "twice is the same");
    assert_eq!(emulator.state().await.unwrap().buckets["b"], 0);
}

#[tokio::test]
async fn keys_of_any_characters_are_listed_and_deleted_as_they_are() {
    let (emulator, s3) = s3().await;
    // Half of a thousand of the longest: the request's size is nothing that a test of ten would see.
    let long: Vec<String> = (0..500).map(|n| format!("{n:04}{}", "&".repeat(1000))).collect();
    let mut expected: Vec<String> = STRANGE.map(str::to_owned).into_iter().chain(long).collect();
    for key in &expected {
        emulator.seed_object("b", key, "x").await.unwrap();
    }
    // Would go in the place of another, were a key read in a wrong way.
    emulator.seed_object("b", "line\nbreak\nand\ttab", "x").await.unwrap();
    let mut found = keys(&s3).await.unwrap();
    found.retain(|key| key != "line\nbreak\nand\ttab");
    expected.sort();
    assert_eq!(found, expected);
    assert!(s3.delete_objects("b", &found, NOW).await.unwrap().is_empty());
    assert_eq!(keys(&s3).await.unwrap(), ["line\nbreak\nand\ttab"]);
}

#[tokio::test]
async fn a_key_that_xml_cannot_carry_is_listed_and_left_to_rest() {
    let (emulator, client) = emulator().await;
    let s3 = s3_of(&client, &client.verify_token().await.unwrap());
    for key in ["bell\u{7}", "plain"] {
        emulator.seed_object("b", key, "x").await.unwrap();
    }
    let found = keys(&s3).await.unwrap();
    let left = s3.delete_objects("b", &found, NOW).await.unwrap();
    assert_eq!(left, ["bell\u{7}"]);
    client.delete_objects("b", &left).await.unwrap();
    assert_eq!(emulator.state().await.unwrap().buckets["b"], 0);
}

#[tokio::test]
async fn unfinished_uploads_are_listed_over_pages_and_aborted() {
    let (emulator, client) = emulator().await;
    let s3 = s3_of(&client, &client.verify_token().await.unwrap());
    for n in 0..1100 {
        emulator.seed_multipart_upload("b", &format!("upload {}", n / 2));
    }
    emulator.seed_multipart_upload("b", "a b&<>'\"%é//x+\n");
    assert_eq!(client.delete_bucket("b").await.unwrap_err().verdict(), Verdict::NotEmpty);
    let (mut all, mut after): (Vec<MultipartUpload>, _) = (Vec::new(), None);
    loop {
        let page = s3.list_multipart_uploads("b", after.as_ref(), NOW).await.unwrap();
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all.len(), 1101);
    for upload in &all {
        s3.abort_multipart_upload("b", upload, NOW).await.unwrap();
    }
    assert_eq!(s3.abort_multipart_upload("b", &all[0], NOW).await.unwrap_err().verdict(), Verdict::Done);
    assert_eq!(emulator.unfinished_uploads("b").await.unwrap(), 0);
    client.delete_bucket("b").await.unwrap();
}

#[tokio::test]
async fn a_token_that_s3_does_not_let_in_is_no_bad_token() {
    let (emulator, client) = emulator().await;
    let token_id = client.verify_token().await.unwrap();
    let refusal = async |s3: S3, now| {
        let error = s3.list_objects("b", None, now).await.unwrap_err();
        (error.verdict(), error.to_string().split(": ").nth(1).unwrap().to_owned())
    };
    let unusable = |why: &str| (Verdict::S3Unusable, why.to_owned());
    let other_id = s3_of(&client, "ffffffffffffffffffffffffffffffff");
    assert_eq!(refusal(other_id, NOW).await, unusable("status 401, Unauthorized"));
    assert_eq!(refusal(s3_of(&client, "short"), NOW).await, unusable("status 400, InvalidArgument"));
    let other_token = client_of(Arc::new(InProcess(emulator.clone())), "x");
    assert_eq!(refusal(s3_of(&other_token, &token_id), NOW).await, unusable("status 403, SignatureDoesNotMatch"));
    let late = NOW.plus_ms(16 * 60_000);
    assert_eq!(refusal(s3_of(&client, &token_id), late).await, unusable("status 400, ExpiredRequest"));
    emulator.token_has_r2(false);
    assert_eq!(refusal(s3_of(&client, &token_id), NOW).await, unusable("status 403, AccessDenied"));
    client.list_objects("b", None).await.unwrap();
    emulator.token_has_r2(true);
    keys(&s3_of(&client, &token_id)).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_is_gone_and_a_far_side_in_trouble_are_told_apart() {
    let (emulator, s3) = s3().await;
    let gone = s3.delete_objects("none", &["k".to_owned()], NOW).await.unwrap_err();
    assert_eq!(gone.verdict(), Verdict::Missing);
    for (effect, verdict) in [
        (Effect::TooManyRequests { retry_after: 9 }, Verdict::Later { retry_after_s: Some(9) }),
        (Effect::Status { status: 503 }, Verdict::Later { retry_after_s: None }),
        (Effect::Html403, Verdict::Later { retry_after_s: None }),
        (Effect::ReplyLost, Verdict::LookAgain),
    ] {
        let fault = emulator.fault(Fault::new(effect).kind("s3.object.list"));
        assert_eq!(keys(&s3).await.unwrap_err().verdict(), verdict);
        assert_eq!(emulator.struck(fault), 1);
    }
}

#[tokio::test]
async fn a_scripts_settings_show_its_tags_and_bindings() {
    let (emulator, client) = emulator().await;
    emulator.seed_script("theirs", &["mark"]);
    let settings = client.get_script_settings("theirs").await.unwrap();
    assert_eq!((settings.tags.as_slice(), settings.bindings.len()), (["mark".to_owned()].as_slice(), 0));
    assert_eq!(client.get_script_settings("none").await.unwrap_err().verdict(), Verdict::Missing);
}
