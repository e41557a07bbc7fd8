//! What a token is good for.

use std::fmt;

/// One thing that a token may be good for. None comes with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename_all = "lowercase"))]
pub enum Scope {
    /// To see the tenant, its history, its secrets' names.
    Read,
    /// To change the tenant: its spec, suspension, deletion, tokens.
    Write,
    /// To set and delete secrets.
    Secrets,
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

/// Most characters of an unknown scope that are repeated to whoever asked for it.
const MOST_REPEATED: usize = 32;

/// Why a list of scopes is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopesError {
    /// There is no such scope; of a long one its beginning.
    #[error("there is no scope {0:?}; there are read, write and secrets")]
    Unknown(String),
    /// A token that is good for nothing.
    #[error("a token needs at least one scope of read, write and secrets")]
    None,
}

impl Scope {
    /// Every scope, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Secrets];

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Secrets => "secrets",
        }
    }

    /// The scope of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

impl Scopes {
    /// All of them: what a tenant's first token has.
    pub const ALL: Self = Self(0b111);

    /// Reads a list in any order; naming one twice is naming it. The first that is unknown is named in the error.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopesError> {
        let mut scopes = Self(0);
        for name in names {
            let scope =
                Scope::parse(name).ok_or_else(|| ScopesError::Unknown(name.chars().take(MOST_REPEATED).collect()))?;
            scopes.0 |= bit(scope);
        }
        if scopes.0 == 0 { Err(ScopesError::None) } else { Ok(scopes) }
    }

    /// Whether `scope` is among them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Each of them, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

fn bit(scope: Scope) -> u8 {
    1 << scope as u8
}

impl fmt::Display for Scopes {
    /// Names with a space between, as in OAuth (RFC 6749, section 3.3): the form in the database.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_scopes_are_read_write_and_secrets() {
        assert_eq!(Scopes::ALL.to_string(), "read write secrets");
        assert!(Scope::ALL.into_iter().all(|scope| Scopes::ALL.contains(scope)));
    }

    #[test]
    fn a_list_without_a_scope_is_refused() {
        assert_eq!(Scopes::parse([]), Err(ScopesError::None));
    }

    #[test]
    fn no_more_of_an_unknown_scope_is_repeated_than_tells_it() {
        let error = Scopes::parse(["x".repeat(1_000_000).as_str()]).unwrap_err();
        assert_eq!(error, ScopesError::Unknown("x".repeat(32)));
    }

    proptest! {
        #[test]
        fn a_list_has_what_it_names_and_nothing_else_and_reads_back(
            names in prop::collection::vec(prop::sample::select(&Scope::ALL[..]), 1..6),
        ) {
            let scopes = Scopes::parse(names.iter().map(|scope| scope.as_str())).unwrap();
            for scope in Scope::ALL {
                prop_assert_eq!(scopes.contains(scope), names.contains(&scope));
            }
            prop_assert_eq!(Scopes::parse(scopes.to_string().split(' ')), Ok(scopes));
        }

        #[test]
        fn the_first_unknown_scope_is_named(known in 0..3usize, unknown in "[a-zA-Z ]{0,8}") {
            prop_assume!(Scope::parse(&unknown).is_none());
            let names = ["read", "write", "secrets"][..known].iter().copied().chain([unknown.as_str(), "other"]);
            prop_assert_eq!(Scopes::parse(names), Err(ScopesError::Unknown(unknown.clone())));
        }
    }
}
