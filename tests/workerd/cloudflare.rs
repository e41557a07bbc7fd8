//! The emulator as a server in this process, with tenants that really run, and the sample release to deploy from.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudflare_emulator::{Emulator, Entry, Options, Runner, Server, State};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::harness::Workerd;
use crate::http::{Request, send};

/// Publishing bundles with the real wrangler: some seconds.
const NODE_LIMIT_SECONDS: &str = "120";

/// A running stand-in for Cloudflare; gone, with its tenants, when dropped.
pub struct Cloudflare {
    pub emulator: Emulator,
    pub port: u16,
    runtime: Runtime,
    runner: Option<Arc<Runner>>,
    stop: Option<oneshot::Sender<()>>,
    scratch: PathBuf,
}

impl Cloudflare {
    /// One that keeps scripts without running them.
    pub fn start() -> Self {
        Self::with(false, 0)
    }

    /// One that takes this long over every call.
    pub fn with_latency(latency_ms: u64) -> Self {
        Self::with(false, latency_ms)
    }

    /// One that runs tenants in workerd.
    pub fn with_running_tenants() -> Self {
        Self::with(true, 0)
    }

    fn with(runs_tenants: bool, latency_ms: u64) -> Self {
        let runtime = Runtime::new().unwrap();
        let scratch = scratch();
        let (emulator, runner, server) = runtime.block_on(async {
            let mut options = Options {
                clock: Arc::new(now_ms),
                latency_ms,
                on_delay: Arc::new(|ms| Box::pin(tokio::time::sleep(Duration::from_millis(ms)))),
                ..Options::default()
            };
            let mut runner = None;
            if runs_tenants {
                let command =
                    format!("'{}' '{}'", node().display(), root().join("emulator/runner/runner.mjs").display());
                let started = Arc::new(Runner::start(&command, &scratch.join("runner")).await.unwrap());
                options.runtime = Arc::clone(&started) as _;
                runner = Some(started);
            }
            let emulator = Emulator::new(options);
            let tenants = runner.as_ref().map(|runner| runner.tenants().to_owned());
            let server = Server::bind(emulator.clone(), 0, tenants).await.unwrap();
            (emulator, runner, server)
        });
        let port = server.port();
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(server.serve(async move { drop(stopped.await) }));
        Self { emulator, port, runtime, runner, stop: Some(stop), scratch }
    }

    pub fn api(&self) -> String {
        format!("http://localhost:{}/client/v4", self.port)
    }

    /// The settings that point a plane here.
    pub fn settings(&self) -> Json {
        json!({
            "CLOUDFLARE_API_BASE_URL": self.api(),
            "R2_S3_URL": format!("http://localhost:{}/s3/{{account}}", self.port),
            "TENANT_URL": format!("http://{{script}}.localhost:{}/", self.port),
        })
    }

    pub fn state(&self) -> State {
        self.runtime.block_on(self.emulator.state()).unwrap()
    }

    /// A request to a tenant's own address; the answer's body.
    pub fn visit(&self, method: &str, tenant: &str, path: &str, form: &str) -> String {
        let host = format!("paramita-cloud-{tenant}.localhost");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        send(&Request { port: self.port, host: &host, method, path, headers: &headers, body: form }).unwrap().body
    }

    /// What a tenant's own Worker says of itself.
    pub fn status_of(&self, tenant: &str) -> Json {
        let answer = self.visit("GET", tenant, "/status", "");
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("no status of {tenant}: {answer}"))
    }

    /// Puts an object into a bucket, as the tenant's own Worker would.
    pub fn put_object(&self, bucket: &str, key: &str, text: &str) {
        self.runtime.block_on(self.emulator.seed_object(bucket, key, text.to_owned())).unwrap();
    }

    /// The one call of that kind since the journal was cleared.
    pub fn only_call(&self, kind: &str) -> Entry {
        let mut calls: Vec<Entry> = self.emulator.journal().into_iter().filter(|entry| entry.kind == kind).collect();
        assert_eq!(calls.len(), 1, "calls of {kind}");
        calls.remove(0)
    }

    /// Runs wrangler against this account, in `project`.
    pub fn wrangler(&self, project: &Path, arguments: &[&str]) {
        let mut all = vec![root().join("node_modules/wrangler/bin/wrangler.js").display().to_string()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let output = limited_node(&all)
            .current_dir(project)
            .env("CLOUDFLARE_API_BASE_URL", self.api())
            .env("CLOUDFLARE_API_TOKEN", "dev")
            .env("CLOUDFLARE_ACCOUNT_ID", "0123456789abcdef0123456789abcdef")
            .env("HOME", &self.scratch)
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "wrangler {arguments:?}: {}", String::from_utf8_lossy(&printed));
    }
}

impl Drop for Cloudflare {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(runner) = &self.runner {
            self.runtime.block_on(runner.stop());
        }
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

/// The sample, published into files.
pub struct Sample {
    pub id: String,
    pub manifest: Json,
    blobs: PathBuf,
}

impl Sample {
    /// Publishes the sample project once a run of the tests.
    pub fn published() -> &'static Self {
        static SAMPLE: OnceLock<Sample> = OnceLock::new();
        SAMPLE.get_or_init(|| {
            let out = scratch();
            let tool = root().join("tools/publish-release.mjs").display().to_string();
            let arguments = [&tool, "sample", "--profile", "guide", "--out", &out.display().to_string()];
            let output = limited_node(&arguments.map(str::to_owned)).current_dir(root()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = std::fs::read_to_string(out.join("release.json")).unwrap();
            let release: Json = serde_json::from_str(&text).unwrap();
            let id = release["id"].as_str().unwrap().to_owned();
            Self { id, manifest: release["manifest"].clone(), blobs: out.join("blobs") }
        })
    }

    /// Every file with its key in the release store.
    pub fn blobs(&self) -> Vec<(String, Vec<u8>)> {
        let files = std::fs::read_dir(&self.blobs).unwrap().map(|file| file.unwrap().path());
        files
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                (format!("blobs/{name}"), std::fs::read(&path).unwrap())
            })
            .collect()
    }

    /// Puts it where `plane` finds it, as the default release.
    pub fn publish_to(&self, plane: &Workerd) {
        for (key, bytes) in self.blobs() {
            plane.put(&key, &bytes);
        }
        let sql = "INSERT INTO release (id, manifest, created_at_ms, default_since_ms) VALUES (?1, ?2, ?3, ?3)";
        plane.sql(sql, json!([self.id, self.manifest.to_string(), now_ms()]));
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A new folder of this process's own.
pub fn scratch() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("paramita-test-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn node() -> PathBuf {
    root().join("node_modules/.bin/node")
}

/// Node with these arguments, ended after a while, asking the network for nothing.
fn limited_node(arguments: &[String]) -> Command {
    let mut command = Command::new("timeout");
    command.arg(NODE_LIMIT_SECONDS).arg(node()).args(arguments);
    let path = format!("{}:{}", root().join("node_modules/.bin").display(), std::env::var("PATH").unwrap_or_default());
    command.env("PATH", path).env("CI", "1");
    command.env("WRANGLER_SEND_METRICS", "false").env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
    command
}

#[expect(clippy::disallowed_methods, reason = "the edge: workerd's clock is the system's, and both are compared")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap()
}
