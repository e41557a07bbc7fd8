//! The steps of the container application.

use super::{Executor, News, StepDone, StepError, gone_or};
use crate::clock::Timestamp;
use crate::cloudflare::containers::{ApplicationChange, NewApplication};
use crate::reconcile::desired::Application;
use crate::tenant::{Applied, ResourceKind};

impl Executor<'_> {
    pub(super) async fn create_application(&self, wanted: &Application) -> Result<StepDone, StepError> {
        let name = &self.ledger.application.name;
        let new = NewApplication {
            name,
            script_name: &self.ledger.script.name,
            class_name: &wanted.class_name,
            image: &wanted.image,
            instance_type: &wanted.instance_type,
            max_instances: wanted.max_instances,
        };
        let made = self.cloudflare.create_application(&new).await?;
        let message = format!("container application {name} created, size {}", wanted.instance_type);
        // What starts from now on has the secrets that were pushed before.
        Ok(StepDone::there(ResourceKind::Application, Some(made.id), Some(applied(wanted, true, None, None)))
            .with_event("ContainerCreated", message))
    }

    pub(super) async fn modify_application(&self, wanted: &Application) -> Result<StepDone, StepError> {
        let id = self.application_id()?;
        // Image and size go into the stored configuration; only a rollout takes them to what runs.
        let (owed_since, restarted_at) = self.restarts();
        let rolled_out = match &self.ledger.application.applied {
            Some(Applied::Application { image, instance_type, rolled_out, .. })
                if *image == wanted.image && *instance_type == wanted.instance_type =>
            {
                self.cloudflare.set_max_instances(id, wanted.max_instances).await?;
                *rolled_out
            }
            _ => {
                let change = ApplicationChange {
                    image: &wanted.image,
                    instance_type: &wanted.instance_type,
                    max_instances: wanted.max_instances,
                };
                self.cloudflare.modify_application(id, &change).await?;
                false
            }
        };
        let message =
            format!("container application set to {}, at most {} at once", wanted.instance_type, wanted.max_instances);
        let applied = applied(wanted, rolled_out, owed_since, restarted_at);
        Ok(StepDone::there(ResourceKind::Application, Some(id.to_owned()), Some(applied))
            .with_event("ContainerChanged", message))
    }

    pub(super) async fn roll_out(&self, wanted: &Application) -> Result<StepDone, StepError> {
        let id = self.application_id()?;
        self.cloudflare.create_rollout(id, &wanted.image, &wanted.instance_type).await?;
        let (owed_since, restarted_at) = self.restarts();
        let (restarted_at, message) = match owed_since {
            Some(_) => (
                Some(self.now),
                format!("running containers restart with the Worker's secrets, size {}", wanted.instance_type),
            ),
            None => (restarted_at, format!("running containers move to {}", wanted.instance_type)),
        };
        let applied = applied(wanted, true, None, restarted_at);
        Ok(StepDone::there(ResourceKind::Application, Some(id.to_owned()), Some(applied))
            .with_event("RolloutStarted", message))
    }

    /// Since when a restart is owed, and when the last one was. What runs in an application of which nothing is known may
    /// have been started with any secrets.
    fn restarts(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        match &self.ledger.application.applied {
            Some(Applied::Application { restart_owed_since, restarted_at, .. }) => (*restart_owed_since, *restarted_at),
            _ => (Some(self.now), None),
        }
    }

    pub(super) async fn delete_application(&self) -> Result<StepDone, StepError> {
        gone_or(self.cloudflare.delete_application(self.application_id()?).await)?;
        let message = format!("container application {} deleted", self.ledger.application.name);
        Ok(StepDone::of(ResourceKind::Application, News::Removed).with_event("ContainerDeleted", message))
    }
}

fn applied(
    wanted: &Application,
    rolled_out: bool,
    restart_owed_since: Option<Timestamp>,
    restarted_at: Option<Timestamp>,
) -> Applied {
    Applied::Application {
        image: wanted.image.clone(),
        instance_type: wanted.instance_type.clone(),
        max_instances: wanted.max_instances,
        rolled_out,
        restart_owed_since,
        restarted_at,
    }
}
