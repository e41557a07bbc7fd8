//! What is under way, and whose turn it is. No runtime: a future is polled when the run says so, and dropped when the
//! process that ran it is to be gone.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::future::LocalBoxFuture;
use http::StatusCode;
use paramita::reconcile::Report;
use paramita::registry;

use crate::watch::{TaskId, Watch};

/// Polls after which whatever still runs is taken to run for ever.
const MOST_POLLS: usize = 200_000;

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub text: String,
}

/// What came of a task.
pub enum Done {
    Answer(Answer),
    Changed(Result<(), registry::Error>),
    Rounds(Vec<Result<Option<Report>, registry::Error>>),
}

struct Task {
    id: TaskId,
    future: LocalBoxFuture<'static, Done>,
}

/// Everything under way.
pub struct Tasks {
    watch: Arc<Watch>,
    next: TaskId,
    running: Vec<Task>,
}

impl Tasks {
    pub fn new(watch: Arc<Watch>) -> Self {
        Self { watch, next: 0, running: Vec::new() }
    }

    /// Sets a task going; it gets nowhere until it is polled.
    pub fn start(&mut self, future: LocalBoxFuture<'static, Done>) -> TaskId {
        self.next += 1;
        self.running.push(Task { id: self.next, future });
        self.next
    }

    /// Gone, in the middle of whatever they did.
    pub fn vanish(&mut self) -> usize {
        std::mem::take(&mut self.running).len()
    }

    /// Polls one task; what came of it, if it is done.
    pub fn poll(&mut self, id: TaskId) -> Option<Done> {
        let at = self.running.iter().position(|task| task.id == id)?;
        self.watch.turn_of(id);
        match self.running[at].future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => {
                drop(self.running.remove(at));
                Some(done)
            }
            Poll::Pending => None,
        }
    }

    /// Polls any of all so many times.
    pub fn go(&mut self, polls: usize) -> Vec<Done> {
        let mut done = Vec::new();
        for _ in 0..polls {
            if self.running.is_empty() {
                break;
            }
            let id = self.running[self.watch.choose(self.running.len())].id;
            done.extend(self.poll(id));
        }
        done
    }

    /// Polls these in any order until all are done, and now and then one of the others. The outcomes of these first.
    pub fn finish(&mut self, ids: &[TaskId]) -> Result<(Vec<Done>, Vec<Done>), String> {
        let (mut outcomes, mut others) = (Vec::new(), Vec::new());
        let mut left = ids.to_vec();
        for _ in 0..MOST_POLLS {
            if left.is_empty() {
                return Ok((outcomes, others));
            }
            if self.running.len() > left.len() && self.watch.choose(4) == 0 {
                let rest: Vec<TaskId> =
                    self.running.iter().map(|task| task.id).filter(|id| !left.contains(id)).collect();
                others.extend(self.poll(rest[self.watch.choose(rest.len())]));
                continue;
            }
            let at = self.watch.choose(left.len());
            if let Some(done) = self.poll(left[at]) {
                outcomes.push(done);
                left.remove(at);
            }
        }
        Err("something runs for ever".into())
    }

    /// Until nothing is under way any more.
    pub fn finish_all(&mut self) -> Result<Vec<Done>, String> {
        let ids: Vec<TaskId> = self.running.iter().map(|task| task.id).collect();
        let (mut done, others) = self.finish(&ids)?;
        done.extend(others);
        Ok(done)
    }
}
