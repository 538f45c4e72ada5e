//! Sets of very many digests in little memory.

/// So many are there at least before they are sorted.
const FIRST_SORT: usize = 1 << 16;

/// Gathers items, each as large as it is and no more; what came twice does not stay long.
#[derive(Debug)]
pub(crate) struct Collector<T> {
    items: Vec<T>,
    /// Length at which equal ones are thrown out again.
    limit: usize,
}

impl<T> Default for Collector<T> {
    fn default() -> Collector<T> {
        Collector {
            items: Vec::new(),
            limit: FIRST_SORT,
        }
    }
}

impl<T: Ord> Collector<T> {
    pub(crate) fn add(&mut self, item: T) {
        if self.items.len() >= self.limit {
            self.compact();
            self.limit = self.items.len().saturating_mul(2).max(FIRST_SORT);
        }
        self.items.push(item);
    }

    fn compact(&mut self) {
        self.items.sort_unstable();
        self.items.dedup();
    }

    /// Sorted, each once.
    pub(crate) fn finish(mut self) -> Vec<T> {
        self.compact();
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_there_once_whatever_came_twice() {
        let mut collector = Collector::default();
        for number in (0..500_000_u32).rev() {
            collector.add(number % 50_000);
            assert!(collector.items.len() <= 2 * FIRST_SORT);
        }
        assert!(collector.finish().into_iter().eq(0..50_000));
    }
}
