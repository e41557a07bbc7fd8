//! The fleet in numbers: as a fresh count says, whatever happened.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use paramita::registry::FleetRow;
use paramita::tenant::InstanceType;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

/// Something that happens to one of four names.
#[derive(Clone, Debug)]
enum Happens {
    SignsUp,
    Resizes(InstanceType, u32),
    Suspends(bool),
    AsksDeletion,
    Undeletes,
    RoundEnds(Phase),
    IsPurged,
    IsRemovedByHand,
}

fn happenings() -> impl Strategy<Value = (usize, Happens)> {
    let phases = [Phase::Pending, Phase::Ready, Phase::Updating, Phase::Suspended, Phase::Failed, Phase::Deleted];
    let happens = prop_oneof![
        3 => Just(Happens::SignsUp),
        3 => (prop::sample::select(&InstanceType::ALL[..]), 1..=10u32).prop_map(|(size, n)| Happens::Resizes(size, n)),
        1 => any::<bool>().prop_map(Happens::Suspends),
        2 => Just(Happens::AsksDeletion),
        1 => Just(Happens::Undeletes),
        5 => prop::sample::select(phases.to_vec()).prop_map(Happens::RoundEnds),
        1 => Just(Happens::IsPurged),
        1 => Just(Happens::IsRemovedByHand),
    ];
    (0..4usize, happens)
}

type Numbers = BTreeMap<(String, String), (i64, i64)>;

impl Fixture {
    async fn happen(&self, number: usize, name: &str, happens: &Happens, now: Timestamp) {
        let found = self.sql("SELECT id FROM tenant WHERE name = ?1 AND deleted_at_ms IS NULL", [name.into()]).await;
        let Some(id) = found.first().and_then(|row| row["id"].as_str()).map(|id| TenantId(id.into())) else {
            if matches!(happens, Happens::SignsUp) {
                self.try_sign_up(&number.to_string(), name).await.unwrap();
            }
            return;
        };
        let (tenant, event) = (self.tenant(&id).await, Event::new("Happens", ""));
        let change = change(&event, now);
        // What the registry refuses counts, too: it must not have moved anything.
        match happens {
            Happens::SignsUp => drop(self.try_sign_up(&number.to_string(), name).await),
            Happens::Resizes(instance_type, max_instances) => {
                let spec =
                    TenantSpec { instance_type: *instance_type, max_instances: *max_instances, ..tenant.spec.clone() };
                drop(self.registry.change_spec(&tenant, &spec, Room::default(), change).await);
            }
            Happens::Suspends(is_to_run) => drop(self.registry.suspend(&tenant, *is_to_run, change).await),
            Happens::AsksDeletion => drop(self.registry.ask_deletion(&tenant, now.plus_ms(10), change).await),
            Happens::Undeletes => drop(self.registry.undelete(&tenant, &[], change).await),
            Happens::RoundEnds(phase) => {
                if let Some(leased) = self.try_lease(&id, "mine", now).await {
                    let end = RoundEnd { phase: *phase, due_at: Some(now), ..converged() };
                    self.registry.finish_round(&leased, &end, now).await.unwrap();
                }
            }
            Happens::IsPurged => drop(self.registry.purge_tombstones(now, 10, 1_000).await.unwrap()),
            Happens::IsRemovedByHand => {
                for sql in ["event", "token", "secret", "resource"]
                    .map(|table| &*format!("DELETE FROM {table} WHERE tenant_id = ?1").leak())
                    .into_iter()
                    .chain(["DELETE FROM tenant WHERE id = ?1"])
                {
                    self.sql(sql, [id.0.as_str().into()]).await;
                }
            }
        }
    }

    async fn numbers(&self) -> Numbers {
        let entry = |row: FleetRow| {
            let key = (row.phase.as_str().to_owned(), row.instance_type.as_str().to_owned());
            (key, (i64::from(row.tenants), i64::from(row.instances)))
        };
        self.registry.fleet().await.unwrap().into_iter().map(entry).collect()
    }

    /// Counted from the tenants themselves.
    async fn counted(&self) -> Numbers {
        let mut numbers = Numbers::new();
        for row in self.sql("SELECT phase, spec FROM tenant WHERE deleted_at_ms IS NULL", []).await {
            let spec: TenantSpec = serde_json::from_str(row["spec"].as_str().unwrap()).unwrap();
            let key = (row["phase"].as_str().unwrap().to_owned(), spec.instance_type.as_str().to_owned());
            let (tenants, instances) = numbers.entry(key).or_default();
            (*tenants, *instances) = (*tenants + 1, *instances + i64::from(spec.max_instances));
        }
        numbers
    }
}

/// The same cases on every run.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 100, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn after_whatever_happened_the_fleet_is_as_a_fresh_count_says(
        all in prop::collection::vec(happenings(), 1..60),
    ) {
        let run = async {
            let fixture = Fixture::new().await;
            for (number, (who, happens)) in all.iter().enumerate() {
                let now = at(i64::try_from(number).unwrap());
                fixture.happen(number, ["alice", "bob", "carol", "dave"][*who], happens, now).await;
                let (numbers, counted) = (fixture.numbers().await, fixture.counted().await);
                prop_assert_eq!(numbers, counted, "after {} {:?}", number, happens);
            }
            Ok(())
        };
        run.now_or_never().unwrap()?;
    }
}

#[tokio::test]
async fn deleted_tenants_are_not_counted_and_the_others_by_phase_and_size() {
    let fixture = Fixture::new().await;
    fixture.sign_up("alice").await;
    fixture.sign_up("bob").await;
    fixture.sign_up_and_delete("carol", "carol").await;
    let going = fixture.sign_up("dave").await.id;
    fixture.ask_deletion(&going, at(9), at(1)).await.unwrap();
    let numbers = fixture.numbers().await;
    let key = |phase: &str| (phase.to_owned(), "standard-1".to_owned());
    assert_eq!(numbers, Numbers::from([(key("pending"), (2, 2)), (key("deleting"), (1, 1))]));
}
