//! What the plane says of its own work: lines of JSON, each an object without depth that a machine can filter.
//!
//! A line has its time, level and event first, then what is known of the errand it belongs to (see [`Logger::with`]),
//! then its own fields. `docs/operations.md` lists the events. No value of a secret, no body, no header and no query may
//! become a field; texts of others do only where they are known to be bounded.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::clock::Clock;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing is wrong.
    Info,
    /// Something is wrong that the plane deals with by itself.
    Warn,
    /// Something is wrong that a person should look at.
    Error,
}

impl Level {
    /// As it stands in the line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Where lines go. Must not fail: whoever cannot keep a line loses it.
pub trait Log: Send + Sync {
    /// Takes one line.
    fn write(&self, line: &Line);
}

/// One line in the making. Prints as one JSON object, without a line break.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a line is not in the log before it is handed to Logger::write"]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The object's text, but for the closing brace.
    text: String,
}

impl Line {
    /// Adds a field. One that has no value, `None` or null, is left out.
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        append(&mut self.text, name, &value.into());
        self
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_char('}')
    }
}

/// Names are our own and need no escaping; values are escaped.
fn append(text: &mut String, name: &'static str, value: &Value) {
    if !value.is_null() {
        // Writing to a String cannot fail.
        let _ = write!(text, r#","{name}":{value}"#);
    }
}

/// Makes lines, and hands them on. Cheap to clone.
#[derive(Clone)]
pub struct Logger {
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    /// The fields that every line has, as they stand in it.
    context: String,
}

impl Logger {
    /// A logger whose lines have no field in common.
    pub fn new(log: Arc<dyn Log>, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock, context: String::new() }
    }

    /// A logger whose lines all have this field, too.
    pub fn with(&self, name: &'static str, value: impl Into<Value>) -> Self {
        let mut logger = self.clone();
        append(&mut logger.context, name, &value.into());
        logger
    }

    /// Begins a line of this moment.
    pub fn line(&self, level: Level, event: &'static str) -> Line {
        let (at, level_name, context) = (self.clock.now(), level.as_str(), &self.context);
        Line { level, text: format!(r#"{{"at":"{at}","level":"{level_name}","event":"{event}"{context}"#) }
    }

    /// Takes a line that is complete.
    pub fn write(&self, line: &Line) {
        self.log.write(line);
    }

    /// A stopwatch for the field `ms`.
    pub fn start(&self) -> Stopwatch<'_> {
        Stopwatch { clock: self.clock.as_ref(), started_ms: self.clock.now().0 }
    }
}

/// Measures what passes between two moments of a clock, in milliseconds. The Workers runtime's clock moves only while
/// something outside is waited for.
pub struct Stopwatch<'a> {
    clock: &'a dyn Clock,
    started_ms: i64,
}

impl Stopwatch<'_> {
    /// Milliseconds since the start; never less than 0.
    pub fn ms(&self) -> i64 {
        self.clock.now().0.saturating_sub(self.started_ms).max(0)
    }
}

/// Keeps lines in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryLog(Mutex<Vec<Line>>);

impl MemoryLog {
    /// The lines so far, oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl Log for MemoryLog {
    fn write(&self, line: &Line) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(line.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn logger() -> (Logger, Arc<ManualClock>, Arc<MemoryLog>) {
        let (clock, log) = (Arc::new(ManualClock::at(Timestamp(7))), Arc::new(MemoryLog::default()));
        (Logger::new(log.clone(), clock.clone()), clock, log)
    }

    #[test]
    fn a_line_has_time_level_and_event_then_its_context_then_its_fields() {
        let (logger, _, log) = logger();
        let inner = logger.with("request_id", "req_1").with("tenant", None::<String>);
        logger.write(&inner.line(Level::Warn, "call").with("status", 404).with("steps", vec!["a", "b"]));
        logger.write(&logger.line(Level::Info, "cron"));
        let lines: Vec<String> = log.lines().iter().map(Line::to_string).collect();
        let call = r#""level":"warn","event":"call","request_id":"req_1","status":404,"steps":["a","b"]}"#;
        assert_eq!(lines[0], format!(r#"{{"at":"1970-01-01T00:00:00.007Z",{call}"#));
        assert_eq!(lines[1], r#"{"at":"1970-01-01T00:00:00.007Z","level":"info","event":"cron"}"#);
    }

    #[test]
    fn what_has_no_value_is_no_field_and_nothing_breaks_out_of_its_own() {
        let (logger, ..) = logger();
        let text = "\"},{\n\u{7}\u{2028}é\\";
        let line = logger.with("a", text).line(Level::Error, "x").with("b", text).with("c", None::<u32>).to_string();
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&read["a"], &read["b"]), (&text.into(), &text.into()), "{line}");
        assert!(!line.contains('\n') && !line.contains("\"c\""), "{line}");
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_negative_time() {
        let (logger, clock, _) = logger();
        let stopwatch = logger.start();
        clock.advance_ms(1_500);
        assert_eq!(stopwatch.ms(), 1_500);
        clock.advance_ms(-9_000);
        assert_eq!(stopwatch.ms(), 0);
    }
}
