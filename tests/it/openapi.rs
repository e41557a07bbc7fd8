//! The API's document: each of its examples is sent to a plane, must be answered as it claims and as the schemas say, and
//! the answers go into the document. `make openapi` writes it; else the one that is there must be the same.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use cloudflare_emulator::AccessIdentity;
use http::Request;
use paramita::access::ASSERTION;
use paramita::http::openapi::example::{Given, INVITE_ID, RELEASE_ID, SECRET, Sample, Shown, TENANT, TOKEN_ID};
use paramita::http::openapi::{document, samples};
use paramita::tenant::sleep::SleepAfter;
use serde_json::{Value as Json, json};

use crate::fixtures::{Published, settings};
use crate::plane::{Answer, TestPlane};

/// What stands for ids and tokens, each of which is another one in every world. None of the tokens is good: their
/// checksums are wrong.
const STANDS_FOR: [(&str, &str); 7] = [
    ("\"hash\":\"", "\"hash\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("inv_", "inv_EXAMPLE_EXAMPLE_EXAMPLE_EXA00000000"),
    ("ivt_", INVITE_ID),
    ("pcp_", "pcp_EXAMPLE_EXAMPLE_EXAMPLE_EXAMPLE_EXAMPLE_EXA00000000"),
    ("tok_", TOKEN_ID),
    ("req_", "req_9a3c5e7f1b2d4680"),
    ("rel_", RELEASE_ID),
];

const TEAM: &str = "https://example-team.cloudflareaccess.com";
const AUDIENCE: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
const OPERATOR: &str = "ada@example.com";

fn access_token(plane: &TestPlane) -> String {
    plane.emulator.access_token(&plane.emulator.access_claims(TEAM, AUDIENCE, AccessIdentity::Person(OPERATOR)))
}

/// A plane with what an example wants to be there, the tenant's token, and the id of what the address names.
async fn world(given: Given) -> (TestPlane, String, String) {
    let mode = if given == Given::ByInvitation { "invite" } else { "open" };
    let set =
        [("SIGNUP_MODE", mode), ("ACCESS_TEAM_URL", TEAM), ("ACCESS_AUD", AUDIENCE), ("ACCESS_OPERATORS", OPERATOR)];
    let plane = TestPlane::with(settings(&set), Some(Published::guide())).await;
    match given {
        Given::Orphan => {
            plane
                .sql(
                    "INSERT INTO orphan (kind, name, is_ours, first_seen_ms, last_seen_ms) \
                     VALUES ('bucket', 'moltbot-data-lost', 0, 1793534400000, 1793534400000)",
                )
                .await;
            return (plane, String::new(), String::new());
        }
        Given::Nobody | Given::ByInvitation => return (plane, String::new(), String::new()),
        Given::Invite => {
            let request = Request::post("/admin/api/invites").header(ASSERTION, access_token(&plane));
            let body = Bytes::from_static(b"{\"note\":\"for the pilot\"}");
            let made = plane.send(request.header("content-type", "application/json").body(body).unwrap()).await;
            return (plane, String::new(), made.expect(201)["invite"]["id"].as_str().unwrap().to_owned());
        }
        _ => {}
    }
    let signed_up = plane.sign_up(&json!({"name": TENANT, "secrets": {SECRET: "sk-ant-example"}})).await;
    let token = signed_up["token"].as_str().unwrap().to_owned();
    plane.until_quiet().await;
    let post = async |rest: &str, body: &str| {
        plane.raw("POST", &format!("/v1/tenants/{TENANT}/{rest}"), Some(&token), body.to_owned()).await
    };
    let mut other = String::new();
    match given {
        Given::Suspended => {
            post("suspend", "").await.expect(202);
            plane.until_quiet().await;
        }
        Given::Deleting => {
            plane.raw("DELETE", &format!("/v1/tenants/{TENANT}"), Some(&token), Bytes::new()).await.expect(202);
            plane.round().await;
        }
        Given::SecondToken => {
            let made = post("tokens", "{\"scopes\":[\"read\"]}").await.expect(201);
            other = made["details"]["id"].as_str().unwrap().to_owned();
        }
        Given::Nobody | Given::ByInvitation | Given::Invite | Given::Orphan | Given::Tenant => {}
    }
    (plane, token, other)
}

async fn send(sample: &Sample) -> Answer {
    let (plane, token, other) = world(sample.example.given).await;
    let mut address = sample.address.replace(RELEASE_ID, &Published::guide().id);
    if !other.is_empty() {
        address = address.replace(TOKEN_ID, &other).replace(INVITE_ID, &other);
    }
    let mut request = Request::builder().method(sample.method.clone()).uri(address);
    request = match sample.shown {
        Shown::Nothing => request,
        Shown::Token => request.header("authorization", format!("Bearer {token}")),
        Shown::Access => request.header(ASSERTION, access_token(&plane)),
    };
    let body = sample.example.body.as_ref().map(Json::to_string).unwrap_or_default();
    plane.send(request.header("content-type", "application/json").body(Bytes::from(body)).unwrap()).await
}

/// `text` with what is random in it replaced.
fn without_chance(text: &str) -> String {
    let mut text = text.to_owned();
    for (prefix, example) in STANDS_FOR {
        let mut parts = text.split(prefix);
        let mut replaced = parts.next().unwrap().to_owned();
        for rest in parts {
            let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
            replaced += if length >= 16 { example } else { prefix };
            replaced += if length >= 16 { &rest[length..] } else { rest };
        }
        text = replaced;
    }
    text
}

fn readable(answer: &Answer) -> Json {
    let text = without_chance(&answer.text);
    let is_json = answer.headers["content-type"].to_str().unwrap().ends_with("json");
    let mut body = if is_json { serde_json::from_str(&text).unwrap() } else { Json::String(text) };
    for (pointer, example) in [
        ("/gateway_token", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
        ("/tenant_id", "t0123456789abcdef01234567"),
        ("/id", "t0123456789abcdef01234567"),
        ("/ledger/2/id", "8d7f3f0e-6f3c-4b57-9a70-3f5f1d0c2b1a"),
    ] {
        if let Some(field @ Json::String(_)) = body.pointer_mut(pointer) {
            *field = json!(example);
        }
    }
    body
}

/// A schema of the document, with what it refers to.
fn validator(document: &Json, schema: &Json) -> jsonschema::Validator {
    let whole = json!({"components": document["components"], "allOf": [schema]});
    jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap()
}

#[track_caller]
fn assert_valid(document: &Json, schema: &Json, value: &Json, what: &str) {
    assert!(!schema.is_null(), "{what} has no schema");
    let validator = validator(document, schema);
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}\nin {value}");
}

fn operation<'a>(document: &'a Json, sample: &Sample) -> &'a Json {
    &document["paths"][sample.route][sample.method.as_str().to_ascii_lowercase()]
}

/// Compares a file with what it should be, or writes it.
fn is_as_written(file: &str, text: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("OPENAPI").is_some_and(|does| does == "write") {
        fs::write(&path, text).unwrap();
    }
    fs::read_to_string(&path).is_ok_and(|there| there == text)
}

#[tokio::test(start_paused = true)]
async fn every_example_is_answered_as_it_claims_and_as_the_schemas_say() {
    let described = document(|_| Json::Null);
    let mut answers = HashMap::new();
    for sample in samples() {
        let what = format!("{} {}", sample.operation, sample.example.title);
        let answer = send(&sample).await;
        let body = readable(&answer);
        assert_eq!(answer.status.as_u16(), sample.example.status, "{what}: {body}");
        let code = if answer.status.as_u16() >= 400 { body["code"].as_str() } else { None };
        assert_eq!(code, sample.example.code, "{what}: {body}");
        let response = &operation(&described, &sample)["responses"][answer.status.as_str()];
        let media_type = answer.headers["content-type"].to_str().unwrap().split(';').next().unwrap();
        assert_valid(&described, &response["content"][media_type]["schema"], &body, &what);
        let headers = response["headers"].as_object().unwrap();
        for name in headers.keys().filter(|name| described["components"]["headers"][name.as_str()]["required"] == true)
        {
            assert!(answer.headers.contains_key(name), "{what} without {name}");
        }
        answers.insert((sample.operation, sample.example.title), body);
    }
    let document = document(|sample| answers[&(sample.operation, sample.example.title)].clone());
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    assert!(is_as_written("assets/openapi.json", &text), "assets/openapi.json is stale: run `make openapi`");
    let page = paramita::pages::reference::reference(&document);
    assert!(is_as_written("assets/reference.html", &page), "assets/reference.html is stale: run `make openapi`");
}

#[test]
fn what_an_example_sends_is_within_its_schema_unless_it_shows_what_is_not() {
    let document = document(|_| Json::Null);
    let mut refused = 0;
    for sample in samples() {
        let Some(body) = &sample.example.body else { continue };
        let what = format!("{} {}", sample.operation, sample.example.title);
        let schema = &operation(&document, &sample)["requestBody"]["content"]["application/json"]["schema"];
        if sample.example.code == Some("invalid") {
            assert!(!validator(&document, schema).is_valid(body), "{what} is within the schema");
            refused += 1;
        } else {
            assert_valid(&document, schema, body, &what);
        }
    }
    assert!(refused >= 2);
}

/// Every length up to well past the limit, in each unit, and a few that are none.
#[test]
fn the_schema_of_a_sleep_takes_what_the_plane_takes() {
    let document = document(|_| Json::Null);
    let validator = validator(&document, &json!({"$ref": "#/components/schemas/SleepAfter"}));
    let lengths = (0..20_000).chain(95_000..105_000).chain(595_000..615_000).chain([999_999, 6_048_000]);
    let spelled = lengths.flat_map(|amount| ["s", "m", "h"].map(|unit| format!("{amount}{unit}")));
    for text in spelled.chain(["never", "", "m", "010m", "1d", "never1h"].map(str::to_owned)) {
        let takes = SleepAfter::try_from(text.clone()).is_ok();
        assert_eq!(validator.is_valid(&json!(text)), takes, "{text:?}");
    }
}
