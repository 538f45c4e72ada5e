//! What runs in a stream: one job, here, or [several](super::merged) with one request.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use tokio::sync::Notify;

use super::Waiting;
use super::neighbours::Part;
use super::telling::{Reporter, Signal, Teller};
use crate::run::Run;
use crate::{Fetcher, HttpService, Sink};

/// What no longer runs.
pub(super) struct Ended<T, K> {
    pub(super) number: u64,
    pub(super) outcome: Outcome<T, K>,
}

pub(super) enum Outcome<T, K> {
    /// A job told how it ended; `good`: as it should.
    Done { good: bool },
    /// A job was stopped, and goes on later.
    Paused(Box<Waiting<T, K>>),
    /// It was for several jobs; of these some have not ended. `good`: all went as it should.
    Shared { good: bool, left: Vec<Part<T, K>> },
}

/// What is given to all that runs by the stream it runs in.
pub(super) struct Context<T, K, P> {
    pub(super) teller: Teller<T, K>,
    /// Asks for a second request.
    pub(super) hedge: Arc<Notify>,
    /// Ready when everything is to stop.
    pub(super) paused: P,
}

pub(super) async fn run<S, T, K, P>(
    fetcher: Fetcher<S>,
    mut waiting: Waiting<T, K>,
    context: Context<T, K, P>,
) -> Ended<T, K>
where
    S: HttpService,
    T: Clone + Send,
    K: Sink,
    P: Future<Output = ()> + Send,
{
    let Context {
        teller,
        hedge,
        paused,
    } = context;
    let Fetcher { service, settings } = fetcher;
    let job = &mut waiting.job;
    let reporter = Reporter::new(teller.clone(), job.tag.clone());
    let run = Run::new(&settings, service, &job.request, reporter).hedged_by(hedge);
    let recorder = run.recorder();
    let outcome = match unless_paused(paused, run.run(&mut job.sink)).await {
        None => {
            teller.tell(Signal::Requests(recorder.requests()));
            Outcome::Paused(Box::new(waiting))
        }
        Some(result) => {
            let good = result.is_ok();
            teller.ended(waiting.job, result.map(|done| done.report));
            Outcome::Done { good }
        }
    };
    let number = teller.number();
    Ended { number, outcome }
}

/// What `work` comes to, if there is no pause before.
pub(super) async fn unless_paused<R>(
    paused: impl Future<Output = ()>,
    work: impl Future<Output = R>,
) -> Option<R> {
    match select(pin!(paused), pin!(work)).await {
        Either::Left(_) => None,
        Either::Right((result, _)) => Some(result),
    }
}
