//! What Turnstile says of a challenge.

use std::sync::Arc;

use paramita::clock::{ManualClock, Timestamp};
use paramita::cloudflare::SecretText;
use paramita::entropy::SeededEntropy;
use paramita::log::{Logger, MemoryLog};
use paramita::turnstile::{Keys, Turnstile};
use serde_json::Value;

use crate::assert_is_said;
use crate::cloudflare::Always;
use crate::plane::finish;

const SECRET: &str = "planted-turnstile-secret";

/// Nobody passes without a clear yes, for this page.
pub fn run(data: &[u8]) {
    let Some(answer) = Always::read(data) else { return };
    let status = answer.status;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let keys = Keys {
        site_key: "site".to_owned(),
        secret_key: SecretText::new(SECRET),
        verify_url: "https://turnstile.test/verify".to_owned(),
    };
    let log = Arc::new(MemoryLog::default());
    let logger = Logger::new(log.clone(), Arc::new(ManualClock::at(Timestamp(0))));
    let turnstile = Turnstile::new(keys, Arc::new(answer), Arc::new(SeededEntropy::new(1)));
    match finish(turnstile.verify(&logger, "token", "plane.test", None)) {
        Ok(()) => {
            assert_eq!((status, &said["success"], &said["action"]), (200, &true.into(), &"sign-up".into()), "{said}");
            assert!(said["hostname"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("plane.test")), "{said}");
        }
        Err(refusal) => assert_is_said(&refusal.to_string(), 100),
    }
    for line in log.lines() {
        assert_is_said(&line.to_string(), 400);
        assert!(!line.to_string().contains(SECRET) && !line.to_string().contains("\"token\""));
    }
}
