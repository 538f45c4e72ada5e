//! Which job runs when: a queue and windows, without I/O and without a clock.
//!
//! A [`Schedule`] is told what waits and what happens, and says what to start. [`FetchAll`](crate::FetchAll) drives one;
//! another client can use it as well. Times are counted from wherever the caller likes.
//!
//! ```
//! use std::time::Duration;
//! use segment_fetch::Concurrency;
//! use segment_fetch::schedule::Schedule;
//!
//! let mut schedule = Schedule::new(&Concurrency { start: 2, ..Concurrency::default() });
//! let host = "https://cdn.example.com".parse::<url::Url>()?.origin();
//! for (group, name) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1")] {
//!     schedule.push(&host, group, 0, name);
//! }
//! let (first, name) = schedule.start(Duration::ZERO).unwrap();
//! assert_eq!(name, "a1");
//! let (_, name) = schedule.start(Duration::ZERO).unwrap();
//! assert_eq!(name, "b1", "groups take turns");
//! assert!(schedule.start(Duration::ZERO).is_none(), "two are in flight");
//! schedule.ended(first, Duration::from_millis(80), true);
//! assert!(schedule.start(Duration::from_millis(80)).is_some());
//! # Ok::<(), url::ParseError>(())
//! ```

mod queue;
mod window;

use std::collections::HashMap;
use std::time::Duration;

use url::Origin;

pub use queue::{Place, Queue};
pub use window::Window;

use crate::Concurrency;

/// Beyond so many hosts, what was learnt about those that are idle is forgotten.
const HOSTS: usize = 1024;

/// A [`Queue`] with a [`Window`] for each host.
#[derive(Debug)]
pub struct Schedule<J> {
    concurrency: Concurrency,
    queue: Queue<J>,
    windows: Vec<Window>,
    numbers: HashMap<Origin, usize>,
    /// Numbers of hosts that were forgotten.
    unused: Vec<usize>,
}

impl<J> Schedule<J> {
    /// Nothing waits and nothing was learnt.
    pub fn new(concurrency: &Concurrency) -> Self {
        Schedule {
            concurrency: concurrency.clone(),
            queue: Queue::new(concurrency.total, concurrency.per_group),
            windows: Vec::new(),
            numbers: HashMap::new(),
            unused: Vec::new(),
        }
    }

    /// What waits, to be looked at.
    pub fn queue(&self) -> &Queue<J> {
        &self.queue
    }

    /// A job that waits.
    pub fn get_mut(&mut self, place: Place) -> Option<&mut J> {
        self.queue.get_mut(place)
    }

    /// Adds a job behind those of its group and priority.
    pub fn push(&mut self, host: &Origin, group: u64, priority: i32, job: J) -> Place {
        let host = self.number(host);
        self.queue.push(host, group, priority, job)
    }

    /// Adds a job where it was taken from; [`ended`](Schedule::ended) has to be called for that
    /// afterwards.
    pub fn put_back(&mut self, place: Place, job: J) {
        self.queue.put_back(place, job);
    }

    /// Takes a job that waits from its place, to run with another that runs already.
    ///
    /// While that runs, it can be [put back](Schedule::put_back).
    pub fn take(&mut self, place: Place) -> Option<J> {
        self.queue.take(place)
    }

    /// Takes the next job that may run now.
    pub fn start(&mut self, now: Duration) -> Option<(Place, J)> {
        let (place, job) = self.queue.pop()?;
        self.started(place, now);
        Some((place, job))
    }

    /// Counts one more for `place`, besides what runs there, if there is room.
    pub fn run_besides(&mut self, place: Place, now: Duration) -> bool {
        let room = self.queue.run_besides(place);
        if room {
            self.started(place, now);
        }
        room
    }

    /// How many requests may be in flight at the host of `place`.
    pub fn window_at(&self, place: Place) -> usize {
        self.windows.get(place.host()).map_or(0, Window::size)
    }

    /// Bytes came for what runs at `place`.
    pub fn received(&mut self, place: Place, now: Duration, bytes: u64) {
        self.learn(place, |window| window.received(now, bytes));
    }

    /// What runs at `place` was refused for now, or its connection broke; it was sent at `began`.
    pub fn congested(&mut self, place: Place, now: Duration, began: Duration) {
        self.learn(place, |window| window.congested(now, began));
    }

    /// The host of `place` takes many requests on one connection.
    pub fn multiplexed(&mut self, place: Place) {
        let most = self.concurrency.per_host_multiplexed;
        self.learn(place, |window| window.set_most(most));
    }

    /// What ran at `place` has ended. `good`: as it should, so that its pace counts.
    pub fn ended(&mut self, place: Place, now: Duration, good: bool) {
        if good {
            self.learn(place, |window| window.ended(now));
        }
        self.queue.ended(place);
    }

    fn started(&mut self, place: Place, now: Duration) {
        let in_flight = self.queue.running_at(place.host());
        if let Some(window) = self.windows.get_mut(place.host()) {
            window.started(now, in_flight);
        }
    }

    fn learn(&mut self, place: Place, learn: impl FnOnce(&mut Window)) {
        if let Some(window) = self.windows.get_mut(place.host()) {
            let before = window.size();
            learn(window);
            if window.size() != before {
                self.queue.set_room(place.host(), window.size());
            }
        }
    }

    fn number(&mut self, host: &Origin) -> usize {
        if let Some(&number) = self.numbers.get(host) {
            return number;
        }
        if self.numbers.len() >= HOSTS {
            self.forget_idle();
        }
        let window = self.concurrency.window();
        let number = match self.unused.pop() {
            Some(number) => number,
            None => self.queue.add_host(0),
        };
        self.queue.set_room(number, window.size());
        match self.windows.get_mut(number) {
            Some(forgotten) => *forgotten = window,
            None => self.windows.push(window),
        }
        self.numbers.insert(host.clone(), number);
        number
    }

    fn forget_idle(&mut self) {
        let (queue, unused) = (&self.queue, &mut self.unused);
        self.numbers.retain(|_, &mut number| {
            let busy = queue.is_busy(number);
            if !busy {
                unused.push(number);
            }
            busy
        });
    }
}
