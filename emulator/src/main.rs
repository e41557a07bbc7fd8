//! The emulator as a server on loopback. See the README beside it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cloudflare_emulator::{Emulator, Options, RateLimit, Runner, Server};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
cloudflare-emulator: a stand-in for the parts of the Cloudflare API that the control plane uses

  --port PORT        port on loopback (default 8788; 0 for any free one)
  --state DIR        keep the account in this directory, secrets included; without it everything is gone at the end
  --account ID       account id (default 0123456789abcdef0123456789abcdef)
  --token TOKEN      the token that is let in (default dev)
  --subdomain NAME   the account's workers.dev subdomain (default example-account)
  --runner COMMAND   run the tenants' Workers with this; `--state DIR/runner` is added to it; needs --state
  --latency-ms N     let every call take this long
  --rate-limit       1,200 calls in 5 minutes, then 5 minutes of 429, as Cloudflare documents it
  --with-parent      end when stdin closes
  --help
";

/// What the command line asks for.
struct Arguments {
    port: u16,
    state: Option<PathBuf>,
    runner: Option<String>,
    with_parent: bool,
    options: Options,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn arguments() -> Result<Option<Arguments>, Failure> {
    use lexopt::prelude::{Long, ValueExt as _};
    let options = Options {
        clock: Arc::new(now),
        on_delay: Arc::new(|ms| Box::pin(tokio::time::sleep(Duration::from_millis(ms)))),
        // Long enough to be seen under way, short enough not to be waited for.
        rollout_ms: 2000,
        job_ms: 500,
        ..Options::default()
    };
    let mut arguments = Arguments { port: 8788, state: None, runner: None, with_parent: false, options };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => arguments.port = parser.value()?.parse()?,
            Long("state") => arguments.state = Some(PathBuf::from(parser.value()?)),
            Long("account") => arguments.options.account = parser.value()?.string()?,
            Long("token") => arguments.options.token = parser.value()?.string()?,
            Long("subdomain") => arguments.options.subdomain = Some(parser.value()?.string()?),
            Long("runner") => arguments.runner = Some(parser.value()?.string()?),
            Long("latency-ms") => arguments.options.latency_ms = parser.value()?.parse()?,
            Long("rate-limit") => arguments.options.rate_limit = Some(RateLimit::CLOUDFLARE),
            Long("with-parent") => arguments.with_parent = true,
            Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(arguments))
}

/// The one place where the emulator asks for the time.
#[expect(clippy::disallowed_methods, reason = "the edge: everything else is handed this clock")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match arguments() {
        Ok(Some(arguments)) => run(arguments).await,
        Ok(None) => {
            print!("{USAGE}");
            Ok(())
        }
        Err(error) => {
            eprint!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cloudflare-emulator: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// The message with those of its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { port, state, runner, with_parent, mut options } = arguments;
    // Before anything that takes time: a signal from here on ends the server in order.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let runner = match (&runner, &state) {
        (None, _) => None,
        (Some(_), None) => return Err("--runner needs --state".into()),
        (Some(command), Some(state)) => Some(Arc::new(Runner::start(command, &state.join("runner")).await?)),
    };
    if let Some(runner) = &runner {
        options.runtime = Arc::clone(runner) as _;
    }
    let emulator = match &state {
        Some(directory) => Emulator::open(options, directory).await?,
        None => Emulator::new(options),
    };
    let tenants = runner.as_ref().map(|runner| runner.tenants().to_owned());
    let server = Server::bind(emulator, port, tenants).await?;
    println!("listening on http://localhost:{}", server.port());
    server
        .serve(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = parent_gone(with_parent) => {}
            }
        })
        .await;
    if let Some(runner) = runner {
        runner.stop().await;
    }
    // Not a return: a read of stdin may still be under way, and the runtime would wait for it.
    std::process::exit(0)
}

/// Comes about when stdin closes; never unless asked for.
async fn parent_gone(asked: bool) {
    if !asked {
        return std::future::pending().await;
    }
    let mut stdin = tokio::io::stdin();
    let mut bytes = [0; 64];
    while matches!(stdin.read(&mut bytes).await, Ok(read) if read > 0) {}
}
