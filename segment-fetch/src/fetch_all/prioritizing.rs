//! Jobs that wait get other priorities.

use std::pin::Pin;

use futures::Stream;

use super::{Driver, FetchAll};
use crate::{HttpService, Sink};

impl<S, J, T, K> FetchAll<S, J, T, K>
where
    S: HttpService,
    J: Stream,
    T: Clone + Send + 'static,
    K: Sink + 'static,
{
    /// Gives the jobs that wait the priorities that their tags have now. What runs goes on, and what is not taken from the stream
    /// of jobs yet has the priority it comes with.
    ///
    /// Jobs of the same priority stay in the order in which they came.
    pub fn prioritize(self: Pin<&mut Self>, priority: impl FnMut(&T) -> i32) {
        self.project().driver.prioritize(priority);
    }
}

impl<S, T, K> Driver<S, T, K>
where
    S: HttpService,
    T: Clone + Send + 'static,
    K: Sink + 'static,
{
    fn prioritize(&mut self, mut priority: impl FnMut(&T) -> i32) {
        let places = self.schedule.queue().places();
        let mut changed = false;
        let mut wanted = Vec::with_capacity(places.len());
        for &place in &places {
            if let Some(waiting) = self.schedule.get_mut(place) {
                let priority = priority(&waiting.job.tag);
                changed |= priority != waiting.job.priority;
                wanted.push((place, priority));
            }
        }
        if !changed {
            return;
        }
        // All of them, so that they keep their order.
        for (place, priority) in wanted {
            self.waits_no_more_at(place);
            if let Some(mut waiting) = self.schedule.take(place) {
                waiting.job.priority = priority;
                self.push(waiting);
            }
        }
    }
}
