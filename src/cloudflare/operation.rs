//! Every kind of call that the plane makes, on one page: its stable name, method and route.
//!
//! A `{}` of a route stands for one path segment and is percent-encoded; `{key}` for an object key, whose `/` stay
//! literal, as Cloudflare wants them. Routes are below `/accounts/{account_id}/`, those of S3 below its own address.

use std::fmt;

use http::Method;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $method:ident $route:literal;)*) => {
        /// One kind of call to the Cloudflare API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation { $($(#[$doc])* $variant,)* }

        impl Operation {
            /// Every kind there is, in the order of this file.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// A name that never changes, for logs, metrics and the journal: `r2.bucket.create`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP method. `GET` is the only one that changes nothing.
            pub const fn method(self) -> Method {
                match self { $(Self::$variant => Method::$method,)* }
            }

            /// The route below the account, or below the address of S3, with its placeholders.
            pub const fn route(self) -> &'static str {
                match self { $(Self::$variant => $route,)* }
            }
        }
    };
}

operations! {
    /// Create an R2 bucket.
    BucketCreate, "r2.bucket.create", POST "r2/buckets";
    /// Read one R2 bucket.
    BucketGet, "r2.bucket.get", GET "r2/buckets/{}";
    /// List R2 buckets.
    BucketList, "r2.bucket.list", GET "r2/buckets";
    /// Delete an empty R2 bucket.
    BucketDelete, "r2.bucket.delete", DELETE "r2/buckets/{}";
    /// List the objects of a bucket.
    ObjectList, "r2.object.list", GET "r2/buckets/{}/objects";
    /// Delete the objects of a list of keys.
    ObjectsDelete, "r2.object.delete_many", DELETE "r2/buckets/{}/objects";
    /// Replace a bucket's lifecycle rules.
    LifecyclePut, "r2.lifecycle.put", PUT "r2/buckets/{}/lifecycle";

    /// List the objects of a bucket over S3.
    S3ObjectList, "s3.object.list", GET "{}";
    /// Delete the objects of a list of keys over S3.
    S3ObjectsDelete, "s3.object.delete_many", POST "{}";
    /// List unfinished multipart uploads.
    S3UploadList, "s3.multipart.list", GET "{}";
    /// Abort an unfinished multipart upload.
    S3UploadAbort, "s3.multipart.abort", DELETE "{}/{key}";
    /// Read the id of the token itself, which S3 wants.
    TokenVerify, "token.verify", GET "tokens/verify";

    /// Upload a Worker script and deploy it.
    ScriptUpload, "workers.script.upload", PUT "workers/scripts/{}";
    /// List Worker scripts.
    ScriptList, "workers.script.list", GET "workers/scripts";
    /// Delete a Worker script with everything that is part of it.
    ScriptDelete, "workers.script.delete", DELETE "workers/scripts/{}";
    /// Read a script's tags and migration tag.
    ServiceGet, "workers.service.get", GET "workers/services/{}";
    /// Read a script's bindings and tags.
    ScriptSettingsGet, "workers.script.settings.get", GET "workers/scripts/{}/settings";

    /// Ask which static assets are still to be uploaded.
    AssetsSession, "workers.assets.session", POST "workers/scripts/{}/assets-upload-session";
    /// Upload static assets.
    AssetsUpload, "workers.assets.upload", POST "workers/assets/upload";

    /// Set and delete several secrets at once.
    SecretsPatch, "workers.secret.patch", PATCH "workers/scripts/{}/secrets-bulk";
    /// List the names of a script's secrets.
    SecretList, "workers.secret.list", GET "workers/scripts/{}/secrets";

    /// Read the account's workers.dev subdomain.
    AccountSubdomainGet, "workers.subdomain.get", GET "workers/subdomain";
    /// Read whether a script answers on workers.dev.
    ScriptSubdomainGet, "workers.script.subdomain.get", GET "workers/scripts/{}/subdomain";
    /// Switch a script's workers.dev hostname on or off.
    ScriptSubdomainSet, "workers.script.subdomain.set", POST "workers/scripts/{}/subdomain";
    /// Read a script's cron triggers.
    SchedulesGet, "workers.schedules.get", GET "workers/scripts/{}/schedules";
    /// Replace a script's cron triggers.
    SchedulesPut, "workers.schedules.put", PUT "workers/scripts/{}/schedules";

    /// Create a container application.
    ApplicationCreate, "containers.application.create", POST "containers/applications";
    /// List container applications.
    ApplicationList, "containers.application.list", GET "containers/applications";
    /// Read one container application.
    ApplicationGet, "containers.application.get", GET "containers/applications/{}";
    /// Change a container application.
    ApplicationModify, "containers.application.modify", PATCH "containers/applications/{}";
    /// Delete a container application and its instances.
    ApplicationDelete, "containers.application.delete", DELETE "containers/applications/{}";
    /// Roll a new image or size out to a container application.
    RolloutCreate, "containers.rollout.create", POST "containers/applications/{}/rollouts";

    /// List Durable Object namespaces.
    NamespaceList, "workers.durable_object.list", GET "workers/durable_objects/namespaces";
}

impl Operation {
    /// Whether a call of this kind can change anything on the far side.
    pub fn changes_something(self) -> bool {
        self.method() != Method::GET
    }

    /// Whether it goes over R2's S3 API, or is there for that alone.
    pub(super) fn is_for_s3(self) -> bool {
        use Operation::{S3ObjectList, S3ObjectsDelete, S3UploadAbort, S3UploadList, TokenVerify};
        matches!(self, S3ObjectList | S3ObjectsDelete | S3UploadList | S3UploadAbort | TokenVerify)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Fills the placeholders of `route` with `parameters`, in order.
///
/// Refuses what a URL cannot carry: an empty segment would turn "delete this" into "delete the collection", and a
/// segment `.` or `..` is resolved away by every URL parser, percent-encoded or not.
pub(super) fn fill(route: &str, parameters: &[&str]) -> Result<String, &'static str> {
    let mut path = String::with_capacity(route.len() + 64);
    let mut parameters = parameters.iter();
    for (nth, segment) in route.split('/').enumerate() {
        if nth > 0 {
            path.push('/');
        }
        if !segment.starts_with('{') {
            path.push_str(segment);
            continue;
        }
        let value = *parameters.next().ok_or("a part of the address is missing")?;
        if value.is_empty() {
            return Err("a part of the address is empty");
        }
        if value.split('/').any(|piece| piece == "." || piece == "..") {
            return Err("a part of the address is `.` or `..`, which no URL can carry");
        }
        percent_encode(&mut path, value, segment == "{key}");
    }
    Ok(path)
}

/// Appends `value`, every byte outside the unreserved set of RFC 3986 escaped, `/` too unless it is kept.
pub(super) fn percent_encode(into: &mut String, value: &str, keep_slash: bool) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(char::from(byte)),
            b'/' if keep_slash => into.push('/'),
            _ => {
                into.push('%');
                into.extend([byte >> 4, byte & 15].iter().filter_map(|half| HEX.get(usize::from(*half))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
        assert_eq!(names.len(), Operation::ALL.len());
    }

    #[test]
    fn a_segment_is_escaped_and_an_object_key_keeps_its_slashes() {
        assert_eq!(
            fill("r2/buckets/{}/objects/{key}", &["b", "dir/a b%é.txt"]).unwrap(),
            "r2/buckets/b/objects/dir/a%20b%25%C3%A9.txt"
        );
        assert_eq!(
            fill("workers/scripts/{}/secrets/{}", &["s", "A/B?C#D"]).unwrap(),
            "workers/scripts/s/secrets/A%2FB%3FC%23D"
        );
    }

    #[test]
    fn an_address_that_would_point_elsewhere_is_refused() {
        for bad in ["", ".", ".."] {
            assert!(fill("workers/scripts/{}", &[bad]).is_err(), "{bad:?}");
        }
        for bad in ["../x", "a/./b", "a/.."] {
            assert!(fill("r2/buckets/{}/objects/{key}", &["b", bad]).is_err(), "{bad:?}");
        }
        assert!(fill("workers/scripts/{}", &[]).is_err());
        assert_eq!(fill("r2/buckets/{}/objects/{key}", &["b", "a/..b//c."]).unwrap(), "r2/buckets/b/objects/a/..b//c.");
    }
}
