//! Invites: good for one sign-up, listed newest first.

use paramita::registry::invites::Position;
use paramita::registry::{Invite, InviteRefusal, NewInvite};
use paramita::tenant::InstanceType;
use proptest::prelude::*;

use super::*;

impl Fixture {
    /// The invite `id` with the code's hash `code-{id}`, good for a hundred milliseconds.
    async fn invite(&self, id: &str, now: Timestamp) {
        let hash = TokenHash(format!("code-{id}"));
        let new = NewInvite {
            id,
            hash: &hash,
            expires_at: now.plus_ms(100),
            tenant_name: None,
            largest: None,
            owner: None,
            note: None,
        };
        self.registry.create_invite(&new, None, None, now).await.unwrap();
    }

    async fn find(&self, id: &str) -> Invite {
        self.registry.find_invite(&TokenHash(format!("code-{id}"))).await.unwrap().unwrap()
    }

    async fn come_with(&self, invite: &str, name: &str, now: Timestamp) -> Result<TenantId, Error> {
        let invite = Some(invite);
        self.sign_up_as(SignUp { id: name, name, invite, now: Some(now), ..SignUp::default() }).await
    }

    async fn pages(&self, limit: usize) -> Vec<String> {
        let (mut ids, mut position) = (Vec::new(), None);
        loop {
            let (page, next) = self.registry.invites(position, limit).await.unwrap();
            assert!(page.len() <= limit);
            ids.extend(page.into_iter().map(|invite| invite.id));
            let Some(next) = next else { return ids };
            assert_eq!(Position::parse(&next.to_string()), Some(next.clone()));
            position = Some(next);
        }
    }
}

#[tokio::test]
async fn an_invite_is_read_as_it_was_made() {
    let fixture = Fixture::new().await;
    let (hash, name) = (TokenHash("code".into()), TenantName::parse("alice").unwrap());
    let new = NewInvite {
        id: "ivt_1",
        hash: &hash,
        expires_at: at(100),
        tenant_name: Some(&name),
        largest: Some(InstanceType::Standard2),
        owner: Some("acme"),
        note: Some("for the trial"),
    };
    fixture.registry.create_invite(&new, None, None, at(1)).await.unwrap();
    let expected = Invite {
        id: "ivt_1".into(),
        created_at: at(1),
        expires_at: at(100),
        tenant_name: Some(name.clone()),
        largest: Some(InstanceType::Standard2),
        owner: Some("acme".into()),
        note: Some("for the trial".into()),
        revoked_at: None,
        used: None,
    };
    assert_eq!(fixture.registry.find_invite(&hash).await, Ok(Some(expected)));
    assert_eq!(fixture.registry.find_invite(&TokenHash("other".into())).await, Ok(None));
    assert_eq!(fixture.registry.find_invite(&TokenHash("ivt_1".into())).await, Ok(None));
}

#[tokio::test]
async fn of_fifty_that_come_with_one_invite_at_once_one_signs_up() {
    let fixture = Fixture::new().await;
    fixture.invite("a", at(0)).await;
    let names: Vec<String> = (0..50).map(|n| format!("n{n}")).collect();
    let results = join_all(names.iter().map(|name| fixture.come_with("a", name, at(1)))).await;
    let winners: Vec<&TenantId> = results.iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    let refused = Err(Error::Invite(InviteRefusal::Used));
    assert_eq!(results.iter().filter(|result| **result == refused).count(), 49, "{results:?}");
    assert_eq!(fixture.find("a").await.used, Some((winners[0].clone(), at(1))));
    assert_eq!(fixture.sql("SELECT 1 FROM tenant", []).await.len(), 1);
}

#[tokio::test]
async fn whoever_comes_with_an_invite_that_is_no_good_is_told_why_and_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    for id in ["used", "revoked", "expired"] {
        fixture.invite(id, at(0)).await;
    }
    fixture.come_with("used", "first", at(1)).await.unwrap();
    fixture.registry.revoke_invite("revoked", None, at(1)).await.unwrap();
    let before = fixture.dump();
    for (id, now, refusal) in [
        ("used", 1, InviteRefusal::Used),
        ("revoked", 1, InviteRefusal::Revoked),
        ("expired", 100, InviteRefusal::Expired),
        ("none", 1, InviteRefusal::Unknown),
    ] {
        assert_eq!(fixture.come_with(id, "late", at(now)).await, Err(Error::Invite(refusal)), "{id}");
        if refusal != InviteRefusal::Unknown {
            assert_eq!(fixture.find(id).await.refusal(at(now)), Some(refusal));
        }
    }
    assert_eq!(fixture.dump(), before);
    assert_eq!(fixture.find("expired").await.refusal(at(99)), None);
    fixture.come_with("expired", "in-time", at(99)).await.unwrap();
}

#[tokio::test]
async fn an_invite_is_still_good_after_a_sign_up_that_failed_for_another_reason() {
    let fixture = Fixture::new().await;
    fixture.sign_up("alice").await;
    fixture.invite("a", at(0)).await;
    let before = fixture.dump();
    let again = SignUp { id: "again", name: "alice", invite: Some("a"), ..SignUp::default() };
    assert_eq!(fixture.sign_up_as(again).await, Err(Error::NameTaken));
    assert_eq!(fixture.dump(), before);
    fixture.come_with("a", "bob", at(1)).await.unwrap();
}

#[tokio::test]
async fn a_revocation_touches_neither_what_was_used_nor_what_is_revoked() {
    let fixture = Fixture::new().await;
    for id in ["a", "b"] {
        fixture.invite(id, at(0)).await;
    }
    fixture.come_with("a", "alice", at(1)).await.unwrap();
    for now in [at(2), at(3)] {
        let used = fixture.registry.revoke_invite("a", None, now).await.unwrap().unwrap();
        assert_eq!((used.revoked_at, used.used), (None, Some((TenantId("t-alice".into()), at(1)))));
        assert_eq!(fixture.registry.revoke_invite("b", None, now).await.unwrap().unwrap().revoked_at, Some(at(2)));
    }
    assert_eq!(fixture.registry.revoke_invite("c", None, at(2)).await, Ok(None));
}

#[tokio::test]
async fn invites_are_listed_newest_first_without_gap_or_repetition_whatever_the_page() {
    let fixture = Fixture::new().await;
    for (id, ms) in [("d", 1), ("b", 2), ("c", 2), ("a", 2), ("e", 3)] {
        fixture.invite(id, at(ms)).await;
    }
    for limit in 1..=6 {
        assert_eq!(fixture.pages(limit).await, ["e", "c", "b", "a", "d"], "{limit} on a page");
    }
    // Between two pages one is made and the last one shown is purged.
    let (page, next) = fixture.registry.invites(None, 2).await.unwrap();
    assert_eq!(page[1].id, "c");
    fixture.invite("f", at(9)).await;
    fixture.sql("DELETE FROM invite WHERE id = 'c'", []).await;
    let (page, _) = fixture.registry.invites(next, 9).await.unwrap();
    assert_eq!(page.iter().map(|invite| invite.id.as_str()).collect::<Vec<_>>(), ["b", "a", "d"]);
}

proptest! {
    #[test]
    fn a_position_reads_back_and_what_is_none_is_refused_without_harm(text in prop_oneof!["\\PC{0,20}", "-?[0-9]{0,22}\\.ivt_[0-9a-f]{0,16}"]) {
        if let Some(position) = Position::parse(&text) {
            prop_assert_eq!(position.to_string(), text);
        } else {
            // Another spelling of a number, such as `007`, is none either.
            let at = text.split_once('.').and_then(|(at, _)| Some((at, at.parse::<i64>().ok()?)));
            prop_assert!(at.is_none_or(|(text, at)| !(0..1 << 53).contains(&at) || at.to_string() != text));
        }
    }
}
