//! The queue and the windows, as laws: bounds, order, turns, and that nothing waits that could run.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use segment_fetch::Concurrency;
use segment_fetch::schedule::{Place, Queue, Schedule, Window};

/// What is done to a queue.
#[derive(Debug, Clone)]
enum Step {
    Push {
        host: usize,
        group: u64,
        priority: i32,
    },
    Pop,
    End(usize),
    Room {
        host: usize,
        room: usize,
    },
    PutBack(usize),
    Besides(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_usize..3, 0_u64..4, -1_i32..2).prop_map(|(host, group, priority)| Step::Push { host, group, priority }),
        6 => Just(Step::Pop),
        4 => any::<usize>().prop_map(Step::End),
        1 => (0_usize..3, 0_usize..5).prop_map(|(host, room)| Step::Room { host, room }),
        1 => any::<usize>().prop_map(Step::PutBack),
        1 => any::<usize>().prop_map(Step::Besides),
    ]
}

/// The same as the queue, looked through from the start each time.
struct Model {
    total: usize,
    per_group: usize,
    rooms: [usize; 3],
    waiting: Vec<(Place, usize)>,
    running: Vec<(Place, Option<usize>)>,
}

impl Model {
    fn at_host(&self, host: usize) -> usize {
        self.running
            .iter()
            .filter(|(place, _)| place.host() == host)
            .count()
    }

    fn of_group(&self, group: u64) -> usize {
        self.running
            .iter()
            .filter(|(place, _)| place.group() == group)
            .count()
    }

    fn has_room(&self, place: Place) -> bool {
        self.running.len() < self.total
            && self.at_host(place.host()) < self.rooms[place.host()]
            && self.of_group(place.group()) < self.per_group
    }
}

proptest! {
    /// Nothing runs beyond a bound; what may run does, the highest priority first, and in order within a group and host.
    #[test]
    fn bounds_are_kept_and_nothing_waits_that_could_run(
        total in 1_usize..8, per_group in 1_usize..5, steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut queue = Queue::new(total, per_group);
        let mut model = Model { total, per_group, rooms: [2, 3, 1], waiting: Vec::new(), running: Vec::new() };
        for room in model.rooms {
            queue.add_host(room);
        }
        let mut names = 0;
        for step in steps {
            match step {
                Step::Push { host, group, priority } => {
                    model.waiting.push((queue.push(host, group, priority, names), names));
                    names += 1;
                }
                Step::Pop => match queue.pop() {
                    None => prop_assert!(model.waiting.iter().all(|&(place, _)| !model.has_room(place)), "one could run"),
                    Some((place, name)) => {
                        let index = model.waiting.iter().position(|&(_, waiting)| waiting == name).unwrap();
                        prop_assert!(model.has_room(place), "a bound is broken");
                        for &(other, earlier) in &model.waiting {
                            prop_assert!(other.priority() <= place.priority() || !model.has_room(other), "a higher priority waits");
                            let same = (other.host(), other.group(), other.priority()) == (place.host(), place.group(), place.priority());
                            prop_assert!(!same || earlier >= name, "one came before it");
                        }
                        let (waited, _) = model.waiting.remove(index);
                        prop_assert_eq!(waited, place);
                        model.running.push((place, Some(name)));
                    }
                },
                Step::End(which) => if !model.running.is_empty() {
                    let (place, _) = model.running.swap_remove(which % model.running.len());
                    queue.ended(place);
                },
                Step::Room { host, room } => {
                    model.rooms[host] = room;
                    queue.set_room(host, room);
                }
                Step::PutBack(which) => if !model.running.is_empty() {
                    let index = which % model.running.len();
                    if let (place, Some(name)) = model.running[index] {
                        model.running.swap_remove(index);
                        queue.put_back(place, name);
                        queue.ended(place);
                        model.waiting.push((place, name));
                    }
                },
                Step::Besides(which) => if !model.running.is_empty() {
                    let (place, _) = model.running[which % model.running.len()];
                    let room = model.has_room(place);
                    prop_assert_eq!(queue.run_besides(place), room);
                    if room {
                        model.running.push((place, None));
                    }
                },
            }
            prop_assert_eq!((queue.len(), queue.running()), (model.waiting.len(), model.running.len()));
            for host in 0..3 {
                prop_assert_eq!(queue.running_at(host), model.at_host(host));
            }
        }
    }

    /// While several groups of one priority wait, none is served twice before the others are served once.
    #[test]
    fn groups_take_turns(sizes in proptest::collection::vec(1_usize..30, 2..6), late in 0_usize..40) {
        let mut queue = Queue::new(1, 1);
        let host = queue.add_host(1);
        let mut left: HashMap<u64, usize> = HashMap::new();
        for (group, &size) in sizes.iter().enumerate() {
            left.insert(group as u64, size);
            for _ in 0..size {
                queue.push(host, group as u64, 0, ());
            }
        }
        let mut served: HashMap<u64, usize> = HashMap::new();
        let mut count = 0;
        while let Some((place, ())) = queue.pop() {
            queue.ended(place);
            let group = place.group();
            *left.get_mut(&group).unwrap() -= 1;
            let turns = served.entry(group).or_default();
            *turns += 1;
            let turns = *turns;
            for (other, &waiting) in &left {
                let theirs = served.get(other).copied().unwrap_or_default();
                prop_assert!(waiting == 0 || *other == 99 || group == 99 || turns <= theirs + 1, "{group} goes before {other}");
            }
            count += 1;
            if count == late {
                // A newcomer is served within one turn of all.
                queue.push(host, 99, 0, ());
                left.insert(99, 1);
            }
            if left.get(&99) == Some(&1) {
                prop_assert!(count <= late + sizes.len() + 1, "a newcomer waits too long");
            }
        }
        prop_assert!(left.values().all(|&waiting| waiting == 0));
    }

    /// Whatever happens, a window stays between one and the most.
    #[test]
    fn a_window_stays_within_its_bounds(
        start in 0_usize..40, most in 0_usize..40, steps in proptest::collection::vec((0_u8..6, 0_u64..3_000, 0_u64..5_000_000), 0..300),
    ) {
        let mut window = Window::new(start, most);
        let mut most = most.max(1);
        let mut now = Duration::ZERO;
        for (what, time, bytes) in steps {
            now += Duration::from_millis(time);
            let before = window.size();
            match what {
                0 => window.congested(now, now),
                1 | 2 => window.ended(now),
                3 => window.received(now, bytes),
                4 => window.started(now, before),
                _ => {
                    most = 1 + usize::try_from(bytes % 64).unwrap();
                    window.set_most(most);
                }
            }
            prop_assert!((1..=most).contains(&window.size()));
            prop_assert!(what != 0 || window.size() == (before / 2).max(1));
        }
    }
}

/// Requests that each take a round trip, over a line that carries so many bytes a second: the sizes of the window after
/// each of `rounds` rounds.
fn simulated(
    window: &mut Window,
    round_trip: Duration,
    line: f64,
    body: u64,
    rounds: usize,
) -> Vec<usize> {
    let mut now = Duration::ZERO;
    let mut sizes = Vec::new();
    for _ in 0..rounds {
        let count = window.size();
        for in_flight in 1..=count {
            window.started(now, if sizes.is_empty() { in_flight } else { count });
        }
        #[expect(clippy::cast_precision_loss, reason = "a simulation")]
        let transfer = Duration::from_secs_f64(body as f64 * count as f64 / line);
        let took = round_trip.max(transfer);
        for part in 1..=20 {
            window.received(now + took * part / 20, body * count as u64 / 20);
        }
        now += took;
        for _ in 0..count {
            window.ended(now);
        }
        sizes.push(window.size());
    }
    sizes
}

#[test]
fn a_long_way_gets_more_requests_within_two_rounds() {
    let mut window = Window::new(6, 16);
    let sizes = simulated(&mut window, Duration::from_millis(80), 1e9, 50_000, 40);
    assert_eq!(sizes[..2], [12, 16]);
    assert!(sizes[2..].iter().all(|&size| size == 16), "{sizes:?}");
    let mut window = Window::new(6, 64);
    let sizes = simulated(&mut window, Duration::from_millis(80), 1e9, 50_000, 40);
    assert_eq!(sizes[..4], [12, 24, 48, 64]);
}

#[test]
fn a_full_line_gets_no_more_than_it_needs() {
    for line in [1e6, 1e8] {
        let mut window = Window::new(6, 64);
        let sizes = simulated(&mut window, Duration::from_millis(1), line, 3_000_000, 200);
        assert!(sizes[2..].iter().all(|&size| size <= 8), "{sizes:?}");
        let probing = sizes.iter().filter(|&&size| size > 6).count();
        assert!(probing <= 20, "more is tried seldom: {sizes:?}");
    }
    // A line that carries nine at once.
    let mut window = Window::new(6, 64);
    let sizes = simulated(
        &mut window,
        Duration::from_millis(100),
        9.0 * 500_000.0,
        50_000,
        100,
    );
    assert!(
        sizes
            .last()
            .is_some_and(|size| (72..=112).contains(&(size * 8))),
        "{sizes:?}"
    );
}

#[test]
fn refusals_halve_once_for_those_that_were_in_flight_together() {
    let mut window = Window::new(16, 16);
    let ms = Duration::from_millis;
    for _ in 0..16 {
        window.congested(ms(100), ms(0));
    }
    assert_eq!(window.size(), 8);
    window.congested(ms(200), ms(150));
    assert_eq!(window.size(), 4);
    for time in 3..20 {
        window.congested(ms(time * 100), ms(time * 100 - 50));
    }
    assert_eq!(window.size(), 1);
    let sizes = simulated(&mut window, ms(80), 1e9, 50_000, 200);
    assert_eq!(sizes.last(), Some(&16), "it grows back: {sizes:?}");
    assert!(
        sizes[..4].iter().all(|&size| size == 1),
        "slowly: {sizes:?}"
    );
}

#[test]
fn what_the_user_set_is_kept() {
    let host = segment_fetch::Url::parse("https://cdn.example.com")
        .unwrap()
        .origin();
    for (concurrency, most) in [
        (Concurrency::at_most(3), 3),
        (Concurrency::fixed(9), 9),
        (Concurrency::default(), 16),
    ] {
        let mut schedule = Schedule::new(&concurrency);
        for job in 0..2_000 {
            schedule.push(&host, 0, 0, job);
        }
        let mut running = Vec::new();
        let (mut now, mut peak) = (Duration::ZERO, 0);
        loop {
            while let Some((place, _)) = schedule.start(now) {
                running.push(place);
            }
            peak = peak.max(running.len());
            if running.is_empty() {
                break;
            }
            now += Duration::from_millis(80);
            for place in running.drain(..) {
                schedule.received(place, now, 50_000);
                schedule.ended(place, now, true);
            }
        }
        assert_eq!(peak, most);
    }
}

#[test]
fn hosts_that_are_idle_are_forgotten() {
    let mut schedule = Schedule::new(&Concurrency::default());
    for number in 0..5_000 {
        let host = segment_fetch::Url::parse(&format!("https://{number}.example.com"))
            .unwrap()
            .origin();
        schedule.push(&host, 0, 0, number);
        let (place, job) = schedule.start(Duration::ZERO).unwrap();
        assert_eq!(job, number);
        assert!(place.host() <= 1024);
        schedule.ended(place, Duration::ZERO, true);
    }
}
