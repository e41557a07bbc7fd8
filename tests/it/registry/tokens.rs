//! Tokens: what they open, how many there are, how they end.

use paramita::registry::{Opened, Token, TokenState};
use paramita::vault::Scope;

use super::*;

const HOUR_MS: i64 = 60 * 60 * 1_000;

impl Fixture {
    async fn open(&self, name: &str, now: Timestamp) -> Option<Opened> {
        self.registry.find_by_token(&TokenHash(format!("hash-{name}")), now).await.unwrap()
    }

    async fn state(&self, name: &str, now: Timestamp) -> Option<TokenState> {
        Some(self.open(name, now).await?.token.state(now))
    }

    /// The token `token-{name}`; one that ends only reads.
    async fn add_token(
        &self,
        tenant: &TenantId,
        name: &str,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let hash = TokenHash(format!("hash-{name}"));
        let scopes = if expires_at.is_some() { Scopes::parse(["read"]).unwrap() } else { Scopes::ALL };
        let new = NewToken { id: &format!("token-{name}"), hash: &hash, scopes, expires_at };
        self.registry.add_token(tenant, new, &Event::new("TokenAdded", name), None, None, now).await
    }

    async fn revoke(&self, tenant: &TenantId, name: &str, now: Timestamp) -> Option<Token> {
        let event = Event::new("TokenRevoked", name);
        self.registry.revoke_token(tenant, &format!("token-{name}"), &event, None, now).await.unwrap()
    }

    async fn listed(&self, tenant: &TenantId) -> Vec<String> {
        self.registry.tokens(tenant).await.unwrap().into_iter().map(|token| token.id).collect()
    }
}

#[tokio::test]
async fn a_token_comes_with_its_tenant_and_all_that_decides_about_it_in_one_batch() {
    let fixture = Fixture::new().await;
    let alice = fixture.sign_up("alice").await;
    fixture.add_token(&alice.id, "second", Some(at(50)), at(10)).await.unwrap();
    fixture.batches();

    let Opened { token, tenant, resources } = fixture.open("second", at(20)).await.unwrap();

    assert_eq!(fixture.batches().len(), 1);
    assert_eq!((tenant, resources.len()), (alice, ResourceKind::ALL.len()));
    let expected = Token {
        id: "token-second".into(),
        scopes: Scopes::parse(["read"]).unwrap(),
        created_at: at(10),
        expires_at: Some(at(50)),
        last_used_at: Some(at(20)),
        revoked_at: None,
    };
    assert_eq!(token, expected);
    assert!(token.scopes.contains(Scope::Read) && !token.scopes.contains(Scope::Write));
}

#[tokio::test]
async fn a_tokens_use_is_noted_once_an_hour_and_every_other_request_writes_nothing() {
    let fixture = Fixture::new().await;
    fixture.sign_up("alice").await;
    fixture.batches();
    let used = async |ms| fixture.open("alice", at(ms)).await.unwrap().token.last_used_at.unwrap();

    for minute in 0..180 {
        assert_eq!(used(minute * 60_000).await, at(minute / 60 * HOUR_MS), "minute {minute}");
    }
    let wrote: Vec<usize> =
        fixture.batches().iter().enumerate().filter(|(_, changes)| **changes > 0).map(|(at, _)| at).collect();
    assert_eq!(wrote, [0, 60, 120], "of 180 requests");
}

#[tokio::test]
async fn a_token_that_is_good_for_nothing_is_found_as_such_and_its_use_is_not_noted() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    fixture.add_token(&id, "short", Some(at(50)), at(10)).await.unwrap();
    assert_eq!(fixture.state("short", at(49)).await, Some(TokenState::Good));
    assert_eq!(fixture.state("short", at(50)).await, Some(TokenState::Expired));
    fixture.add_token(&id, "next", None, at(60)).await.unwrap();
    fixture.revoke(&id, "alice", at(60)).await.unwrap();
    fixture.batches();

    for name in ["alice", "short"] {
        let opened = fixture.open(name, at(9 * HOUR_MS)).await.unwrap();
        assert_ne!(opened.token.state(at(9 * HOUR_MS)), TokenState::Good);
        assert!(opened.token.last_used_at.is_none_or(|used| used == at(49)));
    }
    assert_eq!(fixture.batches(), [0, 0]);
    assert_eq!(fixture.state("alice", at(60)).await, Some(TokenState::Revoked));
}

#[tokio::test]
async fn two_tokens_are_good_at_once_and_the_dead_leave_room() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    fixture.add_token(&alice, "second", Some(at(50)), at(10)).await.unwrap();
    let before = fixture.dump();
    assert_eq!(fixture.add_token(&alice, "third", None, at(49)).await, Err(Error::TooManyTokens));
    assert_eq!(fixture.dump(), before, "not even the line of history");
    fixture.add_token(&bob, "another", None, at(49)).await.unwrap();

    // The second has expired.
    fixture.add_token(&alice, "third", None, at(50)).await.unwrap();
    assert_eq!(fixture.add_token(&alice, "fourth", None, at(51)).await, Err(Error::TooManyTokens));
    fixture.revoke(&alice, "alice", at(52)).await.unwrap();
    fixture.add_token(&alice, "fourth", None, at(53)).await.unwrap();
    assert_eq!(fixture.listed(&alice).await, ["token-fourth", "token-third", "token-second", "token-alice"]);
    assert_eq!(fixture.listed(&bob).await, ["token-another", "token-bob"]);
}

#[tokio::test]
async fn of_fifty_that_ask_for_a_second_token_at_once_one_gets_it() {
    let fixture = Fixture::new().await;
    let id = fixture.sign_up("alice").await.id;
    let names: Vec<String> = (0..50).map(|n| format!("n{n}")).collect();
    let results = join_all(names.iter().map(|name| fixture.add_token(&id, name, None, at(1)))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(()) | Err(Error::TooManyTokens))), "{results:?}");
    assert_eq!(fixture.listed(&id).await.len(), 2);
}

#[tokio::test]
async fn a_deleted_tenant_gets_no_token_and_one_that_is_being_deleted_does() {
    let fixture = Fixture::new().await;
    let gone = fixture.sign_up_and_delete("gone", "alice").await;
    let going = fixture.sign_up("bob").await.id;
    fixture.ask_deletion(&going, at(1_000), at(1)).await.unwrap();
    assert_eq!(fixture.add_token(&gone, "late", None, at(9)).await, Err(Error::Conflict));
    assert_eq!(fixture.add_token(&TenantId("t-nobody".into()), "late", None, at(9)).await, Err(Error::Conflict));
    assert_eq!(fixture.add_token(&going, "late", None, at(9)).await, Ok(()));
}

#[tokio::test]
async fn a_revocation_is_for_ever_and_asked_again_writes_nothing() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    fixture.add_token(&alice, "next", None, at(4)).await.unwrap();
    let revoked = fixture.revoke(&alice, "alice", at(5)).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(at(5)));
    fixture.batches();

    assert_eq!(fixture.revoke(&alice, "alice", at(9)).await, Some(revoked));
    assert_eq!(fixture.revoke(&alice, "bob", at(9)).await, None, "it is another tenant's");
    assert_eq!(fixture.revoke(&alice, "none", at(9)).await, None);
    assert_eq!(fixture.batches(), [0, 0, 0]);
    assert_eq!(fixture.state("bob", at(9)).await, Some(TokenState::Good));
    assert_eq!(fixture.reasons(&alice).await, ["SignedUp", "TokenAdded", "TokenRevoked"]);
    assert_eq!(fixture.reasons(&bob).await, ["SignedUp"]);
}

#[tokio::test]
async fn the_last_token_that_is_good_for_ever_stays_and_one_that_ends_does_not_count() {
    let fixture = Fixture::new().await;
    let alice = fixture.sign_up("alice").await.id;
    fixture.add_token(&alice, "short", Some(at(50)), at(10)).await.unwrap();
    fixture.batches();
    for ms in [20, 50] {
        let kept = fixture.revoke(&alice, "alice", at(ms)).await.unwrap();
        assert_eq!((kept.revoked_at, fixture.batches()), (None, vec![0]));
    }
    assert!(fixture.revoke(&alice, "short", at(50)).await.unwrap().revoked_at.is_some());
    fixture.add_token(&alice, "next", None, at(51)).await.unwrap();
    assert!(fixture.revoke(&alice, "alice", at(52)).await.unwrap().revoked_at.is_some());
    assert!(fixture.revoke(&alice, "next", at(53)).await.unwrap().revoked_at.is_none());
}

#[tokio::test]
async fn all_other_tokens_are_revoked_at_once_and_nobody_elses() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await.id, fixture.sign_up("bob").await.id);
    fixture.add_token(&alice, "second", None, at(10)).await.unwrap();
    let event = Event::new("TokensRevoked", "");
    let revoke = async |kept| fixture.registry.revoke_other_tokens(&alice, kept, &event, None, at(20)).await.unwrap();

    assert_eq!(revoke(Some("token-second")).await, 1);
    assert_eq!(fixture.state("alice", at(21)).await, Some(TokenState::Revoked));
    assert_eq!(fixture.state("second", at(21)).await, Some(TokenState::Good));
    assert_eq!(revoke(Some("token-second")).await, 0);
    assert_eq!(revoke(None).await, 1);
    assert_eq!(fixture.state("second", at(21)).await, Some(TokenState::Revoked));
    assert_eq!(fixture.reasons(&alice).await, ["SignedUp", "TokenAdded", "TokensRevoked", "TokensRevoked"]);
    assert_eq!(fixture.state("bob", at(21)).await, Some(TokenState::Good));
    assert_eq!(fixture.reasons(&bob).await, ["SignedUp"]);
}
