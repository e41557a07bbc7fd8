//! The server binary, started for one test, and the tools of `node_modules` pointed at it.
#![allow(dead_code, reason = "each test binary uses its part of this module")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// No command takes longer than this, or it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server with a directory for it and for what the tools write.
pub struct Server {
    child: Child,
    pub url: String,
    scratch: tempfile::TempDir,
}

impl Server {
    /// Start it on a free port. It ends with this value, or with the test's process.
    pub fn start(arguments: &[&str]) -> Self {
        Self::over(tempfile::tempdir().unwrap(), arguments)
    }

    fn over(scratch: tempfile::TempDir, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cloudflare-emulator"))
            .args(["--port", "0", "--with-parent", "--state"])
            .arg(scratch.path().join("state"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the server says where it listens").to_owned();
        Self { child, url, scratch }
    }

    /// Let it end as its parent's end would, and start another one over the same directory.
    pub fn restart(mut self, arguments: &[&str]) -> Self {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        let scratch = std::mem::replace(&mut self.scratch, tempfile::tempdir().unwrap());
        Self::over(scratch, arguments)
    }

    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// What `/__emulator/state` says.
    pub fn state(&self) -> Value {
        serde_json::from_str(&self.http("GET", "/__emulator/state", "")).unwrap()
    }

    /// The body of an answer, whatever its status.
    pub fn http(&self, method: &str, path: &str, body: &str) -> String {
        self.try_http(method, path, "localhost", body).expect("an answer").1
    }

    /// Status and body, or `None` when the connection was closed without an answer.
    pub fn try_http(&self, method: &str, path: &str, host: &str, body: &str) -> Option<(u16, String)> {
        self.request(method, path, host, &[("content-type", "application/json")], body)
    }

    /// The same with headers of one's own.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        host: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<(u16, String)> {
        let mut stream = self.connect();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: {host}:{}\r\nauthorization: Bearer dev\r\n", self.port());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Some((status, if chunked { unchunked(body) } else { body.to_owned() }))
    }

    /// Send a request and leave its answer to whoever reads the connection.
    pub fn begin(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = self.connect();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\nauthorization: Bearer dev\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            self.port()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// What comes back over a connection that was switched to another protocol.
    pub fn upgraded(&self, host: &str, protocol: &str, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        let head = format!(
            "GET / HTTP/1.1\r\nhost: {host}:{}\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n",
            self.port()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains(" 101 "), "{line}");
        while line != "\r\n" {
            line.clear();
            lines.read_line(&mut line).unwrap();
        }
        stream.write_all(bytes).unwrap();
        let mut echo = vec![0; bytes.len()];
        lines.read_exact(&mut echo).unwrap();
        echo
    }

    fn port(&self) -> u16 {
        self.url.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Send a signal and wait for the end.
    pub fn signal(mut self, signal: &str) -> ExitStatus {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// End as the parent's end would have it.
    pub fn close_stdin(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().unwrap()
    }

    /// Run a tool under the pinned Node with only what it needs in its environment.
    pub fn node(&self, arguments: &[&str], directory: &Path, input: &str) -> Output {
        let bin = repository().join("node_modules/.bin");
        assert!(bin.join("node").exists(), "the pinned tools are missing: run `npm ci` in {}", repository().display());
        let home = self.scratch.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        let mut child = Command::new(bin.join("node"))
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", home)
            .env("CI", "1")
            .env("WRANGLER_SEND_METRICS", "false")
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            .env("CLOUDFLARE_API_BASE_URL", format!("{}/client/v4", self.url))
            .env("CLOUDFLARE_API_TOKEN", "dev")
            .env("CLOUDFLARE_ACCOUNT_ID", "0123456789abcdef0123456789abcdef")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let (id, (done, waited)) = (child.id(), mpsc::channel());
        std::thread::spawn(move || done.send(child.wait_with_output()));
        match waited.recv_timeout(PATIENCE) {
            Ok(output) => output.unwrap(),
            Err(_) => {
                Command::new("kill").arg(id.to_string()).status().unwrap();
                panic!("{arguments:?} did not end in time");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The body that was sent in chunks.
fn unchunked(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = text.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            break;
        }
        whole.push_str(&rest[..length]);
        text = &rest[length + 2..];
    }
    whole
}
