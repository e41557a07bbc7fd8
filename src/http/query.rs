//! Reads query parameters and complains about all of them at once.

use std::ops::RangeInclusive;

use super::body::{MOST_UNKNOWN, short, unknown};
use super::error::{ApiError, FieldError};

/// Most parameters that are read; no address takes so many.
const MOST_PARAMETERS: usize = 50;

/// The parameters of a request, taken out one by one; what is left over is refused.
#[derive(Debug)]
pub struct Query {
    parameters: Vec<(String, String)>,
    known: Vec<&'static str>,
    complaints: Vec<FieldError>,
}

impl Query {
    /// Reads the part of an address behind its `?`.
    pub fn parse(text: &str) -> Self {
        let mut query = Self { parameters: Vec::new(), known: Vec::new(), complaints: Vec::new() };
        for (at, (name, value)) in form_urlencoded::parse(text.as_bytes()).into_owned().enumerate() {
            if at == MOST_PARAMETERS {
                query.complain("", format!("has more than {MOST_PARAMETERS} parameters"));
                break;
            }
            if query.parameters.iter().any(|(known, _)| *known == name) {
                query.complain(&name, "is given twice");
            } else {
                query.parameters.push((name, value));
            }
        }
        query
    }

    /// A parameter read by `parse`; `None` when it is absent, or wrong, which is noted.
    pub fn text<T, E: ToString>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        self.known.push(name);
        let at = self.parameters.iter().position(|(given, _)| given == name)?;
        let (_, value) = self.parameters.remove(at);
        parse(&value).map_err(|error| self.complain(name, error.to_string())).ok()
    }

    /// A whole number from `range`, written in digits only.
    pub fn number(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let complaint = format!("must be a whole number from {} to {}", range.start(), range.end());
        self.text(name, |text| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = if digits { text.parse().ok() } else { None };
            number.filter(|number| range.contains(number)).ok_or_else(|| complaint.clone())
        })
    }

    /// `true` or `false`; absent is `false`, there without a value `true`.
    pub fn flag(&mut self, name: &'static str) -> bool {
        let read = self.text(name, |text| match text {
            "true" | "1" | "" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true or false"),
        });
        read.unwrap_or(false)
    }

    /// What was written for `name`, whether it is right or not; it stays to be read.
    pub fn written(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Whether the flag `name` is there and not `false`; it stays to be read.
    pub fn has(&self, name: &str) -> bool {
        self.written(name).is_some_and(|value| !matches!(value, "false" | "0"))
    }

    /// Ends the reading: every complaint at once, unknown parameters among them, but no more than [`MOST_UNKNOWN`].
    pub fn finish(&mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.parameters).into_iter().take(MOST_UNKNOWN) {
            let detail = unknown(&name, &self.known);
            self.complain(&name, detail);
        }
        let complaints = std::mem::take(&mut self.complaints);
        if complaints.is_empty() { Ok(()) } else { Err(ApiError::Invalid(complaints)) }
    }

    fn complain(&mut self, name: &str, detail: impl Into<String>) {
        self.complaints.push(FieldError { pointer: format!("?{}", short(name)), detail: detail.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_parameters_some_are_named_and_the_rest_is_not_read() {
        let many: String = (0..10_000).map(|at| format!("p{at}&")).collect();
        let mut query = Query::parse(&format!("{many}limit=1"));
        assert_eq!(query.number("limit", 1..=9), None);
        assert!(matches!(query.finish(), Err(ApiError::Invalid(complaints)) if complaints.len() <= MOST_UNKNOWN + 1));
    }
}
