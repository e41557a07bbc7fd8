//! Every classic way to forge a token of Access.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use bytes::Bytes;
use cloudflare_emulator::{AccessIdentity, Clock, Emulator, Options};
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use paramita::access::Invalid;
use serde_json::{Value as Json, json};
use sha2::Sha256;

/// The client id of a script's service token.
pub const SCRIPT: &str = "e367826f93b8d71185e03fe518aff3b4.access";

/// What a good token is for.
pub struct Door<'a> {
    pub team: &'a str,
    pub audience: &'a str,
    /// Whose it is.
    pub email: &'a str,
    /// In so many seconds, which are more than the plane overlooks, a time is still to come when the token is shown.
    pub soon_s: i64,
}

impl Door<'_> {
    /// The claims of a usual token.
    pub fn claims(&self, emulator: &Emulator) -> Json {
        emulator.access_claims(self.team, self.audience, AccessIdentity::Person(self.email))
    }
}

/// The claims with some of them changed; null takes one away.
pub fn but(mut claims: Json, changes: Json) -> Json {
    let all = claims.as_object_mut().unwrap();
    all.extend(changes.as_object().unwrap().clone());
    all.retain(|_, value| !value.is_null());
    claims
}

pub async fn certs(emulator: &Emulator) -> Json {
    let request = Request::get("/cdn-cgi/access/certs").body(Bytes::new()).unwrap();
    serde_json::from_slice(emulator.handle(request).await.unwrap().body()).unwrap()
}

/// The header that Access gave a token, as text to change.
pub fn header(token: &str) -> String {
    String::from_utf8(BASE64URL.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

pub fn unsigned(header: &str, payload: &str) -> String {
    format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(payload))
}

/// Signed with a text that everybody knows, as if it were a secret.
fn hs256(header: &str, payload: &str, key: &[u8]) -> String {
    let signed = unsigned(header, payload);
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(signed.as_bytes()).finalize();
    format!("{signed}.{}", BASE64URL.encode(mac.into_bytes()))
}

/// Every classic forgery, with the reason for which it is refused.
pub async fn forgeries(emulator: &Emulator, door: &Door<'_>, clock: Clock) -> Vec<(&'static str, String, Invalid)> {
    let Door { team, soon_s, .. } = *door;
    let claims = |emulator: &Emulator| door.claims(emulator);
    let now = claims(emulator)["iat"].as_i64().unwrap();
    let token = |emulator: &Emulator| emulator.access_token(&claims(emulator));
    let good = token(emulator);
    let (usual, payload) = (header(&good), claims(emulator).to_string());
    let kid = serde_json::from_str::<Json>(&usual).unwrap()["kid"].as_str().unwrap().to_owned();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let [first, second] = <[&str; 2]>::try_from(signed.split('.').collect::<Vec<_>>()).unwrap();
    let changed = |changes: Json| emulator.access_token(&but(claims(emulator), changes));
    let headed = |header: String| emulator.access_signed(&header, &payload);
    let adding = |field: &str| headed(usual.replacen('{', &format!("{{{field},"), 1));

    let other_team = Emulator::new(Options { seed: 2, clock, ..Options::default() });
    let others_key = certs(&other_team).await["keys"][1].clone();
    let ours = certs(emulator).await;
    let pem = ours["public_cert"]["cert"].as_str().unwrap();
    let der = STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let hs = format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"JWT"}}"#);
    let none = format!(r#"{{"alg":"none","kid":"{kid}","typ":"JWT"}}"#);
    let own_jwk = format!(r#"{{"alg":"RS256","kid":"{kid}","jwk":{others_key}}}"#);
    let mallory = but(claims(emulator), json!({"email": "mallory@example.com"})).to_string();
    let mut flipped = BASE64URL.decode(signature).unwrap();
    flipped[200] ^= 1;
    let bits = |text: &str| BASE64URL.decode(text).unwrap();
    let twice_signed =
        format!(r#"{{"payload":"{second}","signatures":[{{"protected":"{first}","signature":"{signature}"}}]}}"#);

    vec![
        ("no algorithm, no signature", format!("{}.", unsigned(&none, &payload)), Invalid::Algorithm),
        ("no algorithm, a good signature", headed(none), Invalid::Algorithm),
        ("the algorithm is not said", headed(usual.replace(r#""alg":"RS256","#, "")), Invalid::Algorithm),
        ("HS256 with the certificate", hs256(&hs, &payload, pem.as_bytes()), Invalid::Algorithm),
        ("HS256 with the certificate's bytes", hs256(&hs, &payload, &der), Invalid::Algorithm),
        (
            "HS256 with the modulus",
            hs256(&hs, &payload, &bits(ours["keys"][1]["n"].as_str().unwrap())),
            Invalid::Algorithm,
        ),
        ("HS256 that says RS256", hs256(&usual, &payload, pem.as_bytes()), Invalid::Signature),
        ("PS256", headed(usual.replace("RS256", "PS256")), Invalid::Algorithm),
        ("RS512", headed(usual.replace("RS256", "RS512")), Invalid::Algorithm),
        ("another team's, whole", token(&other_team), Invalid::UnknownKey),
        ("another team's key under our key's name", other_team.access_signed(&usual, &payload), Invalid::Signature),
        (
            "another team's token, signed by us",
            changed(json!({"iss": "https://other.cloudflareaccess.com"})),
            Invalid::Issuer,
        ),
        ("an issuer that begins like ours", changed(json!({"iss": format!("{team}.evil.test")})), Invalid::Issuer),
        ("another application's", changed(json!({"aud": ["another"]})), Invalid::Audience),
        ("no application's", changed(json!({"aud": []})), Invalid::Audience),
        ("expired", changed(json!({"exp": now - 30})), Invalid::Expired),
        ("not yet valid", changed(json!({"nbf": now + soon_s})), Invalid::NotYetValid),
        ("made in the future", changed(json!({"iat": now + soon_s})), Invalid::NotYetValid),
        ("of the whole organization", changed(json!({"type": "org"})), Invalid::Type),
        ("without an issuer", changed(json!({"iss": null})), Invalid::Claim("iss")),
        ("without an audience", changed(json!({"aud": null})), Invalid::Claim("aud")),
        ("without an end", changed(json!({"exp": null})), Invalid::Claim("exp")),
        ("without a begin", changed(json!({"iat": null})), Invalid::Claim("iat")),
        ("without a type", changed(json!({"type": null})), Invalid::Claim("type")),
        ("of nobody", changed(json!({"sub": null})), Invalid::Claim("sub")),
        ("of nobody by name", changed(json!({"email": null})), Invalid::Claim("email")),
        ("of a person and a script", changed(json!({"sub": "", "common_name": SCRIPT})), Invalid::Claim("common_name")),
        ("an end that is a text", changed(json!({"exp": "9999999999"})), Invalid::Claim("exp")),
        ("an end beyond all numbers", changed(json!({"exp": 1e300})), Invalid::Claim("exp")),
        ("changed payload", format!("{first}.{}.{signature}", BASE64URL.encode(&mallory)), Invalid::Signature),
        (
            "changed header",
            format!("{}.{second}.{signature}", BASE64URL.encode(usual.replace(r#","typ":"JWT""#, ""))),
            Invalid::Signature,
        ),
        ("without a signature", format!("{signed}."), Invalid::Signature),
        ("half a signature", format!("{signed}.{}", &signature[..172]), Invalid::Signature),
        ("one bit of the signature changed", format!("{signed}.{}", BASE64URL.encode(&flipped)), Invalid::Signature),
        ("a signature of zeros", format!("{signed}.{}", BASE64URL.encode([0; 256])), Invalid::Signature),
        (
            "another token's signature",
            format!("{signed}.{}", changed(json!({"iat": now - 1})).rsplit_once('.').unwrap().1),
            Invalid::Signature,
        ),
        ("an unknown key", headed(usual.replace(&kid, "0123456789abcdef")), Invalid::UnknownKey),
        ("a key without a name", headed(usual.replace(&kid, "")), Invalid::KeyId),
        ("a key that is not said", headed(r#"{"alg":"RS256","typ":"JWT"}"#.into()), Invalid::KeyId),
        ("a path as a key", headed(usual.replace(&kid, "../../../../dev/null")), Invalid::KeyId),
        ("an address as a key", headed(usual.replace(&kid, "https://evil.test/keys")), Invalid::KeyId),
        ("SQL as a key", headed(usual.replace(&kid, "x' UNION SELECT 'key")), Invalid::KeyId),
        ("keys elsewhere (jku)", adding(r#""jku":"https://evil.test/keys""#), Invalid::Header),
        ("a certificate elsewhere (x5u)", adding(r#""x5u":"https://evil.test/cert""#), Invalid::Header),
        ("a certificate along (x5c)", adding(r#""x5c":["MIIB"]"#), Invalid::Header),
        ("a key along (jwk)", other_team.access_signed(&own_jwk, &payload), Invalid::Header),
        ("a demand (crit)", adding(r#""crit":["exp"]"#), Invalid::Header),
        ("another kind of token", headed(usual.replace("\"JWT\"", "\"at+jwt\"")), Invalid::Header),
        ("the algorithm twice", adding(r#""alg":"none""#), Invalid::DuplicateKey),
        (
            "the address twice",
            emulator.access_signed(&usual, &payload.replacen('{', r#"{"email":"mallory@example.com","#, 1)),
            Invalid::DuplicateKey,
        ),
        (
            "a group's object twice",
            emulator.access_signed(&usual, &payload.replacen('{', r#"{"custom":{"groups":[],"groups":["sre"]},"#, 1)),
            Invalid::DuplicateKey,
        ),
        ("no JSON in it", emulator.access_signed(&usual, "hello"), Invalid::Form),
        ("a list in it", emulator.access_signed(&usual, &format!("[{payload}]")), Invalid::Form),
        ("two signatures", format!("{good}.{signature}"), Invalid::Form),
        ("two signatures, as JSON", twice_signed, Invalid::Form),
        ("two parts", signed.to_owned(), Invalid::Form),
        ("a blank before", format!(" {good}"), Invalid::Form),
        ("a blank after", format!("{good} "), Invalid::Form),
        ("a tab within", good.replacen('.', ".\t", 1), Invalid::Form),
        ("padded", format!("{good}=="), Invalid::Form),
        ("padded within", good.replacen('.', "=.", 1), Invalid::Form),
        ("in base64 for other uses", format!("{signed}.{}", STANDARD.encode([0xFB; 256])), Invalid::Form),
        ("with its scheme", format!("Bearer {good}"), Invalid::Form),
        ("several in one header", format!("{good}, {good}"), Invalid::Form),
        ("huge", emulator.access_signed(&usual, &"x".repeat(1_000_000)), Invalid::TooLong),
        ("huge in one part", format!("{good}{}", "A".repeat(8_192)), Invalid::TooLong),
    ]
}
