//! A stand-in for the parts of the Cloudflare API that the control plane uses.
//!
//! It is stateful: what one call makes, the next one finds. It refuses with Cloudflare's codes and limits, it can be told to go
//! wrong ([`Fault`]), and it keeps a [journal](Entry) of every call. It shares no type with the control plane, so that a
//! misunderstanding cannot be on both sides; its truth is checked by the real wrangler and the official SDK, in `tests/`.
//!
//! Two faces: [`Emulator::handle`], called in process by tests, without clock, chance or waiting of its own; and the server
//! (`main.rs`) on loopback, which adds a snapshot on disk, tenants that really run, and routes to look and poke inside.
//!
//! ```
//! use cloudflare_emulator::{Dropped, Effect, Emulator, Fault, Options};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::new(Options::default());
//! let fault = emulator.fault(Fault::new(Effect::ReplyLost).kind("r2.bucket.create"));
//! let request = http::Request::post("/client/v4/accounts/0123456789abcdef0123456789abcdef/r2/buckets")
//!     .header("authorization", "Bearer dev")
//!     .body(bytes::Bytes::from_static(br#"{"name": "moltbot-data-alice"}"#))?;
//! assert_eq!(emulator.handle(request).await.err(), Some(Dropped::Reply));
//! assert_eq!(emulator.struck(fault), 1);
//! assert!(emulator.state().await?.buckets.contains_key("moltbot-data-alice"));
//! # Ok(())
//! # }
//! ```
//!
//! | to read about | open |
//! |---|---|
//! | every route | `routes`, `s3`, `turnstile`, `access`; which of them is meant: `face` |
//! | the way of a call: faults, rate limit, authentication, journal | `emulator` |
//! | what exists | `world`; as comparable data: [`State`] |
//! | each family of routes | `r2`, `objects`, `lifecycle`, `writer`, `scripts`, `versions`, `assets`, `secrets`, `triggers`, `durable_objects`, `containers`, `instances`, `rollouts`, `account` |
//! | keys, tokens and the sign-in page of Cloudflare Access | `access` |
//! | what an upload may say | `metadata`, `bindings` |
//! | error codes; limits; what the account or its token lacks | `error`; `limits`; `lacks` |
//! | objects and running scripts | `runtime`; what is run: `worker`; the process that runs it: `runner` |
//! | the server | `server`, `poke`, `proxy`, `snapshot`, `main` |

mod access;
mod account;
mod assets;
mod bindings;
mod call;
mod containers;
mod durable_objects;
mod emulator;
mod envelope;
mod error;
mod face;
mod fault;
mod instances;
mod journal;
mod lacks;
mod lifecycle;
mod limits;
mod metadata;
mod objects;
mod poke;
mod proxy;
mod r2;
mod rollouts;
mod routes;
mod runner;
mod runtime;
mod s3;
mod scripts;
mod secrets;
mod seed;
mod server;
mod snapshot;
mod state;
mod throttle;
mod triggers;
mod turnstile;
mod versions;
mod worker;
mod world;
mod writer;

pub use access::AccessIdentity;
pub use emulator::{Clock, Delay, Dropped, Emulator, OpenError, Options};
pub use fault::{Effect, Fault, FaultStatus};
pub use journal::{Entry, REDACTED};
pub use lacks::{Lacks, Product};
pub use limits::Limits;
pub use runner::{Runner, RunnerError};
pub use runtime::{InMemory, Later, Listing, NewObject, ObjectInfo, ObjectPage, Runtime, RuntimeError};
pub use server::Server;
pub use state::{ApplicationState, NamespaceState, ScriptState, State};
pub use throttle::RateLimit;
pub use worker::{AssetEntry, Worker, WorkerAssets, WorkerClass, WorkerFile};
