//! Who is next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A place in the order: priority first, then turns, then age.
type Key = (Reverse<i32>, u64, u64);

/// What waits, in the order in which it may run: the highest priority first, groups in turn, each group in its own order.
///
/// A job waits while its host, its group or everything together has as many running as allowed; others overtake it then.
/// Taking and adding cost the logarithm of what waits, whatever the number of groups.
///
/// Turns are those of start-time fair queueing: each job of a group gets the turn after the last of its group, but none
/// that has passed. So of two groups that both wait, none is served twice before the other is served once, and a group
/// that comes late does not have to wait for all that came before it.
#[derive(Debug)]
pub struct Queue<J> {
    total: usize,
    per_group: usize,
    running: usize,
    /// By age.
    waiting: HashMap<u64, Waiting<J>>,
    age: u64,
    hosts: Vec<Host>,
    /// The first of each host that has room.
    front: BTreeSet<(Key, usize)>,
    groups: HashMap<u64, Group>,
    levels: BTreeMap<i32, Level>,
}

#[derive(Debug)]
struct Waiting<J> {
    place: Place,
    job: J,
}

/// Where something waits or waited, and on whose account it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    key: Key,
    host: usize,
    group: u64,
}

impl Place {
    /// The host, by the number that [`Queue::add_host`] gave it.
    pub fn host(&self) -> usize {
        self.host
    }

    /// The group.
    pub fn group(&self) -> u64 {
        self.group
    }

    /// The priority.
    pub fn priority(&self) -> i32 {
        self.key.0.0
    }
}

#[derive(Debug)]
struct Host {
    room: usize,
    running: usize,
    waiting: usize,
    ready: BTreeSet<Key>,
    front: Option<Key>,
}

#[derive(Debug, Default)]
struct Group {
    running: usize,
    waiting: usize,
    /// Those that came to the front when the group had as many running as it may.
    held: BTreeSet<(usize, Key)>,
}

/// The turns of one priority.
#[derive(Debug, Default)]
struct Level {
    turn: u64,
    waiting: usize,
    running: usize,
    /// The turn of the next job of each group.
    next: HashMap<u64, u64>,
}

impl<J> Queue<J> {
    /// At most `total` may run together, and `per_group` of one group. Both count as at least one.
    pub fn new(total: usize, per_group: usize) -> Self {
        Queue {
            total: total.max(1),
            per_group: per_group.max(1),
            running: 0,
            waiting: HashMap::new(),
            age: 0,
            hosts: Vec::new(),
            front: BTreeSet::new(),
            groups: HashMap::new(),
            levels: BTreeMap::new(),
        }
    }

    /// Makes a host known that may have `room` running, and returns its number.
    pub fn add_host(&mut self, room: usize) -> usize {
        self.hosts.push(Host {
            room,
            running: 0,
            waiting: 0,
            ready: BTreeSet::new(),
            front: None,
        });
        self.hosts.len() - 1
    }

    /// Changes how many a host may have running. What runs beyond it goes on.
    pub fn set_room(&mut self, host: usize, room: usize) {
        if let Some(known) = self.hosts.get_mut(host) {
            known.room = room;
            self.show(host);
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.running
    }

    /// How many run at a host.
    pub fn running_at(&self, host: usize) -> usize {
        self.hosts.get(host).map_or(0, |host| host.running)
    }

    /// Whether anything runs or waits at a host.
    pub fn is_busy(&self, host: usize) -> bool {
        self.hosts
            .get(host)
            .is_some_and(|host| host.running > 0 || host.waiting > 0)
    }

    /// How many wait at a host.
    pub fn waiting_at(&self, host: usize) -> usize {
        self.hosts.get(host).map_or(0, |host| host.waiting)
    }

    /// How many more a host may have running.
    pub fn room_at(&self, host: usize) -> usize {
        self.hosts
            .get(host)
            .map_or(0, |host| host.room.saturating_sub(host.running))
            .min(self.total.saturating_sub(self.running))
    }

    /// Where jobs wait, in the order in which they came.
    pub fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = self.waiting.values().map(|waiting| waiting.place).collect();
        places.sort_unstable_by_key(|place| place.key.2);
        places
    }

    /// Adds a job behind those of its group and priority.
    ///
    /// A host that is not known never has room.
    pub fn push(&mut self, host: usize, group: u64, priority: i32, job: J) -> Place {
        let level = self.levels.entry(priority).or_default();
        level.forget_passed();
        let next = level.next.entry(group).or_default();
        let turn = level.turn.max(*next);
        *next = turn.saturating_add(1);
        let key = (Reverse(priority), turn, self.age);
        self.age = self.age.wrapping_add(1);
        let place = Place { key, host, group };
        self.insert(place, job);
        place
    }

    /// Adds a job where one was before: one that was taken and could not run, or the rest of one that was split.
    ///
    /// It must have been taken from there, and [`ended`](Queue::ended) has to be called for that afterwards.
    pub fn put_back(&mut self, place: Place, job: J) {
        self.insert(place, job);
    }

    /// A job that waits.
    pub fn get_mut(&mut self, place: Place) -> Option<&mut J> {
        self.waiting
            .get_mut(&place.key.2)
            .map(|waiting| &mut waiting.job)
    }

    /// Takes a job that waits from its place. It does not count as running.
    ///
    /// While another of its host, group and priority runs, it can be [put back](Queue::put_back).
    pub fn take(&mut self, place: Place) -> Option<J> {
        let Waiting { job, .. } = self.waiting.remove(&place.key.2)?;
        if let Some(host) = self.hosts.get_mut(place.host) {
            host.ready.remove(&place.key);
            host.waiting = host.waiting.saturating_sub(1);
        }
        if let Some(group) = self.groups.get_mut(&place.group) {
            group.held.remove(&(place.host, place.key));
            group.waiting = group.waiting.saturating_sub(1);
            if group.running == 0 && group.waiting == 0 {
                self.groups.remove(&place.group);
            }
        }
        if let Some(level) = self.levels.get_mut(&place.priority()) {
            level.waiting = level.waiting.saturating_sub(1);
            if level.running == 0 && level.waiting == 0 {
                self.levels.remove(&place.priority());
            }
        }
        self.show(place.host);
        Some(job)
    }

    /// Takes the next job that may run now. It counts as running until [`ended`](Queue::ended) is called for its place.
    pub fn pop(&mut self) -> Option<(Place, J)> {
        while self.running < self.total {
            let (key, host) = *self.front.first()?;
            self.hosts.get_mut(host)?.ready.remove(&key);
            let group = self.waiting.get(&key.2)?.place.group;
            let counted = self.groups.entry(group).or_default();
            if counted.running >= self.per_group {
                counted.held.insert((host, key));
                self.show(host);
                continue;
            }
            counted.waiting = counted.waiting.saturating_sub(1);
            if let Some(level) = self.levels.get_mut(&key.0.0) {
                level.turn = level.turn.max(key.1);
                level.waiting = level.waiting.saturating_sub(1);
            }
            let Waiting { place, job } = self.waiting.remove(&key.2)?;
            if let Some(known) = self.hosts.get_mut(host) {
                known.waiting = known.waiting.saturating_sub(1);
            }
            self.count(place);
            return Some((place, job));
        }
        None
    }

    /// Counts one more as running at the host and for the group of `place`, if none waits that could run instead and
    /// there is room. It ends like any other.
    pub fn run_besides(&mut self, place: Place) -> bool {
        let group = self
            .groups
            .get(&place.group)
            .map_or(0, |group| group.running);
        let room = self.room_at(place.host) > 0 && group < self.per_group;
        if room {
            self.count(place);
        }
        room
    }

    /// What was taken from `place` runs no longer.
    pub fn ended(&mut self, place: Place) {
        self.running = self.running.saturating_sub(1);
        if let Some(level) = self.levels.get_mut(&place.priority()) {
            level.running = level.running.saturating_sub(1);
            if level.running == 0 && level.waiting == 0 {
                self.levels.remove(&place.priority());
            }
        }
        if let Some(host) = self.hosts.get_mut(place.host) {
            host.running = host.running.saturating_sub(1);
        }
        let mut returned = Vec::new();
        if let Some(group) = self.groups.get_mut(&place.group) {
            group.running = group.running.saturating_sub(1);
            // The first of each host: only one of them can run now, and the others are held again if they come up.
            while let Some(&(host, key)) = returned.last().map_or_else(
                || group.held.range(..).next(),
                |&(host, _): &(usize, Key)| {
                    group
                        .held
                        .range((host.saturating_add(1), (Reverse(i32::MAX), 0, 0))..)
                        .next()
                },
            ) {
                returned.push((host, key));
            }
            for held in &returned {
                group.held.remove(held);
            }
            if group.running == 0 && group.waiting == 0 {
                self.groups.remove(&place.group);
            }
        }
        for (host, key) in returned {
            if let Some(known) = self.hosts.get_mut(host) {
                known.ready.insert(key);
                self.show(host);
            }
        }
        self.show(place.host);
    }

    fn insert(&mut self, place: Place, job: J) {
        if let Some(host) = self.hosts.get_mut(place.host) {
            host.ready.insert(place.key);
            host.waiting += 1;
        }
        self.waiting.insert(place.key.2, Waiting { place, job });
        self.groups.entry(place.group).or_default().waiting += 1;
        self.levels.entry(place.priority()).or_default().waiting += 1;
        self.show(place.host);
    }

    fn count(&mut self, place: Place) {
        self.running += 1;
        self.groups.entry(place.group).or_default().running += 1;
        self.levels.entry(place.priority()).or_default().running += 1;
        if let Some(host) = self.hosts.get_mut(place.host) {
            host.running += 1;
        }
        self.show(place.host);
    }

    /// Puts the first of a host to the front of all, if the host has room.
    fn show(&mut self, number: usize) {
        let Some(host) = self.hosts.get_mut(number) else {
            return;
        };
        let first = host
            .ready
            .first()
            .copied()
            .filter(|_| host.running < host.room);
        if first == host.front {
            return;
        }
        if let Some(old) = std::mem::replace(&mut host.front, first) {
            self.front.remove(&(old, number));
        }
        if let Some(new) = first {
            self.front.insert((new, number));
        }
    }
}

impl Level {
    /// Forgets groups whose turn has passed: who comes back then has the turn of the day anyway.
    fn forget_passed(&mut self) {
        if self.next.len() > 64 + 2 * (self.waiting + self.running) {
            let turn = self.turn;
            self.next.retain(|_, &mut next| next > turn);
        }
    }
}
