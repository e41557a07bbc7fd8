//! What is set about operators.

use super::role::{Roles, Who};

/// Which team and which of its applications guard the plane, and who has a role. Holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The team's address, without a slash at the end: where its keys are, and who its tokens say has made them.
    pub team_url: String,
    /// The Application Audience (AUD) tag of the application in front of `/admin`.
    pub audience: String,
    /// The claim of the identity provider that has a person's groups.
    pub groups_claim: String,
    /// Who may do what.
    pub roles: Roles,
}

impl Settings {
    /// Where the team's keys are.
    pub fn certs_url(&self) -> String {
        format!("{}/cdn-cgi/access/certs", self.team_url)
    }

    /// Reads the settings from `get`, which gives a setting by name, or `None` if nothing of it is set. What is missing
    /// or malformed is added to `wrong`: half of it set is a mistake, not a plane without operators.
    pub fn read(get: &dyn Fn(&str) -> Option<String>, wrong: &mut Vec<String>) -> Option<Self> {
        let (url, audience, groups) = (get("ACCESS_TEAM_URL"), get("ACCESS_AUD"), get("ACCESS_GROUPS_CLAIM"));
        let (operators, viewers) = (list("ACCESS_OPERATORS", get, wrong), list("ACCESS_VIEWERS", get, wrong));
        let is_named = operators.is_some() || viewers.is_some();
        if !is_named && url.is_none() && audience.is_none() && groups.is_none() {
            return None;
        }
        for (is_right, complaint) in [
            (url.is_some(), "ACCESS_TEAM_URL is missing (https://<your team>.cloudflareaccess.com)"),
            (audience.is_some(), "ACCESS_AUD is missing (the Application Audience tag of the Access application)"),
            (is_named, "ACCESS_OPERATORS is missing (who may change things), and so is ACCESS_VIEWERS"),
            (
                url.as_deref().is_none_or(is_team_url),
                "ACCESS_TEAM_URL must be https://<your team>.cloudflareaccess.com, without a slash or path",
            ),
        ] {
            if !is_right {
                wrong.push(complaint.to_owned());
            }
        }
        Some(Self {
            team_url: url.unwrap_or_default(),
            audience: audience.unwrap_or_default(),
            groups_claim: groups.unwrap_or_else(|| "groups".to_owned()),
            roles: Roles { operators: operators.unwrap_or_default(), viewers: viewers.unwrap_or_default() },
        })
    }
}

/// A team's own address, or one on this machine, where a stand-in listens. Whoever holds what is at this address decides
/// who is let in, so nothing else is taken.
fn is_team_url(url: &str) -> bool {
    let is_label = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let team = url.strip_prefix("https://").and_then(|host| host.strip_suffix(".cloudflareaccess.com"));
    let port = url.strip_prefix("http://localhost:");
    team.is_some_and(|team| team.split('.').all(is_label)) || port.is_some_and(|port| port.parse::<u16>().is_ok())
}

/// The entries of a list, `None` if it is not set.
fn list(name: &str, get: &dyn Fn(&str) -> Option<String>, wrong: &mut Vec<String>) -> Option<Vec<Who>> {
    let text = get(name)?;
    let mut entries = Vec::new();
    for entry in text.split(',') {
        let Some(who) = Who::parse(entry.trim()) else {
            wrong.push(format!(
                "{name} must be a list such as: ada@example.com, @example.com, group:platform, service:<client id>"
            ));
            break;
        };
        entries.push(who);
    }
    Some(entries)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> (Option<Settings>, Vec<String>) {
        let mut wrong = Vec::new();
        let get = |name: &str| changes.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        (Settings::read(&get, &mut wrong), wrong)
    }

    /// Complete settings, and changes to them.
    pub fn settings(changes: &[(&'static str, &'static str)]) -> Settings {
        let mut all = changes.to_vec();
        all.extend([
            ("ACCESS_TEAM_URL", "https://team.cloudflareaccess.com"),
            ("ACCESS_AUD", "the-audience"),
            ("ACCESS_OPERATORS", "ada@example.com"),
        ]);
        let (settings, wrong) = read(&all);
        assert_eq!(wrong, Vec::<String>::new());
        settings.unwrap()
    }

    #[test]
    fn nothing_set_is_a_plane_without_operators() {
        assert_eq!(read(&[]), (None, vec![]));
    }

    #[test]
    fn half_of_it_set_is_refused_with_the_names_of_the_other_half() {
        let names = ["ACCESS_TEAM_URL", "ACCESS_AUD", "ACCESS_OPERATORS"];
        let all = [
            ("ACCESS_TEAM_URL", "https://team.cloudflareaccess.com"),
            ("ACCESS_AUD", "a"),
            ("ACCESS_OPERATORS", "a@b.c"),
        ];
        for set in 1..0b111_u32 {
            let some: Vec<_> = (0..3).filter(|at| set & 1 << at != 0).map(|at| all[at]).collect();
            let (_, wrong) = read(&some);
            let missing: Vec<_> = names.iter().filter(|name| !some.iter().any(|(set, _)| set == *name)).collect();
            assert_eq!(wrong.len(), missing.len(), "{some:?}: {wrong:?}");
            for name in missing {
                assert!(
                    wrong.iter().any(|complaint| complaint.starts_with(&format!("{name} is missing"))),
                    "{wrong:?}"
                );
            }
        }
        assert_eq!(read(&[("ACCESS_GROUPS_CLAIM", "roles")]).1.len(), 3);
    }

    #[test]
    fn viewers_alone_are_enough() {
        let some =
            [("ACCESS_TEAM_URL", "https://team.cloudflareaccess.com"), ("ACCESS_AUD", "a"), ("ACCESS_VIEWERS", "@b.c")];
        let (settings, wrong) = read(&some);
        assert_eq!(wrong, Vec::<String>::new());
        let roles = settings.unwrap().roles;
        assert_eq!((roles.operators, roles.viewers), (vec![], vec![Who::Domain("b.c".into())]));
    }

    #[test]
    fn lists_are_separated_by_commas_and_one_bad_entry_spoils_them() {
        let roles = settings(&[("ACCESS_VIEWERS", " @a.test ,group:x y, service:1.access")]).roles;
        let expected = [Who::Domain("a.test".into()), Who::Group("x y".into()), Who::Service("1.access".into())];
        assert_eq!(roles.viewers, expected);
        for bad in ["a@b.c d@e.f", "a@b.c,", "a@b.c,,d@e.f", "a@b.c, *", ",", "a@b.c;d@e.f"] {
            let (_, wrong) =
                read(&[("ACCESS_TEAM_URL", "http://localhost:1"), ("ACCESS_AUD", "a"), ("ACCESS_OPERATORS", bad)]);
            assert_eq!(wrong.len(), 1, "{bad}: {wrong:?}");
            assert!(wrong[0].starts_with("ACCESS_OPERATORS"), "{wrong:?}");
        }
    }

    #[test]
    fn keys_come_from_a_team_of_cloudflares_or_from_this_machine() {
        for good in
            ["https://team.cloudflareaccess.com", "https://a-1.fed.cloudflareaccess.com", "http://localhost:8788"]
        {
            assert!(is_team_url(good), "{good}");
        }
        for bad in [
            "team.cloudflareaccess.com",
            "http://team.cloudflareaccess.com",
            "https://cloudflareaccess.com",
            "https://.cloudflareaccess.com",
            "https://evil.test/.cloudflareaccess.com",
            "https://evil.test?.cloudflareaccess.com",
            "https://user@team.cloudflareaccess.com",
            "https://team.cloudflareaccess.com.evil.test",
            "https://team.cloudflareaccess.com/",
            "https://team.cloudflareaccess.com/admin",
            "https://team.cloudflareaccess.com:8443",
            "http://localhost",
            "http://localhost:8788/x",
            "http://localhost:8788@evil.test",
            "http://localhost.evil.test:80",
            "http://127.0.0.1:8788",
        ] {
            assert!(!is_team_url(bad), "{bad}");
        }
    }
}
