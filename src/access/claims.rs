//! What a token must say to be good here and now. Read only once its signature is found good.

use std::fmt;

use serde_json::{Map, Value};

use super::{Invalid, Settings, json};
use crate::clock::Timestamp;

/// How far two clocks may be apart, in seconds.
pub const LEEWAY_SECONDS: i64 = 30;

/// Whom Access let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A person, by the e-mail address that the identity provider vouches for.
    Person(String),
    /// A script, by the client id of its service token.
    Service(String),
}

impl fmt::Display for Identity {
    /// E-mail address or client id. The first has an `@`, the second does not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) | Self::Service(name) => f.write_str(name),
        }
    }
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whom it is of.
    pub identity: Identity,
    /// The groups that the identity provider says the person is in, as it says it: one text or a list. Null for a script.
    pub groups: Value,
}

/// Reads a payload whose signature is good, and checks all that it says but who it is.
pub fn read(payload: &[u8], settings: &Settings, now: Timestamp) -> Result<Claims, Invalid> {
    let claims = json::object(payload)?;
    if text(&claims, "iss")? != settings.team_url {
        return Err(Invalid::Issuer);
    }
    if text(&claims, "type")? != "app" {
        return Err(Invalid::Type);
    }
    let is_ours = |value: &Value| value.as_str() == Some(&settings.audience);
    match claims.get("aud") {
        Some(Value::Array(several)) if several.iter().any(is_ours) => {}
        Some(one @ Value::String(_)) if is_ours(one) => {}
        Some(Value::Array(_) | Value::String(_)) => return Err(Invalid::Audience),
        _ => return Err(Invalid::Claim("aud")),
    }
    check_times(&claims, now.0.div_euclid(1_000))?;
    identify(&claims, &settings.groups_claim)
}

/// A service token has no `nbf`.
fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(), Invalid> {
    let seconds = |name| claims.get(name).and_then(Value::as_i64).ok_or(Invalid::Claim(name));
    let (expires, issued) = (seconds("exp")?, seconds("iat")?);
    let begins = if claims.contains_key("nbf") { seconds("nbf")? } else { issued };
    if expires.saturating_add(LEEWAY_SECONDS) <= now {
        return Err(Invalid::Expired);
    }
    if issued.max(begins) > now.saturating_add(LEEWAY_SECONDS) {
        return Err(Invalid::NotYetValid);
    }
    Ok(())
}

/// A person has an e-mail address and an id; a service token has a name and an empty id.
fn identify(claims: &Map<String, Value>, groups_claim: &str) -> Result<Claims, Invalid> {
    let subject = text(claims, "sub")?;
    if subject.is_empty() {
        let client_id = text(claims, "common_name")?;
        // Whoever is both is neither: no such token is documented.
        if client_id.is_empty() || claims.contains_key("email") {
            return Err(Invalid::Claim("common_name"));
        }
        return Ok(Claims { identity: Identity::Service(client_id.to_owned()), groups: Value::Null });
    }
    let email = text(claims, "email")?;
    // One `@` with something on both sides. More are allowed by no provider that matters, and would make it a matter of
    // taste what the domain is.
    if !email
        .split_once('@')
        .is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty() && !domain.contains('@'))
    {
        return Err(Invalid::Claim("email"));
    }
    let groups = claims.get("custom").and_then(|custom| custom.get(groups_claim)).cloned().unwrap_or_default();
    Ok(Claims { identity: Identity::Person(email.to_owned()), groups })
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Invalid> {
    claims.get(name).and_then(Value::as_str).ok_or(Invalid::Claim(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::super::settings::tests::settings;
    use super::*;

    const NOW: i64 = 1_793_534_400;

    fn person() -> Json {
        json!({
            "aud": ["the-audience"], "email": "ada@example.com", "exp": NOW + 3_600, "iat": NOW, "nbf": NOW,
            "iss": "https://team.cloudflareaccess.com", "type": "app", "identity_nonce": "6ei69kawdKzMIAPF",
            "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "US",
        })
    }

    fn service() -> Json {
        json!({
            "type": "app", "aud": ["the-audience"], "exp": NOW + 3_600, "iss": "https://team.cloudflareaccess.com",
            "common_name": "e367826f93b8d71185e03fe518aff3b4.access", "iat": NOW, "sub": "",
        })
    }

    fn read_at(claims: &Json, seconds: i64) -> Result<Claims, Invalid> {
        read(claims.to_string().as_bytes(), &settings(&[]), Timestamp(seconds * 1_000))
    }

    /// The claims with one of them changed; null takes it away.
    fn but(mut claims: Json, name: &str, value: Json) -> Json {
        match value {
            Json::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        claims
    }

    #[test]
    fn the_documented_tokens_of_a_person_and_of_a_script_are_read() {
        let ada = Claims { identity: Identity::Person("ada@example.com".into()), groups: Json::Null };
        assert_eq!(read_at(&person(), NOW), Ok(ada));
        let script = Identity::Service("e367826f93b8d71185e03fe518aff3b4.access".into());
        assert_eq!(read_at(&service(), NOW), Ok(Claims { identity: script, groups: Json::Null }));
    }

    #[test]
    fn groups_are_what_the_identity_provider_says_and_nothing_else() {
        let groups = |claims: Json| read_at(&claims, NOW).unwrap().groups;
        let custom = json!({"groups": ["platform", "sre"], "other": 1});
        assert_eq!(groups(but(person(), "custom", custom.clone())), json!(["platform", "sre"]));
        for none in [json!({}), json!(["groups"]), json!("groups")] {
            assert_eq!(groups(but(person(), "custom", none)), Json::Null);
        }
        assert_eq!(groups(but(person(), "groups", json!(["platform"]))), Json::Null);
        assert_eq!(groups(but(service(), "custom", custom)), Json::Null);
    }

    #[test]
    fn every_claim_is_needed_and_of_its_type() {
        for (name, why) in [
            ("iss", Invalid::Claim("iss")),
            ("type", Invalid::Claim("type")),
            ("aud", Invalid::Claim("aud")),
            ("exp", Invalid::Claim("exp")),
            ("iat", Invalid::Claim("iat")),
            ("sub", Invalid::Claim("sub")),
            ("email", Invalid::Claim("email")),
        ] {
            assert_eq!(read_at(&but(person(), name, Json::Null), NOW), Err(why), "without {name}");
            assert_eq!(read_at(&but(person(), name, json!({"a": 1})), NOW), Err(why), "{name} an object");
        }
        assert_eq!(read_at(&but(person(), "nbf", json!("soon")), NOW), Err(Invalid::Claim("nbf")));
        assert_eq!(read_at(&but(person(), "exp", json!("9999999999")), NOW), Err(Invalid::Claim("exp")));
        assert_eq!(read_at(&but(person(), "exp", json!(9e99)), NOW), Err(Invalid::Claim("exp")));
        assert_eq!(read_at(&but(service(), "common_name", Json::Null), NOW), Err(Invalid::Claim("common_name")));
        assert_eq!(read_at(&but(service(), "common_name", json!("")), NOW), Err(Invalid::Claim("common_name")));
        assert_eq!(read_at(&but(service(), "sub", Json::Null), NOW), Err(Invalid::Claim("sub")));
    }

    #[test]
    fn who_is_both_a_person_and_a_script_is_neither() {
        let both = but(service(), "email", json!("ada@example.com"));
        assert_eq!(read_at(&both, NOW), Err(Invalid::Claim("common_name")));
        // A person with a client's certificate has its name in the token; it gives no more rights.
        let certified = but(person(), "common_name", json!("e367826f93b8d71185e03fe518aff3b4.access"));
        assert_eq!(read_at(&certified, NOW).unwrap().identity, Identity::Person("ada@example.com".into()));
        assert_eq!(read_at(&but(certified, "email", Json::Null), NOW), Err(Invalid::Claim("email")));
    }

    #[test]
    fn an_address_has_one_name_and_one_domain() {
        for bad in ["", "ada", "@example.com", "ada@", "ada@evil.test@example.com", "@"] {
            assert_eq!(read_at(&but(person(), "email", json!(bad)), NOW), Err(Invalid::Claim("email")), "{bad:?}");
        }
    }

    #[test]
    fn issuer_audience_and_type_are_exactly_ours() {
        for issuer in [
            "https://team.cloudflareaccess.com/",
            "http://team.cloudflareaccess.com",
            "https://TEAM.cloudflareaccess.com",
            "https://other.cloudflareaccess.com",
            "https://team.cloudflareaccess.com.evil.test",
            "team.cloudflareaccess.com",
            "",
        ] {
            assert_eq!(read_at(&but(person(), "iss", json!(issuer)), NOW), Err(Invalid::Issuer), "{issuer}");
        }
        for audience in
            [json!([]), json!(["other"]), json!(["The-Audience"]), json!("the-audience-2"), json!([["the-audience"]])]
        {
            assert_eq!(read_at(&but(person(), "aud", audience.clone()), NOW), Err(Invalid::Audience), "{audience}");
        }
        assert!(read_at(&but(person(), "aud", json!("the-audience")), NOW).is_ok());
        assert!(read_at(&but(person(), "aud", json!(["other", "the-audience"])), NOW).is_ok());
        for kind in ["org", "App", "", "warp"] {
            assert_eq!(read_at(&but(person(), "type", json!(kind)), NOW), Err(Invalid::Type), "{kind}");
        }
    }

    #[test]
    fn a_token_is_good_from_its_begin_to_its_end_and_half_a_minute_around() {
        let end = NOW + 3_600;
        assert!(read_at(&person(), end + LEEWAY_SECONDS - 1).is_ok());
        assert_eq!(read_at(&person(), end + LEEWAY_SECONDS), Err(Invalid::Expired));
        assert!(read_at(&person(), NOW - LEEWAY_SECONDS).is_ok());
        assert_eq!(read_at(&person(), NOW - LEEWAY_SECONDS - 1), Err(Invalid::NotYetValid));
        let later = |name| but(person(), name, json!(NOW + LEEWAY_SECONDS + 1));
        assert_eq!(read_at(&later("nbf"), NOW), Err(Invalid::NotYetValid));
        assert_eq!(read_at(&later("iat"), NOW), Err(Invalid::NotYetValid));
        assert!(read_at(&but(later("nbf"), "nbf", Json::Null), NOW).is_ok());
    }

    #[test]
    fn a_claim_that_is_written_twice_is_refused() {
        let twice = person().to_string().replacen('{', r#"{"email":"mallory@example.com","#, 1);
        let read = read(twice.as_bytes(), &settings(&[]), Timestamp(NOW * 1_000));
        assert_eq!(read, Err(Invalid::DuplicateKey));
    }

    proptest! {
        #[test]
        fn whatever_its_times_no_token_is_good_outside_of_them(exp: i64, iat: i64, nbf: i64, now in 0..4_000_000_000_i64) {
            let mut claims = person();
            (claims["exp"], claims["iat"], claims["nbf"]) = (json!(exp), json!(iat), json!(nbf));
            if read_at(&claims, now).is_ok() {
                prop_assert!(i128::from(now) < i128::from(exp) + i128::from(LEEWAY_SECONDS));
                prop_assert!(iat.max(nbf) <= now + LEEWAY_SECONDS);
            }
        }
    }
}
