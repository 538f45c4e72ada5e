//! Pausing and resuming from outside.

use std::sync::Arc;

use tokio::sync::watch;

/// Pauses and resumes a [`FetchAll`](crate::FetchAll) from anywhere. Clones control the same stream.
///
/// A pause stops everything at once: nothing new starts, requests in flight are given up, and their sinks stay where they
/// are. Resuming goes on from there, with a request for the rest under the validator held, so a pause may last as long as
/// it likes. What has no validator starts again. No time passes for a paused job's
/// [`total_timeout`](crate::Expect::total_timeout), and its retries are counted anew.
#[derive(Debug, Clone)]
pub struct Control {
    paused: Arc<watch::Sender<bool>>,
}

impl Control {
    pub(crate) fn new() -> Self {
        Control {
            paused: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Stops everything until [`resume`](Control::resume).
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Ready when it is paused, or is not.
    pub(crate) fn wait(&self, paused: bool) -> impl Future<Output = ()> + Send + use<> {
        let mut receiver = self.paused.subscribe();
        async move {
            // The sender lives as long as the stream that waits.
            let _ = receiver.wait_for(|&now| now == paused).await;
        }
    }
}
