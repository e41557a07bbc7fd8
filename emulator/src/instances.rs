//! Instances of container applications, as far as a test has to know of them: one an application, and the secrets that it
//! runs with. Those are the script's at its start: what a Worker hands to a container it hands over when it starts it
//! (developers.cloudflare.com/containers/configuration/environment-variables), and a new version of the script ends no
//! instance. Only a rollout replaces it (…/containers/configuration/rollouts), and deleting the application ends it.

use std::collections::BTreeMap;

use crate::emulator::Emulator;
use crate::world::{Application, World};

/// The secrets of the script whose class the application serves.
pub(crate) fn secrets(world: &World, application: &Application) -> BTreeMap<String, String> {
    let namespace = world.namespaces.iter().find(|namespace| Some(&namespace.id) == application.namespace_id.as_ref());
    let live = namespace.and_then(|namespace| world.scripts.get(&namespace.script)?.live());
    let secrets = live.into_iter().flat_map(|version| &version.bindings).filter(|binding| binding.is_secret());
    secrets.map(|secret| (secret.name.clone(), secret.text("text").unwrap_or_default().to_owned())).collect()
}

impl Emulator {
    /// Somebody calls every Worker that there is: each application of which no instance runs starts one, with the
    /// secrets that its script has now.
    pub fn wake_containers(&self) {
        let mut world = self.world();
        let starts: Vec<_> = world.applications.iter().map(|application| secrets(&world, application)).collect();
        for (application, secrets) in world.applications.iter_mut().zip(starts) {
            if application.namespace_id.is_some() {
                application.instance.get_or_insert(secrets);
            }
        }
    }

    /// Names of the secrets that the running instance of an application has otherwise than its script does; `None`: none
    /// runs.
    pub fn stale_secrets(&self, application: &str) -> Option<Vec<String>> {
        let world = self.world();
        let application = world.applications.iter().find(|found| found.name == application)?;
        let (running, present) = (application.instance.as_ref()?, secrets(&world, application));
        let names = running.keys().chain(present.keys().filter(|name| !running.contains_key(*name)));
        Some(names.filter(|name| running.get(*name) != present.get(*name)).cloned().collect())
    }
}
