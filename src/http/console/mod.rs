//! The operators' pages: forms in, pages out. What a form asks for is asked of the API's own handlers, in process, as in
//! [`super::site`].
//!
//! Who asks is told by Cloudflare Access, with each request. A form proves beside that it came from a page that this
//! operator was shown today or yesterday: another site could have a signed-in operator's browser send one.

pub mod audit;
pub mod doctor;
pub mod fleet;
pub mod invites;
pub mod releases;
pub mod sweeps;
pub mod tenant;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::auth::Subject;
use super::call::Call;
use super::error::ApiError;
use super::reply::Response;
pub(super) use super::site::form::Form;
pub(super) use super::site::{page, see_other};
use crate::access::{Operator, Refusal, Role};
use crate::clock::{DAY_MS, Timestamp};
use crate::pages::console::{Frame, Section, layout};

/// What the signature of an operator's forms is for.
const PURPOSE: &str = "console";

/// What every page of an operator carries.
pub struct Console {
    csrf: String,
    operator: String,
    sign_out: String,
    role: Role,
}

impl Console {
    /// For the operator of `call`.
    pub fn of(call: &Call, operator: &Operator) -> Self {
        Self {
            csrf: csrf(call, operator, call.app.clock.now()),
            operator: operator.identity.to_string(),
            sign_out: call.app.access.as_ref().map_or_else(String::new, |access| {
                // Of the whole team: that of one application is no page of the plane's.
                format!("{}/cdn-cgi/access/logout", access.settings().team_url)
            }),
            role: operator.role,
        }
    }

    /// For the operator who acts on `subject`.
    pub fn by(call: &Call, subject: &Subject) -> Result<Self, ApiError> {
        let operator =
            subject.operator().ok_or_else(|| ApiError::Internal("an operator's page without one".to_owned()))?;
        Ok(Self::of(call, operator))
    }

    /// What is around a page about `section`.
    pub fn frame(&self, section: Section) -> Frame<'_> {
        let may_change = self.role >= Role::Operator;
        Frame { csrf: &self.csrf, operator: &self.operator, sign_out: &self.sign_out, may_change, section }
    }
}

/// Refuses a form that is not of one of this operator's pages.
pub(super) fn check(call: &Call, operator: &Operator, form: &Form) -> Result<(), ApiError> {
    use subtle::ConstantTimeEq;
    let now = call.app.clock.now();
    let shown = form.get("csrf").as_bytes();
    let is_ours =
        [now, now.plus_ms(-DAY_MS)].iter().any(|day| csrf(call, operator, *day).as_bytes().ct_eq(shown).into());
    if is_ours { Ok(()) } else { Err(ApiError::FormTooOld) }
}

/// The proof of an operator's forms on the day of `now`.
fn csrf(call: &Call, operator: &Operator, now: Timestamp) -> String {
    call.app.config.sealing_key.signing().sign(PURPOSE, &format!("{} {}", now.0.div_euclid(DAY_MS), operator.identity))
}

/// What a page answers whom Access did not let in: whoever has not signed in is shown where.
pub(super) fn refused(call: &Call, error: ApiError) -> Result<Response, ApiError> {
    let Some(access) = call.app.access.as_ref().filter(|_| error == ApiError::NotOperator(Refusal::NoToken)) else {
        return Err(error);
    };
    let settings = access.settings();
    let login = format!(
        "{}/cdn-cgi/access/login/{}?kid={}&redirect_url={}",
        settings.team_url,
        call.host(),
        settings.audience,
        utf8_percent_encode(&call.address, NON_ALPHANUMERIC)
    );
    let mut response = page(StatusCode::UNAUTHORIZED, layout::sign_in(&login));
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Cloudflare-Access"));
    Ok(response)
}
