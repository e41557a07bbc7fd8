//! The plane as it is deployed: the wasm build, in the real Workers runtime, with local D1, Queue and R2.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// Starting takes a second; anything beyond this is a hang.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A running plane, ended by force when this is dropped.
pub struct Workerd {
    helper: Child,
    /// One question at a time; the helper answers in order.
    line: Mutex<(ChildStdin, Receiver<String>)>,
    url: String,
}

/// An HTTP response as a client sees it.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body))
    }

    /// The value of the header `name`, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Workerd {
    /// Starts the plane with the settings of `dev.vars`, changed by `vars`, on a database with all migrations applied.
    pub fn start(vars: Value) -> Self {
        let plane = Self::run(&vars, None);
        plane.migrate();
        plane
    }

    /// Starts the plane on the storage below `state`, a folder that must be there: as the one before left it, at the first
    /// time without any table.
    pub fn start_on(state: &Path, vars: &Value) -> Self {
        Self::run(vars, Some(state))
    }

    fn run(vars: &Value, state: Option<&Path>) -> Self {
        build_once();
        let root = env!("CARGO_MANIFEST_DIR");
        let mut helper = Command::new(format!("{root}/node_modules/.bin/node"))
            .arg("tests/workerd/harness.mjs")
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // The runtime's processes end with the group.
            .process_group(0)
            .spawn()
            .expect("node starts");
        let stdin = helper.stdin.take().expect("its input is piped");
        let stdout = BufReader::new(helper.stdout.take().expect("its output is piped"));
        let (sender, answers) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));

        let mut plane = Self { helper, line: Mutex::new((stdin, answers)), url: String::new() };
        let started = plane.ask(json!({"do": "start", "vars": vars, "state": state}));
        plane.url = started["url"].as_str().expect("an address").to_owned();
        plane
    }

    /// Applies the migrations to the database.
    pub fn migrate(&self) {
        self.ask(json!({"do": "migrate"}));
    }

    /// The port on which the plane answers, for a client that must not wait for others.
    pub fn port(&self) -> u16 {
        let digits = self.url.trim_end_matches('/').rsplit(':').next();
        digits.and_then(|digits| digits.parse().ok()).expect("a port")
    }

    /// Ends every process of the plane by force, in the middle of whatever it is doing.
    pub fn kill(self) {
        drop(self);
    }

    /// Sends a request over the network. `body` goes as JSON.
    pub fn fetch(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut headers: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        if body.is_some() {
            headers.entry("content-type").or_insert_with(|| json!("application/json"));
        }
        self.send(method, path, &headers, body.map(Value::to_string))
    }

    /// The same with a text as the body; none if it is empty.
    pub fn fetch_text(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        self.send(method, path, &headers, (!body.is_empty()).then(|| body.to_owned()))
    }

    fn send(&self, method: &str, path: &str, headers: &serde_json::Map<String, Value>, body: Option<String>) -> Answer {
        let answer = self.ask(json!({"do": "fetch", "method": method, "path": path, "headers": headers, "body": body}));
        Answer {
            status: serde_json::from_value(answer["status"].clone()).expect("a status"),
            headers: serde_json::from_value(answer["headers"].clone()).expect("headers"),
            body: serde_json::from_value(answer["body"].clone()).expect("a body"),
        }
    }

    /// Fires the cron trigger and waits for it to end.
    pub fn cron(&self) {
        let result = self.ask(json!({"do": "cron"}));
        assert_eq!(result["outcome"], "ok", "the cron event failed: {result}");
    }

    /// Runs one statement on the plane's database and returns its rows.
    pub fn sql(&self, sql: &str, args: Value) -> Vec<Value> {
        serde_json::from_value(self.ask(json!({"do": "sql", "sql": sql, "args": args}))).expect("rows")
    }

    /// What the database says to a statement that it refuses.
    pub fn sql_error(&self, sql: &str, args: Value) -> String {
        self.try_ask(json!({"do": "sql", "sql": sql, "args": args})).expect_err("the statement is refused")
    }

    /// Puts an object into the bucket of releases.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        self.ask(json!({"do": "put", "key": key, "base64": BASE64_STANDARD.encode(bytes)}));
    }

    /// What the plane has logged so far, each entry as the runtime gives it.
    pub fn logs(&self) -> Vec<Value> {
        serde_json::from_value(self.ask(json!({"do": "logs"}))).expect("a list")
    }

    /// The plane's own lines among them, each read as the JSON object that it must be.
    pub fn lines(&self) -> Vec<Value> {
        let texts = self.logs().into_iter().filter_map(|entry| entry["message"].as_str().map(str::to_owned));
        let ours = texts.filter(|text| text.starts_with('{'));
        ours.map(|text| serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))).collect()
    }

    fn ask(&self, question: Value) -> Value {
        let answer = self.try_ask(question.clone());
        answer.unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    fn try_ask(&self, question: Value) -> Result<Value, String> {
        let mut line = self.line.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (stdin, answers) = &mut *line;
        writeln!(stdin, "{question}").expect("the helper still runs");
        let answer = answers.recv_timeout(ANSWER_LIMIT).unwrap_or_else(|_| panic!("no answer to {question}"));
        let answer: Value = serde_json::from_str(&answer).expect("the helper answers in JSON");
        match answer.get("error") {
            None => Ok(answer["ok"].clone()),
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
        }
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        let group = format!("kill -s KILL -- -{}", self.helper.id());
        let _ = Command::new("sh").args(["-c", &group]).status();
        // Once more by itself: waiting for a process that nobody ended would never come to an end.
        let _ = self.helper.kill();
        let _ = self.helper.wait();
    }
}

/// Builds the Worker as it is deployed. Costs next to nothing when it is up to date, and a test can never see an old one.
fn build_once() {
    static BUILT: OnceLock<bool> = OnceLock::new();
    let built = *BUILT.get_or_init(|| {
        Command::new("make")
            .args(["--no-print-directory", "wasm"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            // Cargo's and an outer make's own settings are not for this one.
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .status()
            .expect("make is installed")
            .success()
    });
    assert!(built, "`make wasm` failed, see above");
}
