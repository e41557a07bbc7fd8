//! The log on the runtime's console, which `wrangler tail` and Workers Logs read.

use std::sync::Arc;

use super::system::SystemClock;
use crate::log::{Level, Line, Log, Logger};

/// Writes each line by the console's function of its level.
pub struct Console;

impl Log for Console {
    fn write(&self, line: &Line) {
        match line.level {
            Level::Info => worker::console_log!("{line}"),
            Level::Warn => worker::console_warn!("{line}"),
            Level::Error => worker::console_error!("{line}"),
        }
    }
}

/// The log for those that have no plane, or come before it.
pub fn logger() -> Logger {
    Logger::new(Arc::new(Console), Arc::new(SystemClock))
}

/// For what must be said without a plane: before its settings are read, and when they are not complete.
pub fn fail(event: &'static str, cause: String) {
    let log = logger();
    log.write(&log.line(Level::Error, event).with("cause", cause));
}
