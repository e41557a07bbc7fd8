//! The settings of Turnstile: both keys, or none.

use http::Uri;

use crate::cloudflare::SecretText;

/// Where Cloudflare answers.
const VERIFY_URL: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";

/// One widget. Prints without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Public: stands in the page.
    pub site_key: String,
    /// Proves to siteverify whose widget is meant.
    pub secret_key: SecretText,
    /// Where siteverify is.
    pub verify_url: String,
}

impl Keys {
    /// Reads the settings by `get`, which gives those that are not empty. `None`: there is no challenge to solve. Complains
    /// about half a pair, and about a URL that would show the secret to others.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, &'static str> {
        let verify_url = get("TURNSTILE_VERIFY_URL").unwrap_or_else(|| VERIFY_URL.to_owned());
        if !is_private(&verify_url) {
            return Err("TURNSTILE_VERIFY_URL must be an https address, or an http address of localhost");
        }
        match (get("TURNSTILE_SITE_KEY"), get("TURNSTILE_SECRET_KEY")) {
            (None, None) => Ok(None),
            (Some(_), None) => Err("TURNSTILE_SECRET_KEY is missing (a secret; TURNSTILE_SITE_KEY is set)"),
            (None, Some(_)) => Err("TURNSTILE_SITE_KEY is missing (TURNSTILE_SECRET_KEY is set)"),
            (Some(site_key), Some(secret_key)) => {
                Ok(Some(Self { site_key, secret_key: SecretText::new(secret_key), verify_url }))
            }
        }
    }

    /// Whether the secret is one of Cloudflare's for tests, with which everybody or nobody passes, whatever the page
    /// (developers.cloudflare.com/turnstile/troubleshooting/testing).
    pub fn are_for_tests(&self) -> bool {
        let secret = self.secret_key.expose();
        secret.len() == 35
            && secret.ends_with("AA")
            && ["1x000", "2x000", "3x000"].iter().any(|start| secret.starts_with(start))
    }

    /// Whether they are Cloudflare's for tests, used with its real service: then the challenge keeps nobody off.
    pub fn keep_nobody_off(&self) -> bool {
        self.are_for_tests() && self.verify_url == VERIFY_URL
    }
}

/// Whether what is sent there cannot be read on the way.
fn is_private(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => host == "localhost" || host == "127.0.0.1",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Option<Keys>, &'static str> {
        Keys::read(|name| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    const SITE: (&str, &str) = ("TURNSTILE_SITE_KEY", "0x4site");
    const SECRET: (&str, &str) = ("TURNSTILE_SECRET_KEY", "0x4planted");

    #[test]
    fn both_keys_or_none() {
        assert_eq!(read(&[]), Ok(None));
        let keys = read(&[SITE, SECRET]).unwrap().unwrap();
        assert_eq!((keys.site_key.as_str(), keys.secret_key.expose()), ("0x4site", "0x4planted"));
        assert_eq!(keys.verify_url, "https://challenges.cloudflare.com/turnstile/v0/siteverify");
        assert!(!keys.are_for_tests() && !format!("{keys:?}").contains("planted"));
        assert!(read(&[SITE]).unwrap_err().starts_with("TURNSTILE_SECRET_KEY is missing"));
        let complaint = read(&[SECRET]).unwrap_err();
        assert!(complaint.starts_with("TURNSTILE_SITE_KEY is missing") && !complaint.contains("planted"));
    }

    #[test]
    fn the_secret_goes_only_where_nobody_listens() {
        for (url, is_fine) in [
            ("https://challenges.example.com/siteverify", true),
            ("http://localhost:8788/turnstile/v0/siteverify", true),
            ("http://challenges.cloudflare.com/turnstile/v0/siteverify", false),
            ("http://localhost.example.com/", false),
            ("http://localhost@example.com/", false),
            ("//challenges.cloudflare.com/", false),
            ("siteverify", false),
            ("not a url", false),
        ] {
            assert_eq!(read(&[SITE, SECRET, ("TURNSTILE_VERIFY_URL", url)]).is_ok(), is_fine, "{url}");
        }
    }

    #[test]
    fn cloudflares_keys_for_tests_are_known() {
        for first in 1..=3 {
            let secret = format!("{first}x0000000000000000000000000000000AA");
            let keys = read(&[SITE, ("TURNSTILE_SECRET_KEY", &secret)]).unwrap().unwrap();
            assert!(keys.are_for_tests() && keys.keep_nobody_off());
            let keys = Keys { verify_url: "http://localhost:8788/turnstile/v0/siteverify".to_owned(), ..keys };
            assert!(keys.are_for_tests() && !keys.keep_nobody_off());
        }
    }
}
