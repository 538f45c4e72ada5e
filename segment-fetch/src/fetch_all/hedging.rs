//! When a slow request is worth a second one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::Driver;
use crate::{HttpService, Sink};

/// How many ended jobs are remembered.
const REMEMBERED: usize = 32;
/// With fewer there is no saying what is slow.
const ENOUGH: usize = 3;
/// So many times slower than the others is slow.
const SLOWER: u32 = 3;
/// Nothing is slow before this.
const LEAST: Duration = Duration::from_secs(1);
/// How often a job may be hedged.
const HEDGES: u32 = 2;

/// How fast jobs were, and when to look at those that run.
#[derive(Default)]
pub(super) struct Hedging {
    ended: VecDeque<(Duration, u64)>,
    look: Option<Pin<Box<Sleep>>>,
}

impl Hedging {
    /// A job ended after `took`, with so many bytes.
    pub(super) fn learn(&mut self, took: Duration, bytes: u64) {
        if self.ended.len() == REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back((took, bytes));
    }

    /// After how long, and below how many bytes a second, a job is slow.
    fn slow(&self) -> Option<(Duration, f64)> {
        if self.ended.len() < ENOUGH {
            return None;
        }
        let mut times: Vec<_> = self.ended.iter().map(|&(took, _)| took).collect();
        times.sort_unstable();
        let mut paces: Vec<_> = self
            .ended
            .iter()
            .map(|&(took, bytes)| pace(bytes, took))
            .collect();
        paces.sort_unstable_by(f64::total_cmp);
        let time = times
            .get(times.len() / 2)?
            .saturating_mul(SLOWER)
            .max(LEAST);
        let pace = paces.get(paces.len() / 2)? / f64::from(SLOWER);
        Some((time, pace))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a pace is compared, not counted"
)]
fn pace(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64().max(0.001)
}

impl<S, T, K> Driver<S, T, K>
where
    S: HttpService,
    T: Clone + Send + 'static,
    K: Sink + 'static,
{
    /// Asks slow jobs for a second request when nothing waits, and sees to it that this is polled again in time.
    pub(super) fn poll_hedging(&mut self, context: &mut Context<'_>) {
        let idle = self.fetcher.options().hedging
            && self.schedule.queue().is_empty()
            && !self.under_way.is_empty();
        let Some((time, slow)) = self.hedging.slow().filter(|_| idle) else {
            self.hedging.look = None;
            return;
        };
        loop {
            if let Some(look) = self.hedging.look.as_mut()
                && look.as_mut().poll(context).is_pending()
            {
                return;
            }
            let now = self.now();
            let mut next: Option<Duration> = None;

            for under_way in self.under_way.values_mut() {
                if under_way.hedging || under_way.hedges >= HEDGES {
                    continue;
                }
                let elapsed = now.saturating_sub(under_way.began);
                // Twice as long for a second time.
                let due = time.saturating_mul(1 + under_way.hedges);
                let wait = if elapsed < due {
                    due.saturating_sub(elapsed)
                } else if pace(under_way.received, elapsed) < slow
                    && self.schedule.run_besides(under_way.place, now)
                {
                    under_way.hedging = true;
                    under_way.hedges += 1;
                    under_way.hedge.notify_one();
                    continue;
                } else {
                    // Fast enough so far.
                    LEAST
                };
                next = Some(next.map_or(wait, |next| next.min(wait)));
            }
            let Some(wait) = next else {
                self.hedging.look = None;
                return;
            };
            self.hedging.look = Some(Box::pin(sleep(wait.max(Duration::from_millis(10)))));
        }
    }

    /// There is no second request any more.
    pub(super) fn hedge_ended(&mut self, number: u64) {
        let now = self.now();
        if let Some(under_way) = self.under_way.get_mut(&number)
            && std::mem::take(&mut under_way.hedging)
        {
            self.schedule.ended(under_way.place, now, false);
        }
    }
}
