//! The plane: its settings and its ports, put together once an isolate or once a test.

use std::sync::Arc;

use crate::access::Access;
use crate::access::verifier::Verifier;
use crate::clock::Clock;
use crate::cloudflare::{Client, Transport};
use crate::config::Config;
use crate::entropy::Entropy;
use crate::log::{Log, Logger};
use crate::rate_limit::RateLimiter;
use crate::registry::Registry;
use crate::registry::db::Db;
use crate::release::store::ReleaseStore;
use crate::turnstile::Turnstile;
use crate::wake::WakeUp;

/// Everything outside that the plane needs.
#[derive(Clone)]
pub struct Ports {
    /// Runs SQL.
    pub db: Arc<dyn Db>,
    /// Carries calls to Cloudflare.
    pub transport: Arc<dyn Transport>,
    /// Reaches what is not the API, the keys of Cloudflare Access and the plane's own address, for which somebody waits: gives
    /// up within seconds.
    pub keys: Arc<dyn Transport>,
    /// Checks signatures.
    pub verifier: Arc<dyn Verifier>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Asks for rounds.
    pub wake: Arc<dyn WakeUp>,
    /// Has the files of releases.
    pub releases: Arc<dyn ReleaseStore>,
    /// Counts callers.
    pub rate_limiter: Arc<dyn RateLimiter>,
    /// Takes lines about what was done.
    pub log: Arc<dyn Log>,
}

/// The plane. Cheap to clone; holds no state of its own but the cached keys, which are the same in every clone.
#[derive(Clone)]
pub struct App {
    /// Settings.
    pub config: Arc<Config>,
    /// The registry.
    pub registry: Registry,
    /// The Cloudflare API.
    pub cloudflare: Client,
    /// Tells operators from others; `None`: there are no operators.
    pub access: Option<Access>,
    /// Reaches what is not the API.
    pub outside: Arc<dyn Transport>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Asks for rounds.
    pub wake: Arc<dyn WakeUp>,
    /// Has the files of releases.
    pub releases: Arc<dyn ReleaseStore>,
    /// Counts callers.
    pub rate_limiter: Arc<dyn RateLimiter>,
    /// Tells people from programs at sign-up; `None`: nobody has to prove anything.
    pub turnstile: Option<Turnstile>,
    /// Takes lines about what was done.
    pub log: Logger,
}

impl App {
    /// Puts settings and ports together.
    pub fn new(config: Config, ports: Ports) -> Self {
        let log = Logger::new(ports.log, ports.clock.clone());
        let token = config.api_token.clone();
        let turnstile = config.turnstile.clone();
        let turnstile = turnstile.map(|keys| Turnstile::new(keys, ports.transport.clone(), ports.entropy.clone()));
        let access = config.access.clone();
        let outside = ports.keys.clone();
        let access = access.map(|settings| Access::new(settings, ports.keys, ports.verifier, ports.clock.clone()));
        let cloudflare = Client::new(ports.transport, &config.api_base_url, &config.account_id, token, log.clone());
        Self {
            config: Arc::new(config),
            registry: Registry::new(ports.db),
            cloudflare,
            access,
            outside,
            clock: ports.clock,
            entropy: ports.entropy,
            wake: ports.wake,
            releases: ports.releases,
            rate_limiter: ports.rate_limiter,
            turnstile,
            log,
        }
    }
}
