//! What a person does about a failed call. Words only: nothing is decided by them.

use super::error::{Error, ErrorKind, Refusal, Verdict};

impl Error {
    /// The next thing for a person to do. Fixed text: it never quotes what was sent or answered.
    pub fn advice(&self) -> &'static str {
        if let ErrorKind::Refused(refusal) = &self.kind
            && let Some(advice) = advice_for(refusal)
        {
            return advice;
        }
        match self.verdict() {
            Verdict::Unauthorized => self.permission_advice(),
            Verdict::S3Unusable => {
                "Give the plane's API token, one of the account's own, the account permission \"Workers R2 Storage Write\", or leave the work to the slower REST API."
            }
            Verdict::Done => "Nothing to do: it is gone already.",
            Verdict::Taken => {
                "Something of this name exists and is not known to be ours. Adopt it, or delete it, or choose another name."
            }
            Verdict::Missing => "What this step builds upon is gone. The next round makes it again.",
            Verdict::NotEmpty => {
                "If the bucket lists no objects, remove its unfinished multipart uploads and event-notification rules."
            }
            Verdict::LookAgain => "Nothing yet: the next round looks at what there is and goes on from there.",
            Verdict::Later { .. } => {
                "Nothing yet: the plane tries again by itself. If it lasts, see https://www.cloudflarestatus.com/."
            }
            Verdict::Never => "Read Cloudflare's message, change what it names, then ask for another round.",
        }
    }

    /// Which permission the token needs, by the operation's family.
    /// <https://developers.cloudflare.com/fundamentals/api/reference/permissions/>
    fn permission_advice(&self) -> &'static str {
        match self.operation.name().split('.').next() {
            Some("r2") => {
                "The plane's API token is invalid or lacks the account permission \"Workers R2 Storage Write\" (\"Edit\" in the dashboard)."
            }
            Some("containers") => {
                "The plane's API token is invalid or lacks the account permission \"Workers Containers Write\" (\"Edit\" in the dashboard)."
            }
            _ => {
                "The plane's API token is invalid or lacks the account permission \"Workers Scripts Write\" (\"Edit\" in the dashboard)."
            }
        }
    }
}

fn advice_for(refusal: &Refusal) -> Option<&'static str> {
    Some(match (refusal.code.unwrap_or(0), refusal.text_code.as_deref().unwrap_or("")) {
        (10042, _) => "Enable R2 on the Cloudflare account (dashboard: R2, then choose the plan).",
        (10009, _) => "The account has as many R2 buckets as it may have: delete some, or ask Cloudflare for more.",
        (10005, _) => "The bucket's name is not valid: choose another prefix or tenant name.",
        (10069, _) => "A bucket-lock rule keeps the objects: remove the rule from the bucket.",
        (10063, _) => {
            "Open Workers & Pages in the Cloudflare dashboard once, to give the account its workers.dev subdomain."
        }
        (10021, _) => "The release does not start as a Worker: read the message, mend the release, publish it anew.",
        (10027, _) => "The release's script is larger than a Worker may be: publish a smaller one.",
        (10057, _) => "A secret that was to be kept is gone from the Worker: set it again.",
        (10061 | 10064, _) => {
            "The release drops a Durable Object class that is still in use: give it a migration for the class."
        }
        (10068, _) => "The release's script is not valid: mend the release, publish it anew.",
        (10079, _) => "The Worker's migration tag was changed by somebody else; the next round reads it and goes on.",
        (10085, _) => "The bucket that the Worker is bound to does not exist; the next round makes it.",
        (10214 | 10215, _) => {
            "Somebody uploaded a version of this Worker without deploying it: deploy it or roll it back."
        }
        (100402..=100406, _) => {
            "This Worker's classes are managed by `exports`, which cannot be mixed with migrations: delete the Worker, or adopt it by hand."
        }
        (1607, _) | (_, "DURABLE_OBJECT_NOT_CONTAINER_ENABLED") => {
            "If it lasts, the Worker's class was created without a container, which cannot be mended: delete the Worker and let it be made anew."
        }
        (1608, _) | (_, "DURABLE_OBJECT_ALREADY_HAS_APPLICATION") => {
            "The Worker's class has a container application already: adopt it or delete it."
        }
        (_, "SURPASSED_BASE_LIMITS" | "SURPASSED_TOTAL_LIMITS" | "LOCATION_SURPASSED_BASE_LIMITS") => {
            "The account's container limits are reached: choose a smaller instance type, fewer instances, or ask Cloudflare for more."
        }
        (_, "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE") => {
            "Push the release's container image to the account's registry (`wrangler containers push`), or mend its reference."
        }
        (_, "IMAGE_REGISTRY_NOT_CONFIGURED" | "IMAGE_REGISTRY_RETURNED_ERROR") => {
            "Cloudflare cannot read the release's container image: use registry.cloudflare.com, or configure the registry."
        }
        (_, "LOCATION_NOT_ALLOWED" | "JOB_CREATE_NOT_ALLOWED") => {
            "Containers are not enabled for this Cloudflare account."
        }
        _ if refusal.message.contains("access to Cloudflare Containers") => {
            "Containers come with the Workers Paid plan: subscribe to it (dashboard: Workers & Pages, Plans)."
        }
        _ if !refusal.from_api && refusal.status == 403 => {
            "A firewall before the Cloudflare API blocked the request. If it lasts, look for what resembles an attack in the upload."
        }
        _ if refusal.status == 429 => {
            "Nothing: the account's limit of API calls is used up; the plane waits and goes on by itself."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::cloudflare::Operation::*;
    use crate::cloudflare::testing::refused;

    #[test]
    fn advice_names_what_to_do() {
        for (operation, status, code, text, words) in [
            (BucketCreate, 403, 10042, "", "Enable R2"),
            (BucketCreate, 400, 10009, "", "buckets"),
            (BucketCreate, 403, 10000, "", "Workers R2 Storage Write"),
            (ScriptUpload, 403, 10000, "", "Workers Scripts Write"),
            (ApplicationCreate, 403, 10000, "", "Workers Containers Write"),
            (NamespaceList, 401, 0, "", "Workers Scripts Write"),
            (ScriptUpload, 400, 10063, "", "workers.dev subdomain"),
            (ScriptUpload, 400, 10021, "", "release"),
            (ApplicationCreate, 400, 0, "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE", "Push"),
            (BucketDelete, 409, 10008, "", "multipart uploads"),
            (ScriptUpload, 418, 0, "", "Cloudflare's message"),
        ] {
            let advice = refused(operation, status, code, text).advice();
            assert!(advice.contains(words), "{operation} {status} {code} {text}: {advice}");
        }
    }
}
