//! Every route on one page: method, path below `/client/v4`, name in the journal, handler. Those of the S3 face are in `s3`.

use std::sync::OnceLock;

use futures_util::future::BoxFuture;
use http::Method;

use crate::call::{Call, decode, decode_key};
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::{
    account, assets, containers, durable_objects, objects, r2, rollouts, scripts, secrets, triggers, versions,
};

type Handler = fn(Call) -> BoxFuture<'static, Result<Reply, ApiError>>;

/// One line of the table.
pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    /// Stable: tests and faults name operations by it.
    pub kind: &'static str,
    pub handler: Handler,
}

macro_rules! routes {
    ($($method:ident $path:literal $kind:literal $handler:path;)*) => {
        &[$($crate::routes::Route {
            method: ::http::Method::$method,
            path: $path,
            kind: $kind,
            handler: |call| Box::pin($handler(call)),
        }),*]
    };
}
pub(crate) use routes;

/// The table.
pub(crate) const ROUTES: &[Route] = routes! {
    GET    "/user" "user.get" account::user;
    GET    "/user/tokens/verify" "token.verify" account::verify_token;
    GET    "/memberships" "membership.list" account::memberships;
    GET    "/accounts" "account.list" account::accounts;
    GET    "/accounts/{account}" "account.get" account::account;
    GET    "/accounts/{account}/tokens/verify" "token.verify" account::verify_token;

    POST   "/accounts/{account}/r2/buckets" "r2.bucket.create" r2::create;
    GET    "/accounts/{account}/r2/buckets" "r2.bucket.list" r2::list;
    GET    "/accounts/{account}/r2/buckets/{bucket}" "r2.bucket.get" r2::get;
    DELETE "/accounts/{account}/r2/buckets/{bucket}" "r2.bucket.delete" r2::delete;
    GET    "/accounts/{account}/r2/buckets/{bucket}/lifecycle" "r2.lifecycle.get" r2::lifecycle;
    PUT    "/accounts/{account}/r2/buckets/{bucket}/lifecycle" "r2.lifecycle.put" r2::put_lifecycle;
    GET    "/accounts/{account}/r2/buckets/{bucket}/objects" "r2.object.list" objects::list;
    DELETE "/accounts/{account}/r2/buckets/{bucket}/objects" "r2.object.delete-many" objects::delete_many;
    GET    "/accounts/{account}/r2/buckets/{bucket}/objects/{*key}" "r2.object.get" objects::get;
    PUT    "/accounts/{account}/r2/buckets/{bucket}/objects/{*key}" "r2.object.put" objects::put;
    DELETE "/accounts/{account}/r2/buckets/{bucket}/objects/{*key}" "r2.object.delete" objects::delete;
    GET    "/accounts/{account}/r2/buckets/{bucket}/jobs" "r2.job.list" objects::jobs;
    GET    "/accounts/{account}/r2/buckets/{bucket}/jobs/{job}" "r2.job.get" objects::job;

    GET    "/accounts/{account}/workers/scripts" "script.list" scripts::list;
    PUT    "/accounts/{account}/workers/scripts/{script}" "script.upload" scripts::upload;
    DELETE "/accounts/{account}/workers/scripts/{script}" "script.delete" scripts::delete;
    GET    "/accounts/{account}/workers/scripts/{script}/settings" "script.settings.get" scripts::settings;
    PATCH  "/accounts/{account}/workers/scripts/{script}/settings" "script.settings.patch" scripts::patch_settings;
    GET    "/accounts/{account}/workers/scripts/{script}/script-settings" "script.script-settings.get" scripts::script_settings;
    PATCH  "/accounts/{account}/workers/scripts/{script}/script-settings" "script.script-settings.patch" scripts::patch_script_settings;
    GET    "/accounts/{account}/workers/scripts/{script}/references" "script.references" scripts::references;
    GET    "/accounts/{account}/workers/services/{script}" "script.service.get" scripts::service;
    DELETE "/accounts/{account}/workers/services/{script}" "script.service.delete" scripts::delete_service;
    GET    "/accounts/{account}/workers/workers/{script}" "script.worker.get" scripts::worker;
    GET    "/accounts/{account}/workers/tails/by-consumer/{script}" "script.tails" scripts::nothing;
    GET    "/accounts/{account}/storage/kv/namespaces" "kv.namespace.list" scripts::nothing;

    GET    "/accounts/{account}/workers/scripts/{script}/versions" "version.list" versions::list;
    POST   "/accounts/{account}/workers/scripts/{script}/versions" "version.upload" versions::upload;
    GET    "/accounts/{account}/workers/scripts/{script}/versions/{version}" "version.get" versions::get;
    GET    "/accounts/{account}/workers/scripts/{script}/deployments" "deployment.list" versions::deployments;
    POST   "/accounts/{account}/workers/scripts/{script}/deployments" "deployment.create" versions::deploy;

    POST   "/accounts/{account}/workers/scripts/{script}/assets-upload-session" "assets.session" assets::session;
    POST   "/accounts/{account}/workers/assets/upload" "assets.upload" assets::upload;

    GET    "/accounts/{account}/workers/scripts/{script}/secrets" "secret.list" secrets::list;
    PUT    "/accounts/{account}/workers/scripts/{script}/secrets" "secret.put" secrets::put;
    PATCH  "/accounts/{account}/workers/scripts/{script}/secrets-bulk" "secret.bulk" secrets::bulk;
    GET    "/accounts/{account}/workers/scripts/{script}/secrets/{secret}" "secret.get" secrets::get;
    DELETE "/accounts/{account}/workers/scripts/{script}/secrets/{secret}" "secret.delete" secrets::delete;

    GET    "/accounts/{account}/workers/subdomain" "subdomain.account.get" triggers::account_subdomain;
    PUT    "/accounts/{account}/workers/subdomain" "subdomain.account.put" triggers::put_account_subdomain;
    GET    "/accounts/{account}/workers/scripts/{script}/subdomain" "subdomain.get" triggers::subdomain;
    POST   "/accounts/{account}/workers/scripts/{script}/subdomain" "subdomain.put" triggers::put_subdomain;
    DELETE "/accounts/{account}/workers/scripts/{script}/subdomain" "subdomain.delete" triggers::delete_subdomain;
    GET    "/accounts/{account}/workers/scripts/{script}/schedules" "schedule.get" triggers::schedules;
    PUT    "/accounts/{account}/workers/scripts/{script}/schedules" "schedule.put" triggers::put_schedules;

    GET    "/accounts/{account}/workers/durable_objects/namespaces" "namespace.list" durable_objects::namespaces;
    GET    "/accounts/{account}/workers/durable_objects/namespaces/{namespace}/objects" "namespace.objects" durable_objects::objects;

    GET    "/accounts/{account}/containers/me" "container.me" containers::me;
    GET    "/accounts/{account}/containers/dash/applications" "container.dashboard" containers::dashboard;
    GET    "/accounts/{account}/containers/applications" "container.list" containers::list;
    POST   "/accounts/{account}/containers/applications" "container.create" containers::create;
    GET    "/accounts/{account}/containers/applications/{application}" "container.get" containers::get;
    PATCH  "/accounts/{account}/containers/applications/{application}" "container.patch" containers::patch;
    DELETE "/accounts/{account}/containers/applications/{application}" "container.delete" containers::delete;
    GET    "/accounts/{account}/containers/applications/{application}/rollouts" "rollout.list" rollouts::list;
    POST   "/accounts/{account}/containers/applications/{application}/rollouts" "rollout.create" rollouts::create;
    GET    "/accounts/{account}/containers/applications/{application}/rollouts/{rollout}" "rollout.get" rollouts::get;
};

/// What the table has for a call.
pub(crate) enum Found {
    Route {
        route: &'static Route,
        params: Vec<(String, String)>,
    },
    /// The path is in the table, the method is not.
    OtherMethod,
    Nothing,
}

type Table = matchit::Router<Vec<&'static Route>>;

#[expect(clippy::expect_used, reason = "the table is a constant; every test that makes a call builds it")]
fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table::new();
        let mut paths: Vec<&'static str> = ROUTES.iter().map(|route| route.path).collect();
        paths.dedup();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            let methods = ROUTES.iter().filter(|route| route.path == path).collect();
            table.insert(path, methods).expect("no two patterns overlap");
        }
        table
    })
}

/// Look a call up. `path` is what follows `/client/v4`, still percent-encoded.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    let Ok(hit) = table().at(path) else { return Found::Nothing };
    let Some(route) = hit.value.iter().find(|route| route.method == *method) else { return Found::OtherMethod };
    let params = hit
        .params
        .iter()
        .map(|(name, value)| (name.to_owned(), if name == "key" { decode_key(value) } else { decode(value) }))
        .collect();
    Found::Route { route, params }
}
