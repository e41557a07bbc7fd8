//! What must hold of everything that reads what comes from outside, whatever comes.
//!
//! A [`Target`] is one such reader with its promises: it takes any bytes, and panics where a promise is broken. Three use
//! them: `cargo test` with the inputs in `seeds/` and with random ones that look much like good ones (`tests/properties.rs`),
//! and `make fuzz`, where libFuzzer watches which way through the code each input takes and goes on from those that find a
//! new one.
//!
//! An input that broke a promise is printed as a line for the target's file in `seeds/`, where it stays.

// A panic is how a broken promise is told.
#![allow(clippy::panic, clippy::indexing_slicing)]

mod access;
mod amounts;
mod cloudflare;
#[path = "../../it/fixtures.rs"]
#[allow(dead_code, missing_docs, clippy::unwrap_used)]
mod fixtures;
mod headers;
mod names;
mod operator;
mod plane;
mod problem;
mod request;
mod s3;
pub mod seeds;
mod settings;
mod tokens;
mod turnstile;

/// Something that reads what comes from outside, and what it promises.
pub struct Target {
    /// The name of its file in `seeds/`.
    pub name: &'static str,
    /// Tries one input; panics when a promise is broken.
    pub run: fn(&[u8]),
    /// How many inputs make some two seconds on a small machine.
    pub runs: u32,
}

const fn target(name: &'static str, run: fn(&[u8]), runs: u32) -> Target {
    Target { name, run, runs }
}

/// Every reader of what comes from outside.
pub const TARGETS: [Target; 19] = [
    target("names", names::run, 100_000),
    target("durations", amounts::durations, 100_000),
    target("numbers", amounts::numbers, 100_000),
    target("money", amounts::money, 50_000),
    target("capacity", amounts::capacity, 50_000),
    target("tokens", tokens::tokens, 50_000),
    target("scopes", tokens::scopes, 100_000),
    target("positions", tokens::positions, 100_000),
    target("settings", settings::run, 25_000),
    target("access", access::run, 40_000),
    target("manifest", settings::manifest, 50_000),
    target("cloudflare", cloudflare::run, 6_000),
    target("s3", s3::run, 10_000),
    target("turnstile", turnstile::run, 50_000),
    target("headers", headers::terms, 2_000),
    target("keys", headers::key, 600),
    target("query", request::query, 4_000),
    target("body", request::body, 3_000),
    target("request", request::run, 4_000),
];

/// The target of that name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// A text that people are shown: it says something, in one line, and not at any length.
#[track_caller]
fn assert_is_said(text: &str, most_bytes: usize) {
    assert!(!text.is_empty(), "nothing is said");
    assert!(!text.chars().any(char::is_control), "control characters in {text:?}");
    assert!(text.len() <= most_bytes, "{} bytes are said", text.len());
}

/// `data` as text, which every reader of text is given; other bytes never get so far.
fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}
