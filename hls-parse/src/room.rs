//! Room in lists whose length is not known yet.

/// Makes room for one more item in a list that is filled while a text is read, of which `read` bytes of `length` have been.
///
/// Where doubling would copy everything many times and leave half the room unused, the rest of the text is taken to have as many items as what has been read.
/// Growth is bounded all the same: a start that is denser than the rest makes sixteen times the room that is used at most.
#[inline]
pub(crate) fn make_room<T>(list: &mut Vec<T>, read: usize, length: usize) {
    if list.len() == list.capacity() {
        list.reserve_exact(growth(list.len(), read, length));
    }
}

#[cold]
fn growth(items: usize, read: usize, length: usize) -> usize {
    /// So few are enough for an estimate.
    const FIRST: usize = 64;
    if items == 0 {
        return FIRST;
    }
    let rest = length.saturating_sub(read);
    let expected = items as u128 * rest as u128 / read.max(1) as u128;
    let expected = usize::try_from(expected).unwrap_or(usize::MAX);
    // A few more, since a second estimate costs more than their room.
    let generous = expected.saturating_add(expected / 64 + 8);
    generous.clamp(items / 4 + 1, items.saturating_mul(15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_text_is_hit_with_few_steps() {
        let (mut list, mut steps) = (Vec::new(), 0);
        for item in 0..100_000usize {
            let before = list.capacity();
            make_room(&mut list, item * 50, 100_000 * 50);
            steps += usize::from(list.capacity() != before);
            list.push(item);
        }
        assert!(
            steps <= 6 && list.capacity() < 103_000,
            "{steps} {}",
            list.capacity()
        );
    }

    #[test]
    fn dense_starts_do_not_make_room_for_all_the_text() {
        assert_eq!(growth(64, 640, 1 << 30), 64 * 15);
        assert_eq!(growth(0, 0, 0), 64);
        assert!(growth(64, 0, 0) >= 1);
    }
}
