//! The segments of a timeline as they are handed out.

use std::ops::Range;

use crate::segment_store::SegmentStore;
use crate::timeline::Segment;

/// The segments of a [`Timeline`](crate::Timeline), in order.
///
/// They are kept in less space than [`Segment`] takes and made on demand, so they come by value.
///
/// ```
/// use hls_parse::Context;
///
/// let text = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXTINF:4,\nb.ts\n#EXT-X-ENDLIST\n";
/// let parsed = hls_parse::parse(text)?;
/// let playlist = parsed.playlist.as_media().ok_or("no Media Playlist")?;
/// let timeline = playlist.resolve(&Context::new("https://example.com/a.m3u8".parse()?))?;
/// let starts: Vec<u64> = timeline.segments().iter().map(|segment| segment.start.as_secs()).collect();
/// assert_eq!(starts, [0, 6]);
/// assert_eq!(timeline.segments().get(2), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Segments<'t> {
    store: &'t SegmentStore,
}

impl<'t> Segments<'t> {
    pub(crate) fn new(store: &'t SegmentStore) -> Self {
        Self { store }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.store.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.store.len() == 0
    }

    /// The segment at `index`, counted from 0.
    pub fn get(self, index: usize) -> Option<Segment> {
        self.store.get(index)
    }

    /// The first one.
    pub fn first(self) -> Option<Segment> {
        self.get(0)
    }

    /// The last one.
    pub fn last(self) -> Option<Segment> {
        self.get(self.len().checked_sub(1)?)
    }

    /// One after the other.
    pub fn iter(self) -> SegmentIter<'t> {
        SegmentIter {
            segments: self,
            indices: 0..self.len(),
            dated: 0,
        }
    }
}

impl<'t> IntoIterator for Segments<'t> {
    type Item = Segment;
    type IntoIter = SegmentIter<'t>;

    fn into_iter(self) -> SegmentIter<'t> {
        self.iter()
    }
}

/// Iterator over [`Segments`]; made by [`Segments::iter`].
#[derive(Debug, Clone)]
pub struct SegmentIter<'t> {
    segments: Segments<'t>,
    indices: Range<usize>,
    /// The index of a date at or before the next segment.
    dated: usize,
}

impl Iterator for SegmentIter<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let index = self.indices.next()?;
        self.segments.store.get_next(index, &mut self.dated)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indices.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Segment> {
        self.segments.get(self.indices.nth(n)?)
    }
}

impl DoubleEndedIterator for SegmentIter<'_> {
    fn next_back(&mut self) -> Option<Segment> {
        self.segments.get(self.indices.next_back()?)
    }
}

impl ExactSizeIterator for SegmentIter<'_> {}
