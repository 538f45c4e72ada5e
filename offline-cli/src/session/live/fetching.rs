//! What is on its way: each resource once, however many places it is for, and what becomes of it when it fails.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use asset_store::{AssetWriter, Entry, PartialKey};
use segment_fetch::{Reach, Request};
use url::Url;

use super::parts::Piece;
use super::row::offsets;
use super::track::{Target, Wanted};
use crate::session::layout::role;
use crate::session::plan::PlannedResource;
use crate::session::run::is_about_the_resource;
use crate::session::source;

/// How often a server may say of a resource that it has none.
const ATTEMPTS: u32 = 3;
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A place for a resource: the track by number, and what it is there.
pub(super) type Place = (usize, Target);

/// One resource on its way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) resource: PlannedResource,
    /// What it is for, and the path of each.
    pub(super) places: Vec<(Place, String)>,
    /// Where else its bytes are.
    pieces: Vec<Piece>,
    attempts: u32,
    pauses: u32,
    failing_since: Option<Duration>,
}

/// What to do for something that is wanted.
#[derive(Debug)]
pub(super) enum Step {
    /// It is there.
    There(Place),
    /// It is stored under another path.
    Link(Place, Box<(String, PlannedResource, Entry)>),
    Fetch(u64),
    /// It is on its way already.
    Wait,
}

/// What to do after a failure.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Try again at this time.
    Again(Duration),
    /// Try what it is made of.
    Pieces(Vec<Request>),
    /// It cannot be had.
    Gone(Box<Item>),
}

type Address = (String, Option<Range<u64>>);

fn address(resource: &PlannedResource) -> Address {
    (resource.url.to_string(), resource.range.clone())
}

impl PlannedResource {
    fn piece(&self, piece: Piece) -> Self {
        Self {
            url: piece.url,
            range: piece.byte_range.map(offsets),
            ..self.clone()
        }
    }
}

/// Everything on its way.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    items: HashMap<u64, Item>,
    by_address: HashMap<Address, u64>,
    /// Maps and keys that are stored.
    kept: HashMap<Address, Entry>,
    next: u64,
}

impl Fetching {
    /// Takes in something that is wanted for a track.
    pub(super) fn want(&mut self, track: usize, wanted: Wanted, writer: &AssetWriter) -> Step {
        let Wanted {
            target,
            path,
            pieces,
            resource,
        } = wanted;
        let place = (track, target);
        if is_stored(writer, &path, &resource) {
            return Step::There(place);
        }
        let address = address(&resource);
        if let Some(entry) = self.kept.get(&address) {
            let link = (path, resource, entry.clone());
            return Step::Link(place, Box::new(link));
        }
        if let Some(item) = self
            .by_address
            .get(&address)
            .and_then(|number| self.items.get_mut(number))
        {
            item.places.push((place, path));
            return Step::Wait;
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        self.by_address.insert(address, number);
        let item = Item {
            resource,
            places: vec![(place, path)],
            pieces,
            attempts: 0,
            pauses: 0,
            failing_since: None,
        };
        self.items.insert(number, item);
        Step::Fetch(number)
    }

    /// How to ask for an item, and the name of what is received of it.
    pub(super) fn request(&self, number: u64, reach: Reach) -> Option<(Request, PartialKey)> {
        let resource = &self.items.get(&number)?.resource;
        let key = PartialKey {
            // Whole: two on their way may differ in nothing but what looks like a signature.
            identity: resource.url.to_string(),
            range: resource.range.clone(),
        };
        Some((resource.request(reach), key))
    }

    pub(super) fn get(&self, number: u64) -> Option<&Item> {
        self.items.get(&number)
    }

    /// An item is stored under its first path.
    pub(super) fn stored(&mut self, number: u64, entry: &Entry) -> Option<Item> {
        let item = self.remove(number)?;
        if item.resource.role != role::SEGMENT {
            self.kept.insert(address(&item.resource), entry.clone());
        }
        Some(item)
    }

    /// What was stored of a resource was not the right thing.
    pub(super) fn forget(&mut self, resource: &PlannedResource) {
        self.kept.remove(&address(resource));
    }

    fn remove(&mut self, number: u64) -> Option<Item> {
        let item = self.items.remove(&number)?;
        self.by_address.remove(&address(&item.resource));
        Some(item)
    }

    /// What becomes of an item after a failure. `fresh` is the address that its playlist has for it now.
    ///
    /// What the server says of this resource is believed the third time; what is wrong with the way to it, when that lasts for `patience`.
    pub(super) fn failed(
        &mut self,
        number: u64,
        kind: segment_fetch::ErrorKind,
        fresh: Option<Url>,
        now: Duration,
        patience: Duration,
        reach: Reach,
    ) -> Option<Verdict> {
        let item = self.items.get_mut(&number)?;
        let since = *item.failing_since.get_or_insert(now);
        let is_expired = kind == segment_fetch::ErrorKind::AddressExpired;
        if is_expired || is_about_the_resource(kind) {
            item.attempts = item.attempts.saturating_add(1);
        }
        if item.attempts >= ATTEMPTS || now.saturating_sub(since) >= patience {
            if !item.pieces.is_empty() {
                let pieces = std::mem::take(&mut item.pieces).into_iter();
                let requests = pieces.map(|piece| item.resource.piece(piece).request(reach));
                return Some(Verdict::Pieces(requests.collect()));
            }
            return self
                .remove(number)
                .map(|item| Verdict::Gone(Box::new(item)));
        }
        let pause = SHORTEST_PAUSE
            .saturating_mul(2_u32.saturating_pow(item.pauses.min(16)))
            .min(LONGEST_PAUSE);
        item.pauses = item.pauses.saturating_add(1);
        if let Some(fresh) = fresh
            && !self
                .by_address
                .contains_key(&(fresh.to_string(), item.resource.range.clone()))
        {
            self.by_address.remove(&address(&item.resource));
            item.resource.url = fresh;
            self.by_address.insert(address(&item.resource), number);
        }
        Some(Verdict::Again(now.saturating_add(pause)))
    }
}

/// Whether an earlier run has stored this very resource.
fn is_stored(writer: &AssetWriter, path: &str, resource: &PlannedResource) -> bool {
    if !writer.contains(path) {
        return false;
    }
    let asset = writer.asset();
    let stored = asset
        .entries()
        .get(path)
        .and_then(|entry| entry.source.as_ref());
    stored.is_some_and(|stored| {
        stored.identity == source::identity(&resource.url) && stored.range == resource.range
    })
}
