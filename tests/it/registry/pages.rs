//! Pages of tenants: together they are all that fit, each once, in their order, whatever is asked for.

use paramita::registry::fleet::{Asked, Filter, Page, Sort, WINDOW, Wrong};
use paramita::tenant::InstanceType;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

/// So many tenants, `n0` and so on, of every kind, each made from its number; one in eleven deleted, its name given again.
const MANY: &str = r#"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
    INSERT INTO tenant (id, name, phase, generation, spec, release_id, conditions, wanted_since_ms, created_at_ms,
        updated_at_ms, owner, deleted_at_ms)
    SELECT 't' || i, 'n' || (i - (i % 11 = 10)),
        CASE WHEN i % 11 = 10 THEN 'deleted' WHEN i % 7 = 3 THEN 'failed' WHEN i % 13 = 5 THEN 'deleting' ELSE 'ready' END, 1,
        json_object('instance_type', CASE WHEN i % 5 = 1 THEN 'standard-2' ELSE 'standard-1' END, 'max_instances', 1, 'sleep_after', 'never'),
        CASE WHEN i % 3 = 0 THEN 'rel_2' ELSE 'rel_1' END,
        json_array(
            json_object('type', 'Ready', 'status', CASE WHEN i % 7 = 3 THEN 'False' ELSE 'True' END, 'reason', 'R',
                'message', '"type":"Stalled","status":"True"', 'last_transition_time', 1),
            json_object('type', CASE WHEN i % 4 = 1 THEN 'SecretsReady' ELSE 'Stalled' END,
                'status', CASE WHEN i % 8 < 4 THEN 'False' ELSE 'True' END, 'reason', 'Missing', 'message', '',
                'last_transition_time', 1)),
        i, i / 3, i * 7919 % ?1, CASE WHEN i % 2 = 0 THEN 'acme' END, CASE WHEN i % 11 = 10 THEN i END FROM n"#;

async fn many(count: i64) -> Fixture {
    let fixture = Fixture::new().await;
    fixture.publish("rel_2", None).await;
    fixture.sql(MANY, [count.into()]).await;
    fixture
}

/// Every page, until there is none.
async fn pages(fixture: &Fixture, mut asked: Asked) -> Vec<Page> {
    let mut pages = Vec::new();
    loop {
        let page = fixture.registry.tenants(&asked).await.unwrap();
        assert!(page.tenants.len() <= asked.limit);
        // What a cursor is written as leads to the same place.
        let next = page.next.as_ref().map(ToString::to_string);
        pages.push(page);
        let Some(next) = next else { return pages };
        asked.position = Some(paramita::registry::fleet::Position::parse(&next, asked.sort).unwrap());
    }
}

/// What fits, by a look at every tenant.
async fn fitting(fixture: &Fixture, filter: &Filter, sort: Sort) -> Vec<String> {
    let mut all = Vec::new();
    for row in fixture.sql("SELECT id FROM tenant", []).await {
        all.push(fixture.tenant(&TenantId(row["id"].as_str().unwrap().into())).await);
    }
    let is_wrong = |tenant: &Tenant, kind: Wrong| {
        let mut of_kind = tenant.conditions.iter().filter(|condition| condition.kind == kind.as_str());
        of_kind.any(Condition::is_wrong)
    };
    all.retain(|tenant| {
        tenant.name.as_str().starts_with(&filter.name)
            && filter.owner.as_ref().is_none_or(|owner| tenant.owner.as_ref() == Some(owner))
            && filter.phase.map_or(tenant.phase != Phase::Deleted, |phase| tenant.phase == phase)
            && filter.instance_type.is_none_or(|size| tenant.spec.instance_type == size)
            && filter.release.as_ref().is_none_or(|release| tenant.release.0 == *release)
            && filter.condition.is_none_or(|kind| is_wrong(tenant, kind))
    });
    let id = |tenant: &Tenant| tenant.id.0.clone();
    match sort {
        Sort::Name => all.sort_by_key(|tenant| (tenant.name.as_str().to_owned(), id(tenant))),
        Sort::Created => all.sort_by_key(|tenant| std::cmp::Reverse((tenant.created_at, id(tenant)))),
        Sort::Updated => all.sort_by_key(|tenant| std::cmp::Reverse((tenant.updated_at, id(tenant)))),
    }
    all.iter().map(id).collect()
}

fn ids(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.tenants).map(|tenant| tenant.id.0.clone()).collect()
}

fn filters() -> impl Strategy<Value = Filter> {
    let name = prop::sample::select(vec!["", "n", "n1", "n10", "n-", "m", "zz"]);
    let owner = prop::option::of(prop::sample::select(vec!["acme", "nobody"]));
    let phases = vec![Phase::Ready, Phase::Failed, Phase::Deleting, Phase::Deleted, Phase::Suspended];
    let phase = prop::option::of(prop::sample::select(phases));
    let size = prop::option::of(prop::sample::select(&InstanceType::ALL[2..4]));
    let release = prop::option::of(prop::sample::select(vec!["rel_1", "rel_2", "rel_3"]));
    let condition = prop::option::of(prop::sample::select(&Wrong::ALL[..]));
    (name, owner, phase, size, release, condition).prop_map(
        |(name, owner, phase, instance_type, release, condition)| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            Filter {
                name: name.to_owned(),
                owner: owned(owner),
                phase,
                instance_type,
                release: owned(release),
                condition,
            }
        },
    )
}

/// The same cases on every run.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 60, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn all_pages_together_are_what_fits_in_order(
        filter in filters(),
        sort in prop::sample::select(&Sort::ALL[..]),
        limit in 1usize..60,
    ) {
        use futures_util::FutureExt;
        async {
            let fixture = many(200).await;
            let pages = pages(&fixture, Asked { filter: filter.clone(), sort, position: None, limit }).await;
            assert_eq!(ids(&pages), fitting(&fixture, &filter, sort).await, "{filter:?} by {sort:?}");
        }
        .now_or_never()
        .unwrap();
    }
}

#[tokio::test]
async fn a_page_that_is_cut_goes_on_where_it_ended() {
    let fixture = many(3_500).await;
    for (filter, sort) in [
        // Few of the owner's are failed, and there is no index of both.
        (Filter { owner: Some("acme".into()), phase: Some(Phase::Failed), ..Filter::default() }, Sort::Name),
        (Filter { phase: Some(Phase::Deleting), release: Some("rel_2".into()), ..Filter::default() }, Sort::Updated),
        (Filter { name: "n349".into(), ..Filter::default() }, Sort::Updated),
        (Filter { owner: Some("nobody".into()), ..Filter::default() }, Sort::Created),
    ] {
        let pages = pages(&fixture, Asked { filter: filter.clone(), sort, position: None, limit: 200 }).await;
        assert_eq!(ids(&pages), fitting(&fixture, &filter, sort).await, "{filter:?} by {sort:?}");
        assert!(pages[0].is_cut, "{filter:?} by {sort:?}");
        assert!(pages.len() >= 3_500 / 2 / WINDOW, "{} pages", pages.len());
        assert!(!pages.last().unwrap().is_cut);
    }
}

#[tokio::test]
async fn whatever_filters_go_together_are_asked_by_one_statement_that_the_database_takes() {
    let fixture = many(30).await;
    for phase in [None, Some(Phase::Ready), Some(Phase::Deleted)] {
        for owner in [None, Some("acme".to_owned())] {
            for condition in [None, Some(Wrong::Stalled)] {
                let filter = Filter { phase, owner: owner.clone(), condition, ..Filter::default() };
                fixture.batches();
                fixture.registry.tenants(&Asked { filter, limit: 5, ..Asked::default() }).await.unwrap();
                assert_eq!(fixture.batches().len(), 1);
            }
        }
    }
}
