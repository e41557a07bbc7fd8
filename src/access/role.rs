//! Who may do what, by the settings.

use serde_json::Value;

use super::claims::{Claims, Identity};

/// What an operator may do. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look at everything, change nothing.
    Viewer,
    /// Change as well.
    Operator,
}

impl Role {
    /// As it stands in answers and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

/// Whom an entry of the settings means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The person with this e-mail address, whatever its case.
    Email(String),
    /// Every person with an address at this domain, whatever its case; not at those below it.
    Domain(String),
    /// Every person in this group, exactly.
    Group(String),
    /// The script with the service token of this client id, exactly.
    Service(String),
}

impl Who {
    /// Reads `ada@example.com`, `@example.com`, `group:platform` or `service:<client id>`.
    pub fn parse(entry: &str) -> Option<Self> {
        if let Some((kind, name)) = entry.split_once(':') {
            let name = Some(name.trim()).filter(|name| !name.is_empty())?.to_owned();
            return match kind {
                "group" => Some(Self::Group(name)),
                "service" => Some(Self::Service(name)),
                _ => None,
            };
        }
        let (name, domain) = entry.split_once('@')?;
        let is_address = !domain.is_empty() && !domain.contains('@') && !entry.bytes().any(|b| b.is_ascii_whitespace());
        is_address
            .then(|| if name.is_empty() { Self::Domain(domain.to_owned()) } else { Self::Email(entry.to_owned()) })
    }

    fn means(&self, claims: &Claims) -> bool {
        match (self, &claims.identity) {
            (Self::Service(client_id), Identity::Service(shown)) => client_id == shown,
            (Self::Email(email), Identity::Person(shown)) => email.eq_ignore_ascii_case(shown),
            (Self::Domain(domain), Identity::Person(shown)) => {
                shown.split_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
            }
            (Self::Group(group), Identity::Person(_)) => match &claims.groups {
                Value::Array(groups) => groups.iter().any(|one| one == group.as_str()),
                one => one == group.as_str(),
            },
            // What is said of people is never meant of scripts, and the other way round.
            _ => false,
        }
    }
}

/// Everybody who has a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Who may change things.
    pub operators: Vec<Who>,
    /// Who may look.
    pub viewers: Vec<Who>,
}

impl Roles {
    /// The highest role that is said of somebody; `None`: nothing is.
    pub fn of(&self, claims: &Claims) -> Option<Role> {
        let is_in = |list: &[Who]| list.iter().any(|who| who.means(claims));
        if is_in(&self.operators) {
            Some(Role::Operator)
        } else if is_in(&self.viewers) {
            Some(Role::Viewer)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(email: &str, groups: &[&str]) -> Claims {
        Claims { identity: Identity::Person(email.into()), groups: groups.into() }
    }

    fn script(client_id: &str) -> Claims {
        Claims { identity: Identity::Service(client_id.into()), groups: Value::Null }
    }

    fn roles(operators: &[&str], viewers: &[&str]) -> Roles {
        let parse = |list: &[&str]| list.iter().map(|entry| Who::parse(entry).expect(entry)).collect();
        Roles { operators: parse(operators), viewers: parse(viewers) }
    }

    #[test]
    fn whom_nothing_names_has_no_role() {
        assert_eq!(Roles::default().of(&person("ada@example.com", &["platform"])), None);
        let roles = roles(&["ada@example.com", "group:platform", "service:1.access"], &["@example.org"]);
        for nobody in [
            person("adam@example.com", &[]),
            person("ada@example.com.evil.test", &[]),
            person("ada@sub.example.org", &[]),
            person("ada@notexample.org", &[]),
            person("x@y.test", &["Platform", "platform2", "group:platform"]),
            person("1.access@y.test", &[]),
            script("2.access"),
            script("1.ACCESS"),
        ] {
            assert_eq!(roles.of(&nobody), None, "{nobody:?}");
        }
    }

    #[test]
    fn people_are_known_by_address_domain_or_group_and_scripts_by_client_id() {
        let roles = roles(&["Ada@example.com", "group:platform"], &["@Example.org", "service:1.access"]);
        assert_eq!(roles.of(&person("ada@EXAMPLE.com", &[])), Some(Role::Operator));
        assert_eq!(roles.of(&person("x@y.test", &["sre", "platform"])), Some(Role::Operator));
        assert_eq!(roles.of(&person("bob@example.ORG", &[])), Some(Role::Viewer));
        assert_eq!(roles.of(&script("1.access")), Some(Role::Viewer));
    }

    #[test]
    fn groups_are_one_text_or_a_list_of_texts() {
        let roles = roles(&["group:platform"], &[]);
        let of = |groups| roles.of(&Claims { identity: Identity::Person("a@b.c".into()), groups });
        assert_eq!(of("platform".into()), Some(Role::Operator));
        assert_eq!(of(json!([7, "sre", "platform"])), Some(Role::Operator));
        for none in [json!({"platform": true}), json!([["platform"]]), json!("platform,sre"), json!([]), Value::Null] {
            assert_eq!(of(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn what_is_said_of_people_is_never_meant_of_scripts() {
        let roles = roles(&["a@example.com", "@example.com", "group:a@example.com"], &[]);
        let groups = ["a@example.com"].as_slice().into();
        let script = Claims { identity: Identity::Service("a@example.com".into()), groups };
        assert_eq!(roles.of(&script), None);
    }

    #[test]
    fn what_is_said_of_scripts_is_never_meant_of_people() {
        let roles = roles(&["service:a@example.com"], &[]);
        assert_eq!(roles.of(&person("a@example.com", &["a@example.com"])), None);
        assert_eq!(roles.of(&script("a@example.com")), Some(Role::Operator));
    }

    #[test]
    fn the_higher_of_two_roles_counts() {
        let roles = roles(&["ada@example.com"], &["@example.com", "ada@example.com"]);
        assert_eq!(roles.of(&person("ada@example.com", &[])), Some(Role::Operator));
        assert_eq!(roles.of(&person("bob@example.com", &[])), Some(Role::Viewer));
        assert!(Role::Operator > Role::Viewer);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for bad in [
            "",
            "ada",
            "@",
            "ada@",
            "a@b@c",
            "@@c",
            "group:",
            "service: ",
            "groups:a",
            "*",
            "a b@c",
            "ada@exa mple.com",
        ] {
            assert_eq!(Who::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Who::parse("group: ops & co"), Some(Who::Group("ops & co".into())));
    }
}
