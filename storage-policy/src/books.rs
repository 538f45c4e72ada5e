//! Who holds which blob, and what is free when a holder goes: for the store and for every tag that
//! holds too much.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::inventory::{Inventory, Item, index};
use crate::unit::Unit;

/// How many holders each blob has that counts for one limit, and how many bytes nobody holds any more.
pub(crate) struct Ledger {
    lengths: Vec<u64>,
    holders: Vec<u32>,
    /// The blobs of the units, one unit after the other.
    lists: Vec<u32>,
    held: u64,
    freed: u64,
    /// Bytes that have to be free: never more than can be.
    target: u64,
}

impl Ledger {
    fn new(lengths: Vec<u64>) -> Self {
        Self {
            holders: vec![0; lengths.len()],
            lengths,
            lists: Vec::new(),
            held: 0,
            freed: 0,
            target: 0,
        }
    }

    fn hold(&mut self, blob: u32) {
        let at = index(blob);
        if let (Some(holders), Some(length)) = (self.holders.get_mut(at), self.lengths.get(at)) {
            if *holders == 0 {
                self.held = self.held.saturating_add(*length);
            }
            *holders = holders.saturating_add(1);
        }
    }

    /// Bytes that were held at the start, each blob once.
    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    /// Bytes that what goes leaves unheld.
    pub(crate) fn freed(&self) -> u64 {
        self.freed
    }

    fn is_satisfied(&self) -> bool {
        self.freed >= self.target
    }

    fn release(&mut self, range: Range<usize>) {
        for &blob in self.lists.get(range).unwrap_or_default() {
            let at = index(blob);
            if let (Some(holders), Some(length)) = (self.holders.get_mut(at), self.lengths.get(at))
            {
                *holders = holders.saturating_sub(1);
                if *holders == 0 {
                    self.freed = self.freed.saturating_add(*length);
                }
            }
        }
    }

    fn restore(&mut self, range: Range<usize>) {
        for &blob in self.lists.get(range).unwrap_or_default() {
            let at = index(blob);
            if let (Some(holders), Some(length)) = (self.holders.get_mut(at), self.lengths.get(at))
            {
                if *holders == 0 {
                    self.freed = self.freed.saturating_sub(*length);
                }
                *holders = holders.saturating_add(1);
            }
        }
    }
}

/// Where the blobs of a unit are in a ledger.
struct Entry {
    unit: usize,
    ledger: usize,
    range: Range<usize>,
}

/// The ledger of the store, which is the first, and of every tag that holds more than it may.
pub(crate) struct Books {
    ledgers: Vec<Ledger>,
    /// By unit, then by ledger.
    entries: Vec<Entry>,
    /// Where the entries of each unit begin.
    starts: Vec<usize>,
}

impl Books {
    /// Books in which everything is held.
    pub(crate) fn new(inventory: &Inventory, units: &[Unit<'_>]) -> Self {
        let mut books = Self {
            ledgers: Vec::new(),
            entries: Vec::new(),
            starts: Vec::new(),
        };
        let mut store = Ledger::new(inventory.blob_lengths.clone());
        let lists = inventory.items.iter().flat_map(Item::lists);
        lists.flatten().for_each(|blob| store.hold(*blob));
        books.add(store, units.iter().enumerate(), Some);
        books
    }

    /// Adds a ledger for a tag if its items, given by their places, hold bytes `over` what they may, and
    /// returns how many.
    ///
    /// `members` are the units of these items by their numbers, `scratch` has a place for every blob of
    /// the inventory and is all zero.
    pub(crate) fn add_tag<'a>(
        &mut self,
        inventory: &'a Inventory,
        items: &[usize],
        members: impl Iterator<Item = (usize, &'a Unit<'a>)>,
        over: impl Fn(u64) -> u64,
        scratch: &mut [u32],
    ) -> u64 {
        // A blob's number in this ledger, from 1, is noted at its place in the inventory.
        let mut lengths = Vec::new();
        let mut blobs = Vec::new();
        let items = || items.iter().filter_map(|&item| inventory.items.get(item));
        for &blob in items().flat_map(Item::lists).flatten() {
            let at = index(blob);
            if let (Some(number), Some(length)) =
                (scratch.get_mut(at), inventory.blob_lengths.get(at))
                && *number == 0
            {
                lengths.push(*length);
                blobs.push(blob);
                *number = u32::try_from(lengths.len()).unwrap_or(u32::MAX);
            }
        }
        let held = lengths
            .iter()
            .fold(0, |sum: u64, length| sum.saturating_add(*length));
        let over = over(held);
        if over > 0 {
            let number = |blob: u32| scratch.get(index(blob))?.checked_sub(1);
            let mut ledger = Ledger::new(lengths);
            let held = items().flat_map(Item::lists).flatten();
            held.filter_map(|blob| number(*blob))
                .for_each(|blob| ledger.hold(blob));
            self.add(ledger, members, number);
        }
        for blob in blobs {
            if let Some(number) = scratch.get_mut(index(blob)) {
                *number = 0;
            }
        }
        over
    }

    fn add<'a>(
        &mut self,
        mut ledger: Ledger,
        members: impl Iterator<Item = (usize, &'a Unit<'a>)>,
        number: impl Fn(u32) -> Option<u32>,
    ) {
        for (unit, member) in members {
            let start = ledger.lists.len();
            let blobs = member.lists().flatten();
            ledger.lists.extend(blobs.filter_map(|blob| number(*blob)));
            let range = start..ledger.lists.len();
            self.entries.push(Entry {
                unit,
                ledger: self.ledgers.len(),
                range,
            });
        }
        self.ledgers.push(ledger);
    }

    /// To be called when all ledgers are there: lets all units go and sets what has to be free, the
    /// needs of the ledgers being given in their order.
    pub(crate) fn release_all(&mut self, units: usize, needs: &[u64]) {
        (self.entries).sort_unstable_by_key(|entry| (entry.unit, entry.ledger));
        self.starts = (0..=units)
            .map(|unit| self.entries.partition_point(|entry| entry.unit < unit))
            .collect();
        for unit in 0..units {
            self.release(unit);
        }
        for (ledger, need) in self.ledgers.iter_mut().zip(needs) {
            ledger.target = ledger.freed.min(*need);
        }
    }

    fn entries(&self, unit: usize) -> Range<usize> {
        let start = self.starts.get(unit).copied().unwrap_or_default();
        let end = self.starts.get(unit + 1).copied().unwrap_or_default();
        start..end
    }

    pub(crate) fn release(&mut self, unit: usize) {
        for entry in self.entries.get(self.entries(unit)).unwrap_or_default() {
            if let Some(ledger) = self.ledgers.get_mut(entry.ledger) {
                ledger.release(entry.range.clone());
            }
        }
    }

    pub(crate) fn restore(&mut self, unit: usize) {
        for entry in self.entries.get(self.entries(unit)).unwrap_or_default() {
            if let Some(ledger) = self.ledgers.get_mut(entry.ledger) {
                ledger.restore(entry.range.clone());
            }
        }
    }

    /// The ledgers that a unit has to do with.
    pub(crate) fn touched(&self, unit: usize) -> impl Iterator<Item = usize> {
        let entries = self.entries.get(self.entries(unit)).unwrap_or_default();
        entries.iter().map(|entry| entry.ledger)
    }

    pub(crate) fn is_satisfied(&self, ledger: usize) -> bool {
        self.ledgers.get(ledger).is_none_or(Ledger::is_satisfied)
    }

    pub(crate) fn ledger(&self, ledger: usize) -> Option<&Ledger> {
        self.ledgers.get(ledger)
    }

    /// The first ledger that would lack bytes if a unit that goes stayed.
    pub(crate) fn lacking_without(&mut self, unit: usize) -> Option<usize> {
        self.restore(unit);
        let lacking = self
            .touched(unit)
            .find(|&ledger| !self.is_satisfied(ledger));
        self.release(unit);
        lacking
    }

    /// What each choice among some units, which all go now, would leave free.
    pub(crate) fn outcomes(&self, ledger: usize, among: &[usize]) -> Outcomes {
        let mut outcomes = Outcomes {
            freed: vec![0; 1 << among.len()],
            enough: 0,
        };
        let Some(books) = self.ledgers.get(ledger) else {
            return outcomes;
        };
        let mut holders: BTreeMap<u32, usize> = BTreeMap::new();
        for (bit, &unit) in among.iter().enumerate() {
            let entries = self.entries.get(self.entries(unit)).unwrap_or_default();
            for entry in entries.iter().filter(|entry| entry.ledger == ledger) {
                for &blob in books.lists.get(entry.range.clone()).unwrap_or_default() {
                    if books.holders.get(index(blob)) == Some(&0) {
                        *holders.entry(blob).or_default() |= 1 << bit;
                    }
                }
            }
        }
        let mut at_stake: u64 = 0;
        for (blob, mask) in holders {
            let length = books.lengths.get(index(blob)).copied().unwrap_or_default();
            at_stake = at_stake.saturating_add(length);
            if let Some(sum) = outcomes.freed.get_mut(mask) {
                *sum = sum.saturating_add(length);
            }
        }
        // What is free anyway counts for every choice.
        if let Some(none) = outcomes.freed.first_mut() {
            *none = none.saturating_add(books.freed.saturating_sub(at_stake));
        }
        // Sums over all subsets, one bit at a time.
        for bit in 0..among.len() {
            for choice in 0..outcomes.freed.len() {
                if choice & (1 << bit) != 0 {
                    let without = outcomes.freed.get(choice ^ (1 << bit)).copied();
                    if let (Some(sum), Some(without)) = (outcomes.freed.get_mut(choice), without) {
                        *sum = sum.saturating_add(without);
                    }
                }
            }
        }
        outcomes.enough = books.target;
        outcomes
    }
}

/// What the choices among some units would do for one limit.
pub(crate) struct Outcomes {
    /// Bytes that are free with each choice, at the place whose bits are set for those that go.
    pub(crate) freed: Vec<u64>,
    /// Bytes that are enough.
    pub(crate) enough: u64,
}
