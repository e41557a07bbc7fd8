//! Sign-ups, tokens, names.

use super::*;

#[tokio::test]
async fn a_tenant_signs_up_with_an_empty_ledger_and_is_due_at_once() {
    let fixture = Fixture::new().await;
    let id = fixture.try_sign_up("alice", "alice").await.unwrap();
    let (tenant, resources) = fixture.registry.find_tenant(&id).await.unwrap().unwrap();
    let expected = Tenant {
        id: id.clone(),
        name: TenantName::parse("alice").unwrap(),
        phase: Phase::Pending,
        generation: 1,
        observed_generation: 0,
        owner: None,
        spec: TenantSpec::default(),
        largest: None,
        release: ReleaseId("rel_1".into()),
        conditions: Vec::new(),
        wanted_since: at(0),
        suspended_at: None,
        paused_at: None,
        expires_at: None,
        deletion: None,
        due_at: Some(at(0)),
        attempts: 0,
        booked_calls: 0,
        created_at: at(0),
        updated_at: at(0),
    };
    assert_eq!(tenant, expected);
    assert_eq!(resources.len(), ResourceKind::ALL.len());
    for resource in resources {
        assert_eq!(resource.name, format!("{}-alice", resource.kind.as_str()));
        assert_eq!((resource.state, resource.applied, resource.asked_at), (ResourceState::Absent, None, None));
    }
    assert_eq!(fixture.reasons(&id).await, ["SignedUp"]);
}

#[tokio::test]
async fn of_two_sign_ups_under_one_name_exactly_one_wins() {
    let fixture = Fixture::new().await;
    fixture.try_sign_up("first", "alice").await.unwrap();
    let before = fixture.dump();
    assert_eq!(fixture.try_sign_up("second", "alice").await, Err(Error::NameTaken));
    assert_eq!(fixture.dump(), before, "the loser leaves nothing behind");
    fixture.try_sign_up("third", "bob").await.unwrap();
}

#[tokio::test]
async fn a_token_finds_its_own_tenant_and_no_other() {
    let fixture = Fixture::new().await;
    let (alice, bob) = (fixture.sign_up("alice").await, fixture.sign_up("bob").await);
    for tenant in [alice, bob] {
        let hash = TokenHash(format!("hash-{}", tenant.name));
        let found = fixture.registry.find_by_token(&hash, at(1)).await.unwrap().unwrap();
        let by_id = fixture.registry.find_by_token_id(&format!("token-{}", tenant.name), at(1)).await.unwrap();
        assert_eq!(by_id.as_ref(), Some(&found));
        let resources = found.resources;
        assert_eq!(found.tenant, tenant);
        assert!(resources.iter().all(|resource| resource.name.ends_with(tenant.name.as_str())));
        assert_eq!(resources.len(), ResourceKind::ALL.len());
    }
    assert_eq!(fixture.registry.find_by_token(&TokenHash("hash-carol".into()), at(1)).await.unwrap(), None);
    assert_eq!(fixture.registry.find_by_token_id("hash-alice", at(1)).await.unwrap(), None);
    assert_eq!(fixture.registry.find_by_token(&TokenHash("token-alice".into()), at(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_free_again_once_its_tenant_is_deleted() {
    let fixture = Fixture::new().await;
    let name = TenantName::parse("alice").unwrap();
    let first = fixture.sign_up_and_delete("first", "alice").await;
    assert_eq!(fixture.registry.is_name_taken(&name).await, Ok(false));
    let second = fixture.try_sign_up("second", "alice").await.unwrap();
    assert_eq!(fixture.registry.is_name_taken(&name).await, Ok(true));

    // The tombstone stays, answers to its token, and wants nothing any more.
    let hash = TokenHash("hash-first".into());
    let tombstone = fixture.registry.find_by_token(&hash, at(4)).await.unwrap().unwrap().tenant;
    assert_eq!((tombstone.id, tombstone.phase, tombstone.due_at), (first.clone(), Phase::Deleted, None));
    assert_eq!(fixture.registry.due(at(1_000_000), 10).await.unwrap(), [second]);
    assert_eq!(fixture.ask_deletion(&first, at(9), at(9)).await, Err(Error::Conflict));
}
