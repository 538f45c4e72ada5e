//! In which order a download asks for what is missing: by media time, and what players wait for first.

use std::time::Duration;

use hls_parse::ResourceKind;

use super::attention::Attention;
use super::plan::Plan;

/// The priority of what is ahead of what players can have yet, and was asked for all the same.
const AHEAD: i32 = 2;
/// The priority of what comes next for players; that of the rest is 0.
const NEXT: i32 = 1;

/// What is still to be handed out, and who waits for what.
pub(super) struct Order<'a> {
    plan: &'a Plan,
    /// Numbers of resources, by media time.
    pending: &'a [usize],
    given: Vec<bool>,
    /// Everything before it was handed out.
    next: usize,
    /// Everything of a priority before it was handed out, highest first.
    next_wanted: [(i32, usize); 2],
    /// The tracks that are played, by number, and from which time on they were asked for.
    wanted: Vec<(usize, Option<Duration>)>,
}

impl<'a> Order<'a> {
    pub(super) fn new(plan: &'a Plan, pending: &'a [usize]) -> Self {
        Self {
            plan,
            pending,
            given: vec![false; pending.len()],
            next: 0,
            next_wanted: [(AHEAD, 0), (NEXT, 0)],
            wanted: Vec::new(),
        }
    }

    /// Takes in what players wait for; whether that has changed.
    pub(super) fn heed(&mut self, attention: &Attention) -> bool {
        let number = |name: &str| {
            let mut tracks = self.plan.tracks().iter();
            tracks.position(|track| track.name == name)
        };
        let tracks = attention.tracks();
        let wanted: Vec<_> = tracks
            .filter_map(|(name, from)| Some((number(name)?, from)))
            .collect();
        let has_changed = wanted != self.wanted;
        if has_changed {
            self.wanted = wanted;
            self.next_wanted = [AHEAD, NEXT].map(|priority| (priority, self.next));
        }
        has_changed
    }

    /// The priority of a resource.
    pub(super) fn priority(&self, resource: usize) -> i32 {
        let start = self.plan.start(resource);
        let priority = |(track, kind)| {
            let mut wanted = self.wanted.iter();
            let (_, from) = wanted.find(|(number, _)| *number == track)?;
            // Keys and maps are few, and needed from wherever one starts.
            let is_ahead = |from| !matches!(kind, ResourceKind::Segment(_)) || start >= from;
            Some(if from.is_some_and(is_ahead) {
                AHEAD
            } else {
                NEXT
            })
        };
        let priorities = self.plan.needs(resource).filter_map(priority);
        priorities.max().unwrap_or(0)
    }

    /// The next resource, with its priority.
    pub(super) fn next(&mut self) -> Option<(usize, i32)> {
        let at = self.first_wanted().or_else(|| self.first())?;
        let resource = self.pending.get(at).copied()?;
        if let Some(given) = self.given.get_mut(at) {
            *given = true;
        }
        Some((resource, self.priority(resource)))
    }

    fn first_wanted(&mut self) -> Option<usize> {
        if self.wanted.is_empty() {
            return None;
        }
        let [ahead, next] = self.next_wanted;
        let found = [ahead, next].map(|(wanted, from)| {
            let mut open =
                (from..self.pending.len()).filter(|&at| self.given.get(at) == Some(&false));
            let found = open.find(|&at| {
                let resource = self.pending.get(at);
                resource.is_some_and(|&resource| self.priority(resource) == wanted)
            });
            (wanted, found)
        });
        self.next_wanted =
            found.map(|(wanted, found)| (wanted, found.unwrap_or(self.pending.len())));
        found.into_iter().find_map(|(_, found)| found)
    }

    fn first(&mut self) -> Option<usize> {
        while self.given.get(self.next) == Some(&true) {
            self.next = self.next.saturating_add(1);
        }
        (self.next < self.pending.len()).then_some(self.next)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hls_parse::{Context, Playlist};
    use proptest::prelude::*;

    use super::*;
    use crate::session::plan::PlannedTrack;

    const TRACKS: [&str; 3] = ["video", "en", "de"];
    const SEGMENTS: usize = 20;

    fn track(name: &str) -> PlannedTrack {
        let mut text = format!("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"{name}\"\n");
        for index in 0..SEGMENTS {
            text.extend(["#EXTINF:4,\n", name, &format!("-{index}.ts\n")]);
        }
        let Playlist::Media(playlist) = hls_parse::parse(text.as_bytes()).unwrap().playlist else {
            panic!("not a Media Playlist");
        };
        let url = "https://h.example/index.m3u8".parse().unwrap();
        let timeline = Arc::new(playlist.resolve(&Context::new(url)).unwrap());
        PlannedTrack {
            name: name.to_owned(),
            subtitles: false,
            pinned: Arc::clone(&timeline),
            fresh: timeline,
            offset: Duration::ZERO,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn everything_is_handed_out_once_and_nothing_before_what_is_wanted_more(
            mut pending in proptest::sample::subsequence((0..3 * (SEGMENTS + 1)).collect::<Vec<_>>(), 0..3 * (SEGMENTS + 1)),
            requests in proptest::collection::vec((0..60_usize, 0..3_usize, proptest::option::of(0..90_u64)), 0..6),
        ) {
            let plan = Plan::new(TRACKS.iter().map(|name| track(name)).collect());
            prop_assert_eq!(plan.len(), 3 * (SEGMENTS + 1));
            let mut order = Order::new(&plan, &pending);
            let mut attention = Attention::default();
            let (mut given, mut left) = (Vec::new(), pending.clone());
            loop {
                for (_, track, ahead) in requests.iter().filter(|(at, ..)| *at == given.len()) {
                    attention.note(TRACKS[*track], ahead.map(Duration::from_secs));
                    order.heed(&attention);
                }
                let Some((resource, priority)) = order.next() else { break };
                prop_assert_eq!(priority, order.priority(resource));
                left.retain(|one| *one != resource);
                prop_assert!(left.iter().all(|&one| order.priority(one) <= priority));
                let earlier = left.iter().filter(|one| **one < resource);
                prop_assert!(earlier.copied().all(|one| order.priority(one) < priority));
                given.push(resource);
            }
            given.sort_unstable();
            pending.sort_unstable();
            prop_assert_eq!(given, pending);
        }
    }
}
