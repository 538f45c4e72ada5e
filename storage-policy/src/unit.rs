//! What may go, in the order in which it goes: whole assets and parts of them.

use std::collections::HashMap;
use std::ops::Range;
use std::time::SystemTime;

use crate::expiry::{self, ExpiryCause};
use crate::inventory::{Inventory, Item};
use crate::priority::Priority;
use crate::reason::KeptBecause;
use crate::store_policy::MakeRoom;
use crate::surplus::Surplus;

/// So many units of a class, least recently wanted first, are weighed against each other at once.
pub(crate) const GROUP: usize = 12;

/// What goes first has the smaller class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Expired,
    Surplus,
    Priority(Priority, Stage),
}

/// Of one priority, parts go before whole assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Part,
    Whole,
}

/// What can go on its own: an asset with what is left of it, or one of its parts.
pub(crate) struct Unit<'a> {
    pub(crate) item: &'a Item,
    /// Its place in the inventory.
    pub(crate) index: usize,
    /// The place of the part among those of the item; `None` for the asset itself.
    pub(crate) part: Option<usize>,
    pub(crate) class: Class,
    /// It goes even where there is no need.
    pub(crate) is_forced: bool,
    /// It goes, as far as is decided yet.
    pub(crate) goes: bool,
}

impl<'a> Unit<'a> {
    /// The order of purging: what is smaller goes first.
    fn rank(&self) -> impl Ord + use<'a> {
        let item = self.item;
        let part = self.part.and_then(|part| item.parts.get(part));
        (
            self.class,
            item.times_doubtful,
            item.last_wanted(),
            item.created,
            &item.id,
            part.map(|part| &part.name),
        )
    }

    /// The blobs that go when it goes, in one or several lists.
    pub(crate) fn lists(&self) -> impl Iterator<Item = &'a [u32]> + use<'a> {
        let item = self.item;
        let lists: Box<dyn Iterator<Item = &'a [u32]>> = match self.part {
            Some(part) => Box::new(item.parts.get(part).into_iter().map(|part| &*part.blobs)),
            None if has_own_parts(item, self.class) => Box::new(std::iter::once(&*item.blobs)),
            None => Box::new(item.lists()),
        };
        lists
    }
}

/// Whether the parts of an item are units of their own.
fn has_own_parts(item: &Item, class: Class) -> bool {
    item.policy.drop_auxiliary && matches!(class, Class::Priority(..))
}

/// How the items are sorted into what may go and what has to stay.
pub(crate) struct Rules<'a> {
    pub(crate) now: SystemTime,
    pub(crate) surplus: HashMap<usize, Surplus<'a>>,
    pub(crate) evict_expired: bool,
    /// What may go at most, if not everything.
    pub(crate) make_room: Option<MakeRoom>,
}

impl Rules<'_> {
    /// When and why an item expired.
    pub(crate) fn expired(&self, item: &Item) -> Option<(SystemTime, ExpiryCause)> {
        expiry::expiry(item).filter(|(at, _)| *at <= self.now)
    }

    fn class(&self, index: usize, item: &Item) -> Class {
        if self.expired(item).is_some() {
            Class::Expired
        } else if self.surplus.contains_key(&index) {
            Class::Surplus
        } else {
            Class::Priority(item.priority(), Stage::Whole)
        }
    }

    pub(crate) fn is_forced(&self, index: usize, item: &Item) -> bool {
        self.evict_expired && !matches!(self.class(index, item), Class::Priority(..))
    }

    /// Why an item may not go.
    pub(crate) fn kept_because(&self, index: usize, item: &Item) -> Option<KeptBecause> {
        let is_allowed = || match (self.make_room, self.class(index, item)) {
            (Some(MakeRoom::Nothing), _) | (Some(MakeRoom::Expired), Class::Priority(..)) => false,
            (Some(MakeRoom::UpTo(limit)), Class::Priority(priority, _)) => priority <= limit,
            (None, _) | (Some(_), Class::Expired | Class::Surplus) => true,
        };
        if item.policy.pinned {
            Some(KeptBecause::Pinned)
        } else if item.being_written {
            Some(KeptBecause::BeingWritten)
        } else if item.in_use {
            Some(KeptBecause::InUse)
        } else if !is_allowed() {
            Some(KeptBecause::Policy)
        } else {
            None
        }
    }

    /// All that may go, in order.
    pub(crate) fn units<'a>(&self, inventory: &'a Inventory) -> Vec<Unit<'a>> {
        let mut units = Vec::with_capacity(inventory.items.len());
        for (index, item) in inventory.items.iter().enumerate() {
            if self.kept_because(index, item).is_some() {
                continue;
            }
            let class = self.class(index, item);
            let unit = |part, class| Unit {
                item,
                index,
                part,
                class,
                is_forced: self.is_forced(index, item),
                goes: true,
            };
            if let Class::Priority(priority, _) = class
                && has_own_parts(item, class)
            {
                let class = Class::Priority(priority, Stage::Part);
                units.extend((0..item.parts.len()).map(|part| unit(Some(part), class)));
            }
            units.push(unit(None, class));
        }
        units.sort_unstable_by(|one, other| one.rank().cmp(&other.rank()));
        units
    }
}

/// The groups of units that are weighed against each other: consecutive ones of one class.
pub(crate) fn groups(units: &[Unit<'_>]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    for class in units.chunk_by(|one, other| one.class == other.class) {
        let end = start + class.len();
        groups.extend(
            (start..end)
                .step_by(GROUP)
                .map(|from| from..end.min(from + GROUP)),
        );
        start = end;
    }
    groups
}
