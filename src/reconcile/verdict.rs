//! What the failure of a step means for its round and for the ledger. Pure.

use super::execute::StepError;
use super::step::Step;
use crate::cloudflare::Verdict;
use crate::tenant::ResourceKind;

/// What a failed step means for the round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setback {
    /// What was to be created exists, or may exist: look whose it is, and go on.
    Taken {
        /// What is in the way when looking does not help.
        otherwise: Obstacle,
    },
    /// The round cannot go on.
    Blocked(Obstacle),
}

/// What is in a round's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It may pass: try again later.
    Passing {
        /// For people.
        message: String,
        /// Seconds that Cloudflare asks to wait.
        retry_after_s: Option<u32>,
    },
    /// Cloudflare does not take the plane's own token: every tenant is concerned, and only the operator can help.
    Unauthorized {
        /// For people.
        message: String,
    },
    /// It will not pass: a person has to act.
    Lasting {
        /// In one CamelCase word.
        reason: &'static str,
        /// For people, with the next thing to do.
        message: String,
    },
}

/// Judges the failure of `step`.
pub fn judge(step: &Step, error: &StepError) -> Setback {
    let obstacle = obstacle(step, error);
    if is_about_a_name(step, error) { Setback::Taken { otherwise: obstacle } } else { Setback::Blocked(obstacle) }
}

fn obstacle(step: &Step, error: &StepError) -> Obstacle {
    let lasting = |reason, advice: &str| Obstacle::Lasting { reason, message: format!("{error}. {advice}") };
    match error {
        StepError::NameTaken { .. } => {
            lasting("NameTaken", "Delete it, or delete this tenant and sign up under another name.")
        }
        StepError::NamespaceTaken(_) => lasting(
            "NameTaken",
            "Delete the class that it belongs to, or delete this tenant and sign up under another name.",
        ),
        StepError::Unreadable(_) => lasting("SecretUnreadable", "The operator may have changed the sealing key."),
        StepError::Release { .. } => lasting("ReleaseUnusable", "The operator has to publish a release that is whole."),
        StepError::Store(message) => Obstacle::Passing { message: message.clone(), retry_after_s: None },
        StepError::Call(call) => {
            let said = call.to_string();
            let message = format!("{}: {}. {}", step.kind(), said.trim_end_matches('.'), call.advice());
            match call.verdict() {
                Verdict::Later { retry_after_s } => Obstacle::Passing { message, retry_after_s },
                Verdict::Unauthorized => Obstacle::Unauthorized { message },
                Verdict::Never => Obstacle::Lasting { reason: "CloudflareRefused", message },
                Verdict::Taken
                | Verdict::Missing
                | Verdict::LookAgain
                | Verdict::NotEmpty
                | Verdict::S3Unusable
                | Verdict::Done => Obstacle::Passing { message, retry_after_s: None },
            }
        }
    }
}

/// Cloudflare said that the name is in use; or, of an application, it may have said so: with which code it refuses one
/// whose name is in use is not documented.
fn is_about_a_name(step: &Step, error: &StepError) -> bool {
    let StepError::Call(call) = error else { return false };
    match call.verdict() {
        Verdict::Taken => true,
        Verdict::Never => matches!(step, Step::CreateApplication),
        _ => false,
    }
}

/// The resources of which nothing is known after `step` failed with `error`. Those that it touches, unless Cloudflare
/// said no before acting; and what it builds upon, when that turns out to be missing.
pub fn unknown_after(step: &Step, error: &StepError) -> Vec<ResourceKind> {
    let StepError::Call(call) = error else { return Vec::new() };
    let mut unknown = Vec::new();
    let verdict = call.verdict();
    let is_picture_wrong = matches!(verdict, Verdict::LookAgain | Verdict::Missing) || is_about_a_name(step, error);
    if call.may_have_acted() || is_picture_wrong {
        unknown.extend_from_slice(step.touches());
    }
    if verdict == Verdict::Missing {
        let builds_upon = match step {
            Step::DeployScript { .. } | Step::EmptyBucket | Step::DeleteBucket => ResourceKind::Bucket,
            Step::ModifyApplication | Step::RollOut => ResourceKind::Application,
            _ => ResourceKind::Script,
        };
        if !unknown.contains(&builds_upon) {
            unknown.push(builds_upon);
        }
    }
    unknown
}

impl Setback {
    /// Of several in one stage, which one decides: the one that people have to know of first.
    pub fn weight(&self) -> u8 {
        match self {
            Self::Taken { .. } => 0,
            Self::Blocked(Obstacle::Passing { .. }) => 1,
            Self::Blocked(Obstacle::Unauthorized { .. }) => 2,
            Self::Blocked(Obstacle::Lasting { .. }) => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::{Error, ErrorKind, Operation, Refusal, TransportError};
    use crate::tenant::ResourceKind::{Application, Bucket, Route, Schedule, Script};
    use crate::tenant::SecretName;

    const DEPLOY: Step = Step::DeployScript { secrets: Vec::new() };
    const PUSH: Step = Step::PushSecrets { set: Vec::new(), remove: Vec::new() };

    fn call(operation: Operation, kind: ErrorKind) -> StepError {
        StepError::Call(Error { operation, kind })
    }

    fn lost(operation: Operation) -> StepError {
        call(operation, ErrorKind::NoReply(TransportError::TimedOut))
    }

    fn refused(operation: Operation, status: u16, code: u32) -> StepError {
        let refusal = Refusal {
            status,
            code: Some(code),
            message: "Cloudflare's words".into(),
            from_api: true,
            ..Refusal::default()
        };
        call(operation, ErrorKind::Refused(refusal))
    }

    fn told_to_wait(operation: Operation, status: u16, seconds: u32) -> StepError {
        let refusal = Refusal { status, retry_after_s: Some(seconds), from_api: true, ..Refusal::default() };
        call(operation, ErrorKind::Refused(refusal))
    }

    fn kind_of(setback: &Setback) -> String {
        match setback {
            Setback::Taken { otherwise } => format!("taken, or else {}", obstacle_kind(otherwise)),
            Setback::Blocked(obstacle) => obstacle_kind(obstacle),
        }
    }

    fn obstacle_kind(obstacle: &Obstacle) -> String {
        match obstacle {
            Obstacle::Passing { retry_after_s: None, .. } => "passing".into(),
            Obstacle::Passing { retry_after_s: Some(seconds), .. } => format!("passing in {seconds}"),
            Obstacle::Unauthorized { .. } => "unauthorized".into(),
            Obstacle::Lasting { reason, .. } => format!("lasting: {reason}"),
        }
    }

    fn message_of(setback: &Setback) -> &str {
        let (Setback::Taken { otherwise: obstacle } | Setback::Blocked(obstacle)) = setback;
        match obstacle {
            Obstacle::Passing { message, .. }
            | Obstacle::Unauthorized { message }
            | Obstacle::Lasting { message, .. } => message,
        }
    }

    fn check(cases: Vec<(Step, StepError, &str, &[ResourceKind])>) {
        for (step, error, obstacle, unknown) in cases {
            assert_eq!(kind_of(&judge(&step, &error)), obstacle, "{step:?}: {error:?}");
            assert_eq!(unknown_after(&step, &error), unknown, "{step:?}: {error:?}");
        }
    }

    #[test]
    fn after_a_lost_reply_nobody_knows_how_what_the_step_touches_stands() {
        use Operation::*;
        check(vec![
            (Step::CreateBucket, lost(BucketCreate), "passing", &[Bucket]),
            (DEPLOY, lost(ScriptUpload), "passing", &[Script]),
            (Step::CreateApplication, lost(ApplicationCreate), "passing", &[Application]),
            (Step::ModifyApplication, lost(ApplicationModify), "passing", &[Application]),
            (Step::RollOut, lost(RolloutCreate), "passing", &[Application]),
            (Step::EnableRoute, lost(ScriptSubdomainSet), "passing", &[Route]),
            (Step::SetSchedule, lost(SchedulesPut), "passing", &[Schedule]),
            (Step::DeleteApplication, lost(ApplicationDelete), "passing", &[Application]),
            (Step::DeleteScript, lost(ScriptDelete), "passing", &[Script, Route, Schedule]),
            (Step::DeleteBucket, lost(BucketDelete), "passing", &[Bucket]),
        ]);
    }

    #[test]
    fn a_step_that_only_reads_or_can_be_done_again_makes_nothing_unknown() {
        use Operation::*;
        check(vec![
            (Step::Look(Bucket), lost(BucketGet), "passing", &[]),
            (Step::ClaimScript, lost(ServiceGet), "passing", &[]),
            (Step::StageAssets, lost(AssetsUpload), "passing", &[]),
            (Step::EmptyBucket, lost(ObjectsDelete), "passing", &[]),
            (PUSH, lost(SecretsPatch), "passing", &[]),
        ]);
    }

    #[test]
    fn a_success_that_cannot_be_read_counts_as_a_lost_reply() {
        let unreadable = ErrorKind::Unreadable { status: 200, message: "no id".into() };
        check(vec![(
            Step::CreateApplication,
            call(Operation::ApplicationCreate, unreadable),
            "passing",
            &[Application],
        )]);
    }

    #[test]
    fn a_refusal_before_acting_leaves_the_ledger_as_it_was() {
        use Operation::*;
        check(vec![
            (DEPLOY, told_to_wait(ScriptUpload, 429, 30), "passing in 30", &[]),
            (DEPLOY, refused(ScriptUpload, 400, 10021), "lasting: CloudflareRefused", &[]),
            (Step::CreateBucket, refused(BucketCreate, 403, 10042), "lasting: CloudflareRefused", &[]),
            (Step::CreateBucket, refused(BucketCreate, 403, 10000), "unauthorized", &[]),
            (Step::EnableRoute, refused(ScriptSubdomainSet, 401, 10000), "unauthorized", &[]),
            // The container API does not know the class yet.
            (Step::CreateApplication, refused(ApplicationCreate, 404, 1609), "passing", &[]),
            (
                Step::SetSchedule,
                call(SchedulesPut, ErrorKind::Unsendable("empty".into())),
                "lasting: CloudflareRefused",
                &[],
            ),
        ]);
    }

    #[test]
    fn a_failure_of_the_far_side_may_have_acted() {
        use Operation::*;
        check(vec![
            (DEPLOY, told_to_wait(ScriptUpload, 503, 5), "passing in 5", &[Script]),
            (Step::CreateBucket, refused(BucketCreate, 500, 10001), "passing", &[Bucket]),
            (Step::DeleteScript, refused(ScriptDelete, 500, 10013), "passing", &[Script, Route, Schedule]),
        ]);
    }

    #[test]
    fn what_is_taken_is_looked_at() {
        use Operation::*;
        check(vec![
            (Step::CreateBucket, refused(BucketCreate, 409, 10004), "taken, or else passing", &[Bucket]),
            (Step::CreateApplication, refused(ApplicationCreate, 400, 1608), "taken, or else passing", &[Application]),
        ]);
    }

    #[test]
    fn an_application_refused_for_an_unknown_reason_is_looked_at_before_a_person_is_asked() {
        check(vec![(
            Step::CreateApplication,
            refused(Operation::ApplicationCreate, 400, 1000),
            "taken, or else lasting: CloudflareRefused",
            &[Application],
        )]);
    }

    #[test]
    fn a_picture_that_proves_out_of_date_is_looked_at_again() {
        use Operation::*;
        check(vec![
            (DEPLOY, refused(ScriptUpload, 412, 10079), "passing", &[Script]),
            (Step::ModifyApplication, refused(ApplicationModify, 409, 0), "passing", &[Application]),
        ]);
    }

    #[test]
    fn what_a_step_builds_upon_and_does_not_find_is_looked_at_once() {
        use Operation::*;
        check(vec![
            (DEPLOY, refused(ScriptUpload, 400, 10085), "passing", &[Script, Bucket]),
            (PUSH, refused(SecretsPatch, 404, 10007), "passing", &[Script]),
            (Step::StageAssets, refused(AssetsSession, 404, 10007), "passing", &[Script]),
            (Step::EnableRoute, refused(ScriptSubdomainSet, 404, 10007), "passing", &[Route, Script]),
            (Step::SetSchedule, refused(SchedulesPut, 404, 10007), "passing", &[Schedule, Script]),
            (Step::ModifyApplication, refused(ApplicationModify, 404, 1609), "passing", &[Application]),
            (Step::RollOut, refused(RolloutCreate, 404, 1609), "passing", &[Application]),
            (Step::EmptyBucket, refused(ObjectList, 404, 10006), "passing", &[Bucket]),
        ]);
    }

    #[test]
    fn troubles_that_are_not_a_calls_change_nothing_in_the_ledger() {
        let taken = StepError::NameTaken { kind: Script, name: "paramita-cloud-alice".into() };
        let unreadable = StepError::Unreadable(SecretName::parse("A").unwrap());
        let release = StepError::Release { release: "rel_1".into(), detail: "binding".into() };
        check(vec![
            (Step::ClaimScript, taken, "lasting: NameTaken", &[]),
            (DEPLOY, unreadable, "lasting: SecretUnreadable", &[]),
            (DEPLOY, release, "lasting: ReleaseUnusable", &[]),
            (DEPLOY, StepError::Store("away".into()), "passing", &[]),
        ]);
    }

    #[test]
    fn a_message_names_the_step_or_the_resource_what_was_said_and_what_to_do() {
        let refused = judge(&Step::CreateBucket, &refused(Operation::BucketCreate, 403, 10042));
        assert_eq!(
            message_of(&refused),
            "create_bucket: r2.bucket.create: status 403, code 10042: Cloudflare's words. \
             Enable R2 on the Cloudflare account (dashboard: R2, then choose the plan)."
        );
        let taken = StepError::NameTaken { kind: Bucket, name: "moltbot-data-alice".into() };
        assert_eq!(
            message_of(&judge(&Step::Look(Bucket), &taken)),
            "the bucket \"moltbot-data-alice\" exists in the Cloudflare account and is not this tenant's. \
             Delete it, or delete this tenant and sign up under another name."
        );
    }

    #[test]
    fn of_several_setbacks_the_one_that_needs_a_person_decides() {
        let message = String::new;
        let ascending = [
            Setback::Taken { otherwise: Obstacle::Lasting { reason: "CloudflareRefused", message: message() } },
            Setback::Blocked(Obstacle::Passing { message: message(), retry_after_s: None }),
            Setback::Blocked(Obstacle::Unauthorized { message: message() }),
            Setback::Blocked(Obstacle::Lasting { reason: "CloudflareRefused", message: message() }),
        ];
        assert!(ascending.is_sorted_by(|lighter, heavier| lighter.weight() < heavier.weight()));
    }
}
