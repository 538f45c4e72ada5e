//! Random schedules of faults for streams of jobs, with everything on that makes a stream fast: adaptation, hedging,
//! merging, a rate limit, new addresses, pauses, cancellation, and resources that change meanwhile. Every sink ends with exactly the right bytes, or with an error, and then holds
//! a right beginning; and requests stay within policy.
//!
//! `CHAOS_SCHEDULES` says how many schedules to run (10 000 by default), `CHAOS_SEED` with which one to begin: a failure
//! names its seed, which repeats it.

use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;
use futures::{StreamExt, stream};
use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{
    Concurrency, Error, ErrorKind, Event, Expect, FetchOptions, Fetcher, Job, Merge, RateLimit,
    RefreshAddress, Request, RetryPolicy, Url,
};
use tokio::time::{sleep, timeout};

use crate::jobs::Shared;
use crate::{content, url};

const SCHEDULES: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn ten_thousand_schedules() {
    let count = number("CHAOS_SCHEDULES").unwrap_or(SCHEDULES);
    let first = number("CHAOS_SEED").unwrap_or(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (first..first + count).filter(|seed| seed % threads == thread) {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_time()
                        .start_paused(true)
                        .build()
                        .unwrap();
                    let checked = runtime.block_on(Schedule::new(seed).check());
                    assert_eq!(
                        checked,
                        Ok(()),
                        "repeat it with CHAOS_SCHEDULES=1 CHAOS_SEED={seed}"
                    );
                }
            });
        }
    });
}

/// One resource of the site.
struct Planned {
    path: String,
    content: Vec<u8>,
    /// What it has instead after this time.
    change: Option<(Duration, Resource)>,
}

/// One job, and what its sink held last.
#[derive(Clone)]
struct Wanted {
    resource: usize,
    range: Option<Range<u64>>,
    group: u64,
    priority: i32,
    sink: Shared,
}

struct Schedule {
    random: Rng,
    site: Site,
    resources: Vec<Planned>,
    jobs: Vec<Wanted>,
    /// How many faults were planned.
    faults: usize,
    options: FetchOptions,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        // The jitter of the retries too.
        fastrand::seed(seed);
        let mut schedule = Schedule {
            site: Site::new(),
            resources: Vec::new(),
            jobs: Vec::new(),
            faults: 0,
            options: options(&mut random),
            random,
        };
        for index in 0..schedule.random.usize(1..7) {
            schedule.plan(index);
        }
        if schedule.random.bool() {
            schedule.random.shuffle(&mut schedule.jobs);
        }
        schedule
    }

    /// Makes up a resource, its faults, and the jobs that want it or parts of it.
    fn plan(&mut self, index: usize) {
        let random = &mut self.random;
        let path = format!("/{index}");
        let length = random.usize(1..80_000);
        let content = content(length);
        let etag = random.u8(0..5) > 0;
        let ranges = random.u8(0..5) > 0;
        let resource = |body: Vec<u8>| {
            let whole = Resource::new(body);
            Resource {
                ranges,
                etag: whole.etag.clone().filter(|_| etag),
                ..whole
            }
        };
        self.site.route(&path, resource(content.clone()));
        let change = (random.u8(0..4) == 0).then(|| {
            let other = content.iter().map(|byte| byte ^ 0x10).collect();
            let after = Duration::from_millis(random.u64(0..10_000));
            (after, resource(other))
        });
        let faults: Vec<_> = (0..random.usize(0..8))
            .map(|_| fault(random, length as u64))
            // One tag for two contents is what nobody can see through.
            .filter(|fault| change.is_none() || !matches!(fault, Fault::Etag(_)))
            .collect();
        self.faults += faults.len() + usize::from(change.is_some());
        self.site.script(&path, faults);
        let (group, priority) = (random.u64(0..3), random.i32(-1..2));
        let job = |range| Wanted {
            resource: index,
            range,
            group,
            priority,
            sink: Shared::default(),
        };
        if random.bool() {
            self.jobs.push(job(None));
        } else {
            let step = length.div_ceil(random.usize(1..25)).max(1);
            for start in (0..length).step_by(step) {
                self.jobs
                    .push(job(Some(start as u64..(start + step).min(length) as u64)));
            }
        }
        self.resources.push(Planned {
            path,
            content,
            change,
        });
    }

    /// Runs the jobs, up to three times: all but the last time they are cancelled somewhere, and once they are paused.
    async fn check(mut self) -> Result<(), String> {
        let fetcher = Fetcher::with_service(self.site.clone(), self.options.clone());
        let mut left: Vec<usize> = (0..self.jobs.len()).collect();
        for last in (0..self.random.usize(1..4)).rev().map(|left| left == 0) {
            let jobs: Vec<_> = left.iter().map(|&tag| self.job(tag)).collect();
            let mut events = Box::pin(fetcher.fetch_all(stream::iter(jobs)));
            let control = events.control();
            let patience = if last {
                1_000_000_000
            } else {
                self.random.u64(0..20_000)
            };
            let pause = Duration::from_millis(self.random.u64(0..20_000));
            let mut ended = Vec::new();
            let mut changes = (self.random.u32(0..20), self.random.u64(..));
            let collecting = async {
                while let Some(event) = events.next().await {
                    if changes.0 > 0 {
                        changes = (changes.0 - 1, changes.1.rotate_left(7));
                        let bits = changes.1;
                        events
                            .as_mut()
                            .prioritize(|tag| i32::from(bits >> (tag % 64) & 1 == 1));
                    }
                    match event {
                        Event::Finished { tag, report, .. } => ended.push((tag, Ok(report.length))),
                        Event::Failed { tag, error, .. } => ended.push((tag, Err(error))),
                        _ => {}
                    }
                }
            };
            let pausing = async {
                tokio::time::sleep(pause).await;
                control.pause();
                tokio::time::sleep(pause).await;
                control.resume();
            };
            let changing = futures::future::join_all(self.resources.iter().filter_map(|planned| {
                let (after, resource) = planned.change.clone()?;
                let site = self.site.clone();
                Some(async move {
                    sleep(after).await;
                    site.route(&planned.path, resource);
                })
            }));
            let both = async { futures::join!(collecting, pausing, changing) };
            let whole = timeout(Duration::from_millis(patience), both).await.is_ok();
            let summary = events.summary();
            drop(events);
            if last && !(whole && ended.len() == left.len()) {
                return Err(format!("{} of {} jobs ended", ended.len(), left.len()));
            }
            if whole && summary.finished + summary.failed != ended.len() as u64 {
                return Err(format!("{summary:?} for {} jobs", ended.len()));
            }
            for (tag, result) in &ended {
                self.judge(*tag, result)?;
            }
            left.retain(|tag| {
                !ended
                    .iter()
                    .any(|(ended, result)| ended == tag && result.is_ok())
            });
            for &tag in &left {
                self.holds_a_right_beginning(tag)?;
            }
        }
        self.judge_requests()
    }

    fn job(&self, tag: usize) -> Job<usize, Shared> {
        let planned = &self.jobs[tag];
        let request = Request::get(url(&self.resources[planned.resource].path))
            .with_range(planned.range.clone())
            .with_expect(Expect {
                refuse_html: true,
                ..Expect::default()
            });
        Job::new(tag, request, planned.sink.clone())
            .with_group(planned.group)
            .with_priority(planned.priority)
    }

    /// What the job may come to: one of the versions, and never a mixture.
    fn wanted(&self, tag: usize) -> impl Iterator<Item = &[u8]> {
        let planned = &self.jobs[tag];
        let Planned {
            content, change, ..
        } = &self.resources[planned.resource];
        let changed = change.iter().map(|(_, resource)| &resource.body[..]);
        std::iter::once(&content[..])
            .chain(changed)
            .map(|content| match &planned.range {
                None => content,
                Some(range) => {
                    let place = |place| usize::try_from(place).unwrap();
                    &content[place(range.start)..place(range.end)]
                }
            })
    }

    fn judge(&self, tag: usize, result: &Result<u64, Error>) -> Result<(), String> {
        let held = self.jobs[tag].sink.bytes();
        match result {
            Ok(length)
                if *length == held.len() as u64
                    && self.wanted(tag).any(|wanted| held == wanted) =>
            {
                Ok(())
            }
            Ok(length) => Err(format!(
                "job {tag} has {} wrong bytes of {length}",
                held.len()
            )),
            // Without faults nothing may fail; with them, all but the sink may.
            Err(error) if self.faults == 0 || error.kind() == ErrorKind::Sink => {
                Err(format!("job {tag}: {error:?}"))
            }
            Err(_) => Ok(()),
        }
    }

    fn holds_a_right_beginning(&self, tag: usize) -> Result<(), String> {
        let held = self.jobs[tag].sink.bytes();
        if self.wanted(tag).any(|wanted| wanted.starts_with(&held)) {
            Ok(())
        } else {
            Err(format!("job {tag} holds {} wrong bytes", held.len()))
        }
    }

    /// A request more for each fault, for each hedge, and for each time that all was cancelled or paused, is all it takes.
    fn judge_requests(&self) -> Result<(), String> {
        let most = self.jobs.len() * (1 + 3 * 2) + self.jobs.len() * 2 * 3 + self.faults * 2;
        let requests = self.site.requests().len();
        if requests <= most {
            Ok(())
        } else {
            Err(format!("{requests} requests, more than {most}"))
        }
    }
}

fn options(random: &mut Rng) -> FetchOptions {
    FetchOptions {
        concurrency: Concurrency {
            start: random.usize(1..8),
            per_host: random.usize(1..17),
            per_group: random.usize(1..9),
            total: random.usize(1..17),
            look_ahead: random.usize(0..40),
            ..Concurrency::default()
        },
        retry: RetryPolicy {
            retries: random.u32(0..6),
            ..RetryPolicy::default()
        },
        rate_limit: random
            .bool()
            .then(|| RateLimit::new(random.u64(20_000..2_000_000))),
        hedging: random.u8(0..4) > 0,
        merge: (random.u8(0..5) > 0).then(|| Merge {
            longest: random.u64(1..80_000),
            bytes: random.u64(1..200_000),
            parts: random.usize(0..40),
            total: random.usize(0..100),
        }),
        refresh: random.bool().then(|| {
            RefreshAddress::new(|mut expired: Url| async move {
                sleep(Duration::from_millis(300)).await;
                expired.set_query(Some("new"));
                Some(expired)
            })
        }),
        ..FetchOptions::default()
    }
}

fn fault(random: &mut Rng, length: u64) -> Fault {
    let at = random.u64(0..=length);
    match random.u8(0..20) {
        0 | 1 => Fault::Cut(at),
        2 | 3 => Fault::Stall(at),
        4 | 5 => Fault::Drip {
            piece: random.usize(1..20_000),
            pause: Duration::from_millis(random.u64(1..30_000)),
        },
        6 => Fault::Reset,
        7 => Fault::AnnounceMore(random.u64(1..100)),
        8 => Fault::AnnounceFewer(random.u64(1..100)),
        9 => Fault::Status(*random.choice(&[404, 408, 500, 502, 204]).unwrap()),
        10 => Fault::Status(*random.choice(&[401, 403, 410]).unwrap()),
        11 => Fault::RetryAfter {
            status: *random.choice(&[429, 503]).unwrap(),
            value: random.u32(0..200).to_string(),
        },
        12 => Fault::IgnoreRange,
        13 => Fault::ShiftedRange,
        14 => Fault::ShortRange,
        15 => Fault::NoContentRange,
        16 => Fault::Multipart,
        17 => Fault::Etag(format!("\"other-{}\"", random.u8(0..3))),
        18 => random
            .choice([Fault::Gzip, Fault::Html])
            .unwrap_or(Fault::None),
        _ => Fault::Chunked,
    }
}
