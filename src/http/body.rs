//! Reads a JSON body and complains about everything at once.

use serde_json::{Map, Value as Json};
use strsim::osa_distance;

use super::error::FieldError;

/// Most complaints about names that nobody asked for: whoever sends more of them means something else altogether.
pub const MOST_UNKNOWN: usize = 20;

/// Most characters of a name that are repeated to whoever sent it, and that are compared with known ones.
const MOST_REPEATED: usize = 100;

/// Takes the known fields out of an object, notes what is wrong with them, and what is left over.
pub struct Fields<'a> {
    pointer: String,
    fields: Map<String, Json>,
    known: Vec<&'static str>,
    complaints: &'a mut Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The fields of the object at `pointer`.
    pub fn new(pointer: &str, fields: Map<String, Json>, complaints: &'a mut Vec<FieldError>) -> Self {
        Self { pointer: pointer.to_owned(), fields, known: Vec::new(), complaints }
    }

    /// A text field, read by `parse`; `None` when it is absent, or wrong, which is noted.
    pub fn text<T, E: ToString>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        match self.take(name)? {
            Json::String(text) => parse(&text).map_err(|error| self.complain(name, error.to_string())).ok(),
            _ => {
                self.complain(name, "must be a string");
                None
            }
        }
    }

    /// A whole number from `range`.
    pub fn number(&mut self, name: &'static str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = whole(&self.take(name)?);
        let in_range = number.filter(|number| range.contains(number));
        if in_range.is_none() {
            self.complain(name, format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        in_range
    }

    /// A list of texts, read as a whole.
    pub fn list<T>(&mut self, name: &'static str, parse: impl Fn(&[String]) -> Result<T, String>) -> Option<T> {
        let texts = match self.take(name)? {
            Json::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        let read = texts.ok_or("must be a list of strings".to_owned()).and_then(|texts: Vec<String>| parse(&texts));
        read.map_err(|error| self.complain(name, error)).ok()
    }

    /// An object.
    pub fn object(&mut self, name: &'static str) -> Option<Map<String, Json>> {
        match self.take(name)? {
            Json::Object(fields) => Some(fields),
            _ => {
                self.complain(name, "must be an object");
                None
            }
        }
    }

    /// Notes that a field is needed.
    pub fn require(&mut self, name: &'static str) {
        if !self.fields.contains_key(name) {
            self.complain(name, "is required");
        }
    }

    /// Notes the fields that nobody asked for: no more than [`MOST_UNKNOWN`].
    pub fn finish(self) {
        for name in self.fields.keys().take(MOST_UNKNOWN) {
            let pointer = format!("{}/{}", self.pointer, escape(name));
            self.complaints.push(FieldError { pointer, detail: unknown(name, &self.known) });
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Json> {
        self.known.push(name);
        self.fields.remove(name)
    }

    fn complain(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = format!("{}/{}", self.pointer, escape(name));
        self.complaints.push(FieldError { pointer, detail: detail.into() });
    }
}

/// A whole number, however it is written: JSON has one kind of number, and 6.0 is 6 (JSON Schema 2020-12, core § 4.2.1).
fn whole(value: &Json) -> Option<u32> {
    let whole = |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
    value.as_f64().filter(whole).map(|number| number as u32)
}

/// The complaint about a name that nobody asked for: with the known one that it may be a slip of.
pub fn unknown(name: &str, known: &[&str]) -> String {
    // A third of the letters may be other ones; more is another word.
    let name = short(name).to_ascii_lowercase();
    let distance = |known: &&&str| osa_distance(&name, known);
    match known.iter().min_by_key(distance) {
        Some(nearest) if distance(&nearest) * 3 <= nearest.len() => {
            format!("is not known here; did you mean {nearest}?")
        }
        Some(_) => format!("is not known here; known are: {}", known.join(", ")),
        None => "is not known here; none is".to_owned(),
    }
}

/// A name as a part of a JSON pointer (RFC 6901 § 3); of a long one its beginning.
pub fn escape(name: &str) -> String {
    short(name).replace('~', "~0").replace('/', "~1")
}

/// A name as it is repeated to whoever sent it: of a long one the beginning.
pub fn short(name: &str) -> String {
    let mut rest = name.chars();
    let mut short: String = rest.by_ref().take(MOST_REPEATED).collect();
    if rest.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_what_was_meant_and_a_strange_word_with_what_there_is() {
        let known = ["instance_type", "max_instances", "sleep_after"];
        for (name, meant) in [
            ("instancetype", "instance_type"),
            ("instance-type", "instance_type"),
            ("Instance_Type", "instance_type"),
            ("instnace_type", "instance_type"),
            ("max_instance", "max_instances"),
            ("sleepafter", "sleep_after"),
        ] {
            assert_eq!(unknown(name, &known), format!("is not known here; did you mean {meant}?"));
        }
        assert_eq!(
            unknown("colour", &known),
            "is not known here; known are: instance_type, max_instances, sleep_after"
        );
        assert_eq!(unknown("", &[]), "is not known here; none is");
    }

    #[test]
    fn a_whole_number_may_be_written_in_any_way_and_no_other_is_taken() {
        let read = |text: &str| {
            let mut complaints = Vec::new();
            let fields = serde_json::from_str(&format!("{{\"n\": {text}}}")).unwrap();
            let number = Fields::new("", fields, &mut complaints).number("n", 1..=100);
            assert_eq!(number.is_none(), !complaints.is_empty(), "{text}");
            number
        };
        for (text, number) in [("6", 6), ("6.0", 6), ("1e2", 100), ("1", 1)] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["6.5", "-6", "0", "101", "1e300", "18446744073709551617", "\"6\"", "null", "[6]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn of_very_many_unknown_fields_some_are_named() {
        let many: Map<String, Json> = (0..10_000).map(|at| (format!("field-{at}"), Json::Null)).collect();
        let mut complaints = Vec::new();
        Fields::new("", many, &mut complaints).finish();
        assert_eq!(complaints.len(), MOST_UNKNOWN);
    }
}
