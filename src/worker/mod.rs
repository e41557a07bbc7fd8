//! The edge towards the Workers runtime: the three events that start our code, and the ports in terms of the platform's
//! bindings. Compiled for wasm only; everything that decides anything lies outside and runs natively as well.
//!
//! What must hold here:
//!
//! - **No panic and, from the queue, no `Err`.** Either one resets the whole instance and ends every other request that
//!   is in flight on it. `worker` installs its own panic hook at start, and that hook is what marks the instance for
//!   the reset; a hook that did not call it would leave the instance in a broken state.
//! - **Statics hold binding handles, what is made of the settings, and data that can be had again, nothing else.** A
//!   request, a stream or a future belongs to the request that made it; touching it from another one fails, and so does
//!   waiting for a lock that another one holds while it waits. Statics vanish whenever an isolate does.
//! - **`SendFuture` and `SendWrapper` appear here only.** JavaScript values are not `Send`; a Worker has one thread.

mod bridge;
mod console;
mod d1;
mod fetch;
mod headers;
mod queue;
mod r2;
mod rate_limit;
mod system;
mod webcrypto;

use std::sync::{Arc, OnceLock};

use worker::{Context, Env, MessageBatch, MessageExt, Request, Response, ScheduleContext, ScheduledEvent};

use crate::app::{App, Ports};
use crate::config::{Config, ConfigError};

/// How long one call to the Cloudflare API may take. An upload with its assets is the longest of them.
const CALL_TIMEOUT_MS: u32 = 60_000;

/// How long the keys of Access may take: an operator's request waits for them, and they are a few kilobytes.
const KEYS_TIMEOUT_MS: u32 = 5_000;

/// The plane of this isolate, or what is wrong with its settings: requests are then told so, and events do nothing.
/// Settings and bindings cannot change within its life.
fn plane(env: &Env) -> worker::Result<&'static Result<App, ConfigError>> {
    static PLANE: OnceLock<Result<App, ConfigError>> = OnceLock::new();
    if let Some(plane) = PLANE.get() {
        return Ok(plane);
    }
    let setting = |name: &str| env.var(name).ok().map(|value| value.to_string());
    let plane = match Config::read(&setting) {
        Ok(config) => Ok(App::new(config, ports(env)?)),
        Err(error) => {
            console::fail("settings", error.to_string());
            Err(error)
        }
    };
    Ok(PLANE.get_or_init(|| plane))
}

fn ports(env: &Env) -> worker::Result<Ports> {
    Ok(Ports {
        db: Arc::new(d1::D1::new(env.d1("DB")?)),
        transport: Arc::new(fetch::FetchTransport::new(CALL_TIMEOUT_MS)),
        keys: Arc::new(fetch::FetchTransport::new(KEYS_TIMEOUT_MS)),
        verifier: Arc::new(webcrypto::WebCrypto),
        clock: Arc::new(system::SystemClock),
        entropy: Arc::new(system::SystemEntropy),
        wake: Arc::new(queue::QueueWakeUp::new(env.queue("ROUNDS")?, console::logger())),
        releases: Arc::new(r2::R2ReleaseStore::new(env.bucket("RELEASES")?)),
        rate_limiter: Arc::new(rate_limit::Bindings::of(env)?),
        log: Arc::new(console::Console),
    })
}

/// Puts a panic's message and stack into the log as one text, then hands on to the hook that was there. `worker` does
/// the same with its own, so both run, whichever start function comes first.
#[worker::event(start)]
fn start() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        console_error_panic_hook::hook(panic);
        former(panic);
    }));
}

/// A request from outside.
#[worker::event(fetch)]
async fn fetch(request: Request, env: Env, _: Context) -> worker::Result<Response> {
    match plane(&env)? {
        Ok(app) => bridge::serve(app, request).await,
        Err(error) => bridge::write(crate::http::misconfigured(error)),
    }
}

/// Nudges. Each message is acknowledged whatever became of its round: the database knows what is still due, and the
/// cron sweep takes it up.
#[worker::event(queue)]
async fn queue(batch: MessageBatch<String>, env: Env, _: Context) -> worker::Result<()> {
    let app = match plane(&env) {
        Ok(plane) => plane.as_ref().ok(),
        Err(error) => {
            console::fail("queue", error_text(&error));
            None
        }
    };
    for message in batch.raw_iter() {
        if let (Some(app), Some(nudge)) = (app, queue::read(&message)) {
            // What came of it is in the database and in the log.
            let _ = crate::jobs::on_nudge(app, nudge).await;
        }
        message.ack();
    }
    Ok(())
}

/// The cron sweep.
#[worker::event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    match plane(&env) {
        // What came of it is in the database and in the log.
        Ok(Ok(app)) => drop(crate::jobs::on_tick(app).await),
        Ok(Err(_)) => {}
        Err(error) => console::fail("cron", error_text(&error)),
    }
}

/// What `error` says, without the JavaScript stack that its `Display` may carry.
fn error_text(error: &worker::Error) -> String {
    match error {
        worker::Error::D1(error) => String::from(AsRef::<js_sys::Error>::as_ref(error).message()),
        worker::Error::UnknownJsError { message, .. } => message.clone(),
        other => other.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}
