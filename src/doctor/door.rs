//! Who may come in: Access in front of the operators' pages, its keys, the roles, and sign-ups.

use http::Response;
use http::header::{DATE, LOCATION, WWW_AUTHENTICATE};

use super::{Check, Finding};
use crate::access::{Settings, keys};
use crate::clock::Timestamp;
use crate::config::{Config, SignupMode};

/// What somebody who shows nothing is answered at the operators' address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Where it sends him.
    pub location: String,
    /// Whether it is this plane's own refusal.
    pub is_own: bool,
}

impl Answered {
    /// Reads an answer.
    pub fn read(response: &Response<bytes::Bytes>) -> Self {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let is_own = response.headers().get(WWW_AUTHENTICATE).is_some_and(|scheme| scheme == "Cloudflare-Access");
        Self { status: response.status().as_u16(), location: location.unwrap_or_default().to_owned(), is_own }
    }
}

const PROTECT: &str = "In the dashboard, Zero Trust, Access controls, Applications: add a self-hosted application for this host and \
     the path admin, and set ACCESS_AUD to its Application Audience (AUD) Tag.";

/// Judges whether `host` is protected by the application that the settings name.
pub fn access(answered: Result<Answered, &String>, settings: &Settings, host: &str) -> Finding {
    let check = Check::Access;
    let answered = match answered {
        Ok(answered) => answered,
        Err(error) => return check.unseen(error),
    };
    let Answered { status, location, is_own } = &answered;
    match status {
        200..=299 => check.failed("Whoever shows nothing is let in.", PROTECT),
        300..=399 => redirect(location, settings, host),
        401 | 403 if *is_own => check.warning(
            "Access is not in front of this host, or not in front of this address. The plane refuses strangers by itself.",
            PROTECT,
        ),
        401 | 403 => check.warning(
            format!("Strangers are refused with {status}, neither by Access's page to sign in nor by the plane."),
            "See what stands in front of this host, such as a firewall rule.",
        ),
        _ => check.unseen(&format!("this host answered {status}")),
    }
}

/// Access sends strangers on to `<team>/cdn-cgi/access/login/<host>?kid=<audience>&…` (`generateLoginURL` of Cloudflare's
/// `@cloudflare/pages-plugin-cloudflare-access`).
fn redirect(location: &str, settings: &Settings, host: &str) -> Finding {
    let check = Check::Access;
    let (address, query) = location.split_once('?').unwrap_or((location, ""));
    let Some((team, of_host)) = address.split_once("/cdn-cgi/access/login/") else {
        return check.warning(
            "Strangers are sent on, and not to Access's page to sign in.",
            "See what stands in front of this host, such as a redirect rule.",
        );
    };
    let audience = query.split('&').find_map(|pair| pair.strip_prefix("kid=")).unwrap_or_default();
    if team != settings.team_url {
        check.failed("Another team of Access is in front of this host than ACCESS_TEAM_URL says.", PROTECT)
    } else if audience != settings.audience {
        check.failed("Another application of Access is in front of this host than ACCESS_AUD says.", PROTECT)
    } else if of_host != host && Some(of_host) != host.split(':').next() {
        check.failed("Access sends strangers on to sign in for another host.", PROTECT)
    } else {
        check.ok(format!("Strangers are sent on to sign in for {host}, by the application that ACCESS_AUD names."))
    }
}

/// The team's keys, as they were answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certs {
    /// HTTP status.
    pub status: u16,
    /// How many keys there are that signatures can be checked with.
    pub keys: usize,
    /// When it was answered, by Cloudflare's clock.
    pub date: Option<Timestamp>,
}

impl Certs {
    /// Reads an answer.
    pub fn read(response: &Response<bytes::Bytes>) -> Self {
        let date = response.headers().get(DATE).and_then(|value| read_date(value.to_str().ok()?));
        let keys = keys::read(response.body()).map_or(0, |keys| keys.len());
        Self { status: response.status().as_u16(), keys, date }
    }
}

/// Judges them.
pub fn access_keys(certs: Result<Certs, &String>) -> Finding {
    let check = Check::AccessKeys;
    match certs {
        Err(error) => check.unseen(error),
        Ok(Certs { keys: 0, status: status @ 500.., .. }) => {
            check.unseen(&format!("the team's address answered {status}"))
        }
        Ok(Certs { keys: 0, status, .. }) => check.failed(
            format!("The team's address answered {status}, and no keys."),
            "Set ACCESS_TEAM_URL to https://<your team>.cloudflareaccess.com, as Zero Trust, Settings shows it.",
        ),
        Ok(Certs { keys, .. }) => check.ok(format!("The team has {keys} keys.")),
    }
}

/// Judges who may change things.
pub fn operators(settings: &Settings) -> Finding {
    let check = Check::Operators;
    if settings.roles.operators.is_empty() {
        check.warning("Nobody may change anything: there are viewers only.", "Set ACCESS_OPERATORS, and deploy.")
    } else {
        check.ok("Somebody may change things.")
    }
}

/// Judges who may sign up.
pub fn sign_ups(config: &Config) -> Finding {
    let check = Check::SignUps;
    match config.signup_mode {
        SignupMode::Open if config.turnstile.is_none() => check.warning(
            "Anybody may sign up, robots among them.",
            "Make a Turnstile widget, and set TURNSTILE_SITE_KEY and TURNSTILE_SECRET_KEY; or set SIGNUP_MODE to invite.",
        ),
        SignupMode::Open => check.ok("Anybody may sign up who solves a Turnstile challenge."),
        SignupMode::Invite => check.ok("Whoever has an invite may sign up."),
        SignupMode::Closed => check.ok("Nobody may sign up."),
    }
}

/// A date of HTTP (RFC 9110, section 5.6.7): `Sun, 01 Nov 2026 12:00:00 GMT`.
fn read_date(text: &str) -> Option<Timestamp> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = text.split_ascii_whitespace().skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.find(month).filter(|at| month.len() == 3 && at % 3 == 0)? / 3 + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        let date = |text| read_date(text).map(|at| at.to_string());
        assert_eq!(date("Sun, 01 Nov 2026 12:00:00 GMT").as_deref(), Some("2026-11-01T12:00:00.000Z"));
        assert_eq!(date("Thu, 31 Dec 2026 23:59:59 GMT").as_deref(), Some("2026-12-31T23:59:59.000Z"));
        for bad in
            ["", "Sun, 01 Nov 2026", "Sun, 01 anF 2026 12:00:00 GMT", "Sun, 99 Nov 2026 12:00:00 GMT", "a b c d e"]
        {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
