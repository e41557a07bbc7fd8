//! Why somebody is not let in.

use super::claims::Identity;

/// Why a request is not an operator's. Prints what the caller may know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing says whom to let in, so nobody is.
    #[error("operators are not set up: set ACCESS_TEAM_URL, ACCESS_AUD, and ACCESS_OPERATORS or ACCESS_VIEWERS")]
    NotConfigured,
    /// The request did not come through Access.
    #[error("no token of Cloudflare Access came with the request")]
    NoToken,
    /// A token that does not hold. Why is for the log: who tries to forge one is not to be told how far it got.
    #[error("the token of Cloudflare Access is not valid")]
    Invalid(Invalid),
    /// A good token of somebody whom no setting names.
    #[error("signed in as {0}, who has no role here")]
    NoRole(Identity),
    /// The team's keys could not be had, so nobody can tell. Asking again in some seconds may help.
    #[error("the keys of Cloudflare Access cannot be fetched at the moment")]
    KeysUnavailable,
}

impl Refusal {
    /// For the log; never holds anything of the token.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::NoToken => "no_token",
            Self::Invalid(invalid) => invalid.as_str(),
            Self::NoRole(_) => "no_role",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// Two in one request.
    Several,
    /// Longer than any that Access makes.
    TooLong,
    /// Not three parts in base64url, the first and second a JSON object.
    Form,
    /// The same key twice in one object, which two readers may read differently.
    DuplicateKey,
    /// Signed in another way than RS256, or not at all.
    Algorithm,
    /// Its header brings a key of its own, says where to get one, or demands an extension.
    Header,
    /// Its key has no name, or one that is none.
    KeyId,
    /// None of the team's present keys has that name.
    UnknownKey,
    /// Not signed with that key, or changed since.
    Signature,
    /// A claim is missing or is not of its type.
    Claim(&'static str),
    /// Not an application's token: Access makes others, for its own use.
    Type,
    /// Another team's.
    Issuer,
    /// For another application.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not come, or it says that it will be made in the future.
    NotYetValid,
}

impl Invalid {
    /// As it stands in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Several => "several_tokens",
            Self::TooLong => "too_long",
            Self::Form => "form",
            Self::DuplicateKey => "duplicate_key",
            Self::Algorithm => "algorithm",
            Self::Header => "header",
            Self::KeyId => "key_id",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claim(_) => "claim",
            Self::Type => "type",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
        }
    }
}
