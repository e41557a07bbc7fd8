//! What operators write: the plane's settings, and the manifests of releases.

use paramita::config::Config;
use paramita::release::manifest::Manifest;

use crate::{assert_is_said, text};

/// The settings of which no value is ever printed, unless it stands in one of the others, too.
const SECRETS: [&str; 3] = ["CLOUDFLARE_API_TOKEN", "SEALING_KEY", "TURNSTILE_SECRET_KEY"];

/// Settings as lines `NAME=value`. All of it is taken, or everything that is wrong is said without any of the values: the
/// complaint is shown to whoever asks the plane for something.
pub fn run(data: &[u8]) {
    let text = text(data);
    let variable = |name: &str| {
        let line = text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(str::to_owned)
    };
    match Config::read(&variable) {
        Ok(config) => {
            let printed = format!("{config:?}");
            for name in SECRETS {
                let secret = variable(name).unwrap_or_default();
                let is_elsewhere =
                    settings(text).any(|(other, value)| !SECRETS.contains(&other) && value.contains(secret.trim()));
                assert!(
                    !is_telling(&secret) || is_elsewhere || !printed.contains(secret.trim()),
                    "{name} in {printed}"
                );
            }
            assert!(config.url_of("script").contains("script") && !config.url_of("script").contains("{script}"));
        }
        Err(error) => {
            let said = error.to_string();
            assert_is_said(&said, 4_000);
            for (_, value) in settings(text) {
                let value = value.trim();
                assert!(!is_telling(value) || !said.contains(value), "{value} in {said}");
            }
        }
    }
}

fn settings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once('='))
}

/// Whether a value would be known again: it is none of the words that complaints are made of.
fn is_telling(value: &str) -> bool {
    value.contains("planted") && value.len() >= 12
}

/// A manifest reads back as it was, or is refused in bounded words.
pub fn manifest(data: &[u8]) {
    match Manifest::parse(text(data)) {
        Ok(manifest) => {
            assert_eq!(manifest.format, 1);
            assert!(manifest.migrations.iter().all(|migration| !migration.tag().is_empty()));
            assert_eq!(manifest.newest_migration().is_some(), !manifest.migrations.is_empty());
            let written = serde_json::to_string(&manifest).unwrap_or_default();
            assert_eq!(Manifest::parse(&written), Ok(manifest), "{written}");
        }
        Err(error) => assert_is_said(&error, 400),
    }
}
