//! The API's document (OpenAPI 3.1), made from the code: the table of routes, the types of the answers, the kinds of
//! problems. Natively only; the Worker does not carry it, it is served as a static file.
//!
//! [`common`] has what follows from a row of the table of routes; [`plane`], [`tenants`], [`secrets`] and [`admin`] say what
//! is particular about each. A row without a description, or a description without a row, fails a test.

mod admin;
mod admin_fleet;
mod admin_tenants;
mod bodies;
mod common;
pub mod example;
mod operation;
mod plane;
mod schema;
mod secrets;
mod tenants;

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use serde_json::{Map, Value as Json, json};

use self::example::Sample;
use self::operation::{Answer, Operation};
use super::error::{ApiError, Problem};

/// The media type of a problem.
const PROBLEM: &str = "application/problem+json";

/// Every operation, in the order in which they are read.
fn operations() -> Vec<Operation> {
    [
        plane::operations(),
        tenants::operations(),
        secrets::operations(),
        admin_fleet::operations(),
        admin_tenants::operations(),
        admin::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every example, each to be sent to a plane of its own.
pub fn samples() -> Vec<Sample> {
    let operations = operations();
    operations
        .iter()
        .flat_map(|operation| operation.examples.iter().map(|example| Sample::of(operation, example)))
        .collect()
}

/// The document. `answer_to` says what an example is answered.
pub fn document(mut answer_to: impl FnMut(&Sample) -> Json) -> Json {
    let mut generator = schema::generator();
    let operations = operations();
    let mut paths = Map::new();
    for operation in &operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            let described = describe(operation, &mut generator, &mut answer_to);
            path.insert(operation.method.as_str().to_ascii_lowercase(), described);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Paramita control plane",
            "version": "1",
            "description": "Hosts isolated OpenClaw instances for many tenants on Cloudflare.\n\nA change is written down and answered 202 before it is made: read the tenant, or wait for its events. What goes wrong is a problem (RFC 9457) with a stable `code`, and says everything that is wrong at once. Unknown fields and parameters are refused. Every address also answers `HEAD` like `GET`, and `OPTIONS` with its methods. Answers may get new fields.",
        },
        "servers": [{"url": "/"}],
        "tags": common::tags(),
        "paths": paths,
        "components": {
            "securitySchemes": common::security_schemes(),
            "parameters": common::shared_parameters(),
            "headers": common::shared_headers(),
            "schemas": schemas(&operations, generator),
        },
    })
}

fn describe(
    operation: &Operation,
    generator: &mut SchemaGenerator,
    answer_to: &mut impl FnMut(&Sample) -> Json,
) -> Json {
    let mut responses = Map::new();
    for answer in &operation.answers {
        responses.insert(answer.status.to_string(), good(operation, answer, generator, answer_to));
    }
    if operation.method == http::Method::GET {
        let unchanged = json!({"description": "What you have is still the same.", "headers": headers(["ETag"])});
        responses.insert("304".to_owned(), unchanged);
    }
    let mut problems: BTreeMap<u16, Vec<ApiError>> = BTreeMap::new();
    for problem in common::problems(operation) {
        problems.entry(problem.kind().0.as_u16()).or_default().push(problem);
    }
    for (status, problems) in problems {
        responses.insert(status.to_string(), bad(operation, status, &problems, answer_to));
    }
    let mut described = json!({
        "operationId": operation.id,
        "tags": [common::tag(operation.path)],
        "summary": operation.summary,
        "security": common::security(operation),
        "parameters": common::parameters(operation),
        "responses": responses,
        "x-codeSamples": code_samples(operation),
    });
    if let Some(fields) = described.as_object_mut() {
        if !operation.description.is_empty() {
            fields.insert("description".to_owned(), json!(operation.description));
        }
        if let Some(body) = &operation.body {
            fields.insert("requestBody".to_owned(), request_body(operation, body));
        }
    }
    described
}

fn request_body(operation: &Operation, schema: &Json) -> Json {
    let mut examples = Map::new();
    for example in operation.examples.iter().filter(|example| example.status < 400) {
        if let Some(body) = &example.body {
            examples.insert(example.key(), json!({"summary": example.title, "value": body}));
        }
    }
    json!({"required": true, "content": {"application/json": {"schema": schema, "examples": examples}}})
}

fn code_samples(operation: &Operation) -> Vec<Json> {
    let sample = |example| (Sample::of(operation, example), example);
    let samples = operation.examples.iter().map(sample);
    samples.map(|(sample, example)| json!({"lang": "Shell", "label": example.title, "source": sample.curl()})).collect()
}

fn good(
    operation: &Operation,
    answer: &Answer,
    generator: &mut SchemaGenerator,
    answer_to: &mut impl FnMut(&Sample) -> Json,
) -> Json {
    let mut schemas: Vec<Json> = answer.schemas.iter().map(|schema| schema(generator).to_value()).collect();
    let schema = if schemas.len() == 1 { schemas.remove(0) } else { json!({"anyOf": schemas}) };
    let mut names = answer.headers.clone();
    match operation.method {
        http::Method::GET => names.push("ETag"),
        http::Method::POST => names.push("Idempotency-Replayed"),
        _ => {}
    }
    let produces = common::route_of(operation).map_or("", |route| route.produces);
    let media_type = produces.split(';').next().unwrap_or_default();
    let content = json!({"schema": schema, "examples": examples(operation, answer.status, answer_to)});
    json!({"description": answer.description, "headers": headers(names), "content": {media_type: content}})
}

fn bad(operation: &Operation, status: u16, problems: &[ApiError], answer_to: &mut impl FnMut(&Sample) -> Json) -> Json {
    let mut codes: Vec<&str> = problems.iter().map(|problem| problem.kind().1).collect();
    codes.sort_unstable();
    codes.dedup();
    let titles: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let narrowed = json!({"properties": {"code": {"enum": codes}, "status": {"const": status}}});
    let mut content = json!({"schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrowed]}});
    let examples = examples(operation, status, answer_to);
    if let (Some(content), false) = (content.as_object_mut(), examples.is_empty()) {
        content.insert("examples".to_owned(), Json::Object(examples));
    }
    json!({
        "description": titles.join(", "),
        "headers": headers(common::headers_of(status).iter().copied()),
        "content": {PROBLEM: content},
    })
}

fn examples(operation: &Operation, status: u16, answer_to: &mut impl FnMut(&Sample) -> Json) -> Map<String, Json> {
    let mut examples = Map::new();
    for example in operation.examples.iter().filter(|example| example.status == status) {
        let answer = answer_to(&Sample::of(operation, example));
        examples.insert(example.key(), json!({"summary": example.title, "value": answer}));
    }
    examples
}

fn headers<'a>(names: impl IntoIterator<Item = &'a str>) -> Json {
    let mut headers = Map::new();
    for name in names.into_iter().chain(["X-Request-Id"]) {
        headers.insert(name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    }
    Json::Object(headers)
}

/// The schemas that have a name: those of the answers' types, of problems and of a change.
fn schemas(operations: &[Operation], mut generator: SchemaGenerator) -> Map<String, Json> {
    generator.subschema_for::<Problem>();
    generator.subschema_for::<crate::tenant::SleepAfter>();
    let mut schemas = generator.take_definitions(true);
    schemas.insert("SpecChange".to_owned(), bodies::spec_change());
    let mut codes: Vec<&str> =
        operations.iter().flat_map(common::problems).map(|problem| problem.kind().1).chain(common::ANYWHERE).collect();
    codes.sort_unstable();
    codes.dedup();
    if let Some(code) = schemas.get_mut("Problem").and_then(|problem| problem.pointer_mut("/properties/code")) {
        *code = json!({"type": "string", "description": "What is wrong, for programs. Never changes.", "enum": codes});
    }
    schemas
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::routes::{ROUTES, Route};

    /// Whether a route is one of the API. Pages for people are not.
    fn is_api(route: &&Route) -> bool {
        ["/v1/", "/admin/api/"].iter().any(|start| route.path.starts_with(start)) || route.path == "/healthz"
    }

    #[test]
    fn every_route_of_the_api_is_described_once_and_nothing_else_is() {
        let described: Vec<_> = operations().iter().map(|one| (one.path, one.method.to_string())).collect();
        let distinct: BTreeSet<_> = described.iter().cloned().collect();
        assert_eq!(described.len(), distinct.len());
        let routes = ROUTES.iter().filter(is_api);
        let routes: BTreeSet<_> = routes.map(|route| (route.path, route.method.to_string())).collect();
        assert_eq!(distinct, routes);
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_good_answer_and_an_example_of_it() {
        let operations = operations();
        let names: BTreeSet<_> = operations.iter().map(|operation| operation.id).collect();
        assert_eq!(names.len(), operations.len());
        for operation in &operations {
            assert!(operation.answers.iter().any(|answer| answer.status < 300), "{}", operation.id);
            assert!(operation.examples.iter().any(|example| example.status < 300), "{}", operation.id);
            let keys: BTreeSet<_> = operation.examples.iter().map(example::Example::key).collect();
            assert_eq!(keys.len(), operation.examples.len(), "{}", operation.id);
        }
    }

    #[test]
    fn every_code_that_a_problem_can_have_is_in_the_document() {
        let document = document(|_| Json::Null);
        let codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap();
        let codes: BTreeSet<&str> = codes.iter().map(|code| code.as_str().unwrap()).collect();
        // `kind` has a status, a code and a title of each.
        let source = include_str!("../error.rs").split("fn kind").nth(1).unwrap().split("\n    }\n").next().unwrap();
        let written = source.split("(S::").skip(1).filter_map(|rest| rest.split('"').nth(1));
        let mut written: BTreeSet<&str> = written.filter(|code| !code.contains(' ')).collect();
        assert!(written.len() > 40);
        written.extend(["name_malformed", "name_reserved"]);
        assert!(written.is_subset(&codes), "{:?}", written.difference(&codes).collect::<Vec<_>>());
    }
}
