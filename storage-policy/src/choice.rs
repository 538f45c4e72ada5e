//! Which of those that may go do go.
//!
//! All choices have one order of preference that depends on the inventory and the time, and on no
//! limit; the plan is the first choice in it that meets all limits. From the last group to the first,
//! that is the choice whose freed bytes are fewest while everything before the group goes as well, and
//! of equal ones the one that spares what was wanted last. So a choice that a looser limit changes is
//! one that the stricter limit did not allow, and frees less.

use std::ops::Range;

use crate::books::{Books, Outcomes};
use crate::unit::{self, Unit};

/// Lets those stay without which the limits are met, given books in which all units go.
///
/// Linear in the blobs of the units, plus up to 2^12 choices for each group of 12 of which some could
/// stay and some could not; once little is free beyond the need, that is no group any more.
pub(crate) fn choose(units: &mut [Unit<'_>], items: usize, books: &mut Books, block_bytes: u64) {
    let mut whole_goes = vec![false; items];
    for group in unit::groups(units).into_iter().rev() {
        let undecided: Vec<usize> = (group.clone())
            .filter(|&at| {
                let is_free = |unit: &Unit<'_>| {
                    // What is left of an asset does not go without its parts.
                    let is_left = unit.part.is_none() || whole_goes.get(unit.index) != Some(&true);
                    !unit.is_forced && is_left
                };
                units.get(at).is_some_and(is_free)
            })
            .collect();
        for stays in spared(&undecided, books, block_bytes) {
            if let Some(unit) = units.get_mut(stays) {
                unit.goes = false;
            }
        }
        note(units, group, &mut whole_goes);
    }
}

fn note(units: &[Unit<'_>], group: Range<usize>, whole_goes: &mut [bool]) {
    for unit in units.get(group).unwrap_or_default() {
        if let Some(goes) = whole_goes.get_mut(unit.index)
            && unit.part.is_none()
        {
            *goes = unit.goes;
        }
    }
}

/// Those of a group that stay; the books hold them again.
fn spared(undecided: &[usize], books: &mut Books, block_bytes: u64) -> Vec<usize> {
    let mut ledgers: Vec<usize> = undecided.iter().flat_map(|&at| books.touched(at)).collect();
    ledgers.sort_unstable();
    ledgers.dedup();
    let are_satisfied = |books: &Books| ledgers.iter().all(|&ledger| books.is_satisfied(ledger));

    for &at in undecided {
        books.restore(at);
    }
    if are_satisfied(books) {
        return undecided.to_vec();
    }
    for &at in undecided {
        books.release(at);
    }
    // What cannot stay alone cannot stay with others.
    let mut free = undecided.to_vec();
    free.retain(|&at| books.lacking_without(at).is_none());
    if free.is_empty() {
        return free;
    }
    let outcomes: Vec<Outcomes> = (ledgers.iter())
        .map(|&ledger| books.outcomes(ledger, &free))
        .collect();
    let goes = best(&outcomes, free.len(), block_bytes);
    let mut bit = 1;
    free.retain(|_| {
        let stays = goes & bit == 0;
        bit <<= 1;
        stays
    });
    for &at in &free {
        books.restore(at);
    }
    free
}

/// The choice that is enough for every ledger, frees the fewest blocks of the store, and of equal ones
/// has the smallest number: its highest bits, which are those that were wanted last, are not set.
fn best(outcomes: &[Outcomes], units: usize, block_bytes: u64) -> usize {
    let is_enough = |choice: &usize| {
        (outcomes.iter()).all(|outcome| {
            outcome
                .freed
                .get(*choice)
                .is_some_and(|freed| *freed >= outcome.enough)
        })
    };
    let blocks = |choice: &usize| {
        // The ledger of the store is the first, and every unit is in it.
        let freed = outcomes.first().and_then(|store| store.freed.get(*choice));
        freed.map(|freed| freed / block_bytes.max(1))
    };
    let all = (1 << units) - 1;
    (0..=all)
        .filter(is_enough)
        .min_by_key(blocks)
        .unwrap_or(all)
}
