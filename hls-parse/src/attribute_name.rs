//! The names of the attributes that the tags of the specification have, found by one look into a table.

/// One of [`NAMES`], by its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributeName(u8);

/// In the order of the alphabet.
const NAMES: [&str; 70] = [
    "ALLOWED-CPC",
    "ASSOC-LANGUAGE",
    "AUDIO",
    "AUTOSELECT",
    "AVERAGE-BANDWIDTH",
    "BANDWIDTH",
    "BIT-DEPTH",
    "BYTERANGE",
    "BYTERANGE-LENGTH",
    "BYTERANGE-START",
    "CAN-BLOCK-RELOAD",
    "CAN-SKIP-DATERANGES",
    "CAN-SKIP-UNTIL",
    "CHANNELS",
    "CHARACTERISTICS",
    "CLASS",
    "CLOSED-CAPTIONS",
    "CODECS",
    "CUE",
    "DATA-ID",
    "DEFAULT",
    "DURATION",
    "END-DATE",
    "END-ON-NEXT",
    "FORCED",
    "FORMAT",
    "FRAME-RATE",
    "GAP",
    "GROUP-ID",
    "HDCP-LEVEL",
    "HOLD-BACK",
    "ID",
    "IMPORT",
    "INDEPENDENT",
    "INSTREAM-ID",
    "IV",
    "KEYFORMAT",
    "KEYFORMATVERSIONS",
    "LANGUAGE",
    "LAST-MSN",
    "LAST-PART",
    "METHOD",
    "NAME",
    "PART-HOLD-BACK",
    "PART-TARGET",
    "PATHWAY-ID",
    "PLANNED-DURATION",
    "PRECISE",
    "QUERYPARAM",
    "RECENTLY-REMOVED-DATERANGES",
    "REQ-VIDEO-LAYOUT",
    "RESOLUTION",
    "SAMPLE-RATE",
    "SCORE",
    "SCTE35-CMD",
    "SCTE35-IN",
    "SCTE35-OUT",
    "SERVER-URI",
    "SKIPPED-SEGMENTS",
    "STABLE-RENDITION-ID",
    "STABLE-VARIANT-ID",
    "START-DATE",
    "SUBTITLES",
    "SUPPLEMENTAL-CODECS",
    "TIME-OFFSET",
    "TYPE",
    "URI",
    "VALUE",
    "VIDEO",
    "VIDEO-RANGE",
];

/// The names by [`slot`], as their place in [`NAMES`]; where there is none, any place will do.
const SLOTS: [u8; 256] = slots();

/// Tells all known names apart. The numbers were found by trying: when a name is added that shares its slot with another one, [`slots`] does not compile,
/// and others have to be found.
#[inline]
const fn slot(name: &[u8]) -> usize {
    let [first, .., last] = name else {
        return name.len();
    };
    let middle = name[name.len() / 2];
    let sum = name.len() * 49 + *first as usize * 54 + middle as usize * 27 + *last as usize * 37;
    sum % 256
}

const fn slots() -> [u8; 256] {
    let mut slots = [u8::MAX; 256];
    let mut place = 0u8;
    while (place as usize) < AttributeName::COUNT {
        let slot = &mut slots[slot(NAMES[place as usize].as_bytes())];
        assert!(*slot == u8::MAX, "two names have the same slot");
        *slot = place;
        place += 1;
    }
    let mut at = 0;
    while at < slots.len() {
        if slots[at] == u8::MAX {
            slots[at] = 0;
        }
        at += 1;
    }
    slots
}

impl AttributeName {
    /// How many there are.
    pub(crate) const COUNT: usize = NAMES.len();

    /// The name that is spelled like that; names are case-sensitive.
    #[inline]
    pub(crate) fn of(name: &str) -> Option<Self> {
        let place = SLOTS[slot(name.as_bytes())];
        (NAMES[place as usize] == name).then_some(Self(place))
    }

    /// As [`of`](Self::of), for a name that is known to be one.
    pub(crate) const fn known(name: &str) -> Self {
        let place = SLOTS[slot(name.as_bytes())];
        let (name, other) = (name.as_bytes(), NAMES[place as usize].as_bytes());
        assert!(name.len() == other.len(), "the name is not in the table");
        let mut at = 0;
        while at < name.len() {
            assert!(name[at] == other[at], "the name is not in the table");
            at += 1;
        }
        Self(place)
    }

    /// Its place among all, below [`COUNT`](Self::COUNT).
    #[inline]
    pub(crate) const fn place(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeName, NAMES};

    #[test]
    fn names_are_found_whole() {
        for (place, name) in NAMES.iter().enumerate() {
            assert_eq!(
                AttributeName::of(name).map(AttributeName::place),
                Some(place)
            );
            let (longer, lower) = (format!("{name}-"), name.to_ascii_lowercase());
            assert_eq!(AttributeName::of(&longer), None);
            assert_eq!(AttributeName::of(&lower), None);
            let shorter = name.get(1..).unwrap_or_default();
            assert!(AttributeName::of(shorter).is_none_or(|other| NAMES[other.place()] == shorter));
        }
        assert_eq!(AttributeName::of(""), None);
    }
}
