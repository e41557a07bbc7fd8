//! What the document says of one row of the table of routes.

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value as Json, json};

use super::example::Example;
use crate::cost::Preset;
use crate::http::error::ApiError;

/// One row, described. What every route has, or every one of its kind, is not said here: see [`super::common`].
pub struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) query: Vec<Parameter>,
    pub(super) body: Option<Json>,
    pub(super) answers: Vec<Answer>,
    pub(super) problems: Vec<ApiError>,
    pub(super) takes_if_match: bool,
    pub(super) examples: Vec<Example>,
}

/// A parameter of the query.
pub struct Parameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: Json,
}

/// A good answer.
pub struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) schemas: Vec<fn(&mut SchemaGenerator) -> Schema>,
    pub(super) headers: Vec<&'static str>,
}

impl Operation {
    /// The operation `id` at a row of the table.
    pub fn new(method: Method, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            description: "",
            query: Vec::new(),
            body: None,
            answers: Vec::new(),
            problems: Vec::new(),
            takes_if_match: false,
            examples: Vec::new(),
        }
    }

    /// Says more, in Markdown.
    pub fn about(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Takes a parameter in its query.
    pub fn query(mut self, name: &'static str, schema: Json, description: &'static str) -> Self {
        self.query.push(Parameter { name, description, schema });
        self
    }

    /// Takes how busy the tenant is supposed to be.
    pub fn activity(self) -> Self {
        let presets = Preset::ALL.map(Preset::as_str);
        self.query("preset", json!({"enum": presets, "default": "light"}), "How busy the tenant is taken to be.")
            .query("hours_per_day", hours_per_day(), "Hours a day that it is awake, in place of the preset's.")
            .query("cpu_percent", cpu_percent(), "CPU that it uses while awake, in place of the preset's.")
    }

    /// Can be tried without being done.
    pub fn dry_run(self) -> Self {
        self.query(
            "dry_run",
            flag(),
            "Checks the same, says what would be done and what it costs, and changes nothing.",
        )
    }

    /// Refuses what is not any more as its caller has seen it.
    pub fn if_match(mut self) -> Self {
        self.takes_if_match = true;
        self
    }

    /// Takes a JSON body.
    pub fn body(mut self, schema: Json) -> Self {
        self.body = Some(schema);
        self
    }

    /// Answers so, with a body of `T`; called again for the same status: or of another type.
    pub fn answers<T: JsonSchema>(mut self, status: u16, description: &'static str) -> Self {
        let schema: fn(&mut SchemaGenerator) -> Schema = |generator| generator.subschema_for::<T>();
        match self.answers.iter_mut().find(|answer| answer.status == status) {
            Some(answer) => answer.schemas.push(schema),
            None => self.answers.push(Answer { status, description, schemas: vec![schema], headers: Vec::new() }),
        }
        self
    }

    /// The answer named last has these headers, too.
    pub fn headers(mut self, names: &[&'static str]) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.extend(names);
        }
        self
    }

    /// Can go wrong so, beside what can at every route of its kind.
    pub fn problems(mut self, problems: impl IntoIterator<Item = ApiError>) -> Self {
        self.problems.extend(problems);
        self
    }

    /// A request, and what it is answered.
    pub fn example(mut self, example: Example) -> Self {
        self.examples.push(example);
        self
    }
}

/// A flag in a query.
pub fn flag() -> Json {
    json!({"type": "boolean", "default": false})
}

/// Hours of a day.
pub fn hours_per_day() -> Json {
    json!({"type": "integer", "minimum": 0, "maximum": 24})
}

/// A part of a CPU.
pub fn cpu_percent() -> Json {
    json!({"type": "integer", "minimum": 0, "maximum": 100})
}
