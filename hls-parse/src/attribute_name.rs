//! The names of the attributes that the tags of the specification have, found by one look into a table.

/// Defines the enum of names and the table of their spellings, in the same order.
macro_rules! attribute_names {
    ($($name:ident = $text:literal,)+) => {
        /// The name of an attribute that some tag has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum AttributeName {
            $($name,)+
        }

        const NAMES: &[(AttributeName, &str)] = &[$((AttributeName::$name, $text),)+];
    };
}

attribute_names! {
    AllowedCpc = "ALLOWED-CPC",
    AssocLanguage = "ASSOC-LANGUAGE",
    Audio = "AUDIO",
    Autoselect = "AUTOSELECT",
    AverageBandwidth = "AVERAGE-BANDWIDTH",
    Bandwidth = "BANDWIDTH",
    BitDepth = "BIT-DEPTH",
    ByteRange = "BYTERANGE",
    ByteRangeLength = "BYTERANGE-LENGTH",
    ByteRangeStart = "BYTERANGE-START",
    CanBlockReload = "CAN-BLOCK-RELOAD",
    CanSkipDateRanges = "CAN-SKIP-DATERANGES",
    CanSkipUntil = "CAN-SKIP-UNTIL",
    Channels = "CHANNELS",
    Characteristics = "CHARACTERISTICS",
    Class = "CLASS",
    ClosedCaptions = "CLOSED-CAPTIONS",
    Codecs = "CODECS",
    Cue = "CUE",
    DataId = "DATA-ID",
    Default = "DEFAULT",
    Duration = "DURATION",
    EndDate = "END-DATE",
    EndOnNext = "END-ON-NEXT",
    Forced = "FORCED",
    Format = "FORMAT",
    FrameRate = "FRAME-RATE",
    Gap = "GAP",
    GroupId = "GROUP-ID",
    HdcpLevel = "HDCP-LEVEL",
    HoldBack = "HOLD-BACK",
    Id = "ID",
    Import = "IMPORT",
    Independent = "INDEPENDENT",
    InstreamId = "INSTREAM-ID",
    Iv = "IV",
    KeyFormat = "KEYFORMAT",
    KeyFormatVersions = "KEYFORMATVERSIONS",
    Language = "LANGUAGE",
    LastMsn = "LAST-MSN",
    LastPart = "LAST-PART",
    Method = "METHOD",
    Name = "NAME",
    PartHoldBack = "PART-HOLD-BACK",
    PartTarget = "PART-TARGET",
    PathwayId = "PATHWAY-ID",
    PlannedDuration = "PLANNED-DURATION",
    Precise = "PRECISE",
    QueryParam = "QUERYPARAM",
    RecentlyRemovedDateRanges = "RECENTLY-REMOVED-DATERANGES",
    ReqVideoLayout = "REQ-VIDEO-LAYOUT",
    Resolution = "RESOLUTION",
    SampleRate = "SAMPLE-RATE",
    Score = "SCORE",
    Scte35Cmd = "SCTE35-CMD",
    Scte35In = "SCTE35-IN",
    Scte35Out = "SCTE35-OUT",
    ServerUri = "SERVER-URI",
    SkippedSegments = "SKIPPED-SEGMENTS",
    StableRenditionId = "STABLE-RENDITION-ID",
    StableVariantId = "STABLE-VARIANT-ID",
    StartDate = "START-DATE",
    Subtitles = "SUBTITLES",
    SupplementalCodecs = "SUPPLEMENTAL-CODECS",
    TimeOffset = "TIME-OFFSET",
    Type = "TYPE",
    Uri = "URI",
    Value = "VALUE",
    Video = "VIDEO",
    VideoRange = "VIDEO-RANGE",
}

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

/// The names by [`slot`]; where there is none, any will do.
static SLOTS: [(AttributeName, &str); 256] = slots();

const fn slots() -> [(AttributeName, &'static str); 256] {
    let mut slots = [NAMES[0]; 256];
    let mut taken = [false; 256];
    let mut place = 0;
    while place < NAMES.len() {
        let slot = slot(NAMES[place].1.as_bytes());
        assert!(!taken[slot], "two names have the same slot");
        taken[slot] = true;
        slots[slot] = NAMES[place];
        place += 1;
    }
    slots
}

/// Whether two names are equal. They are too short for a call to be worth it: words at the start and at the end, which may overlap, cover nearly all.
#[inline]
fn is_same(text: &[u8], spelled: &[u8]) -> bool {
    if text.len() != spelled.len() {
        return false;
    }
    match text.len() {
        8..=16 => {
            text.first_chunk::<8>() == spelled.first_chunk()
                && text.last_chunk::<8>() == spelled.last_chunk()
        }
        4..=7 => {
            text.first_chunk::<4>() == spelled.first_chunk()
                && text.last_chunk::<4>() == spelled.last_chunk()
        }
        _ => text == spelled,
    }
}

impl AttributeName {
    /// How many there are.
    pub(crate) const COUNT: usize = NAMES.len();

    /// The name that is spelled like that; names are case-sensitive.
    #[inline]
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (name, spelled) = SLOTS[slot(text.as_bytes())];
        is_same(text.as_bytes(), spelled.as_bytes()).then_some(name)
    }

    /// As it is spelled.
    pub(crate) fn as_str(self) -> &'static str {
        NAMES.get(self.place()).map_or("", |(_, text)| text)
    }

    /// As [`of`](Self::of), for a name that is known to be one.
    pub(crate) const fn known(text: &str) -> Self {
        const TABLE: [(AttributeName, &str); 256] = slots();
        let (name, spelled) = TABLE[slot(text.as_bytes())];
        let (text, spelled) = (text.as_bytes(), spelled.as_bytes());
        assert!(text.len() == spelled.len(), "the name is not in the table");
        let mut at = 0;
        while at < text.len() {
            assert!(text[at] == spelled[at], "the name is not in the table");
            at += 1;
        }
        name
    }

    /// Its place among all, below [`COUNT`](Self::COUNT).
    #[inline]
    pub(crate) const fn place(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeName, NAMES};

    #[test]
    fn names_are_found_whole() {
        for (place, (name, text)) in NAMES.iter().enumerate() {
            assert_eq!(AttributeName::of(text), Some(*name));
            assert_eq!(name.place(), place);
            let (longer, lower) = (format!("{text}-"), text.to_ascii_lowercase());
            assert_eq!(AttributeName::of(&longer), None);
            assert_eq!(AttributeName::of(&lower), None);
            let shorter = text.get(1..).unwrap_or_default();
            assert!(
                AttributeName::of(shorter).is_none_or(|other| NAMES[other.place()].1 == shorter)
            );
        }
        assert_eq!(AttributeName::of(""), None);
    }
}
