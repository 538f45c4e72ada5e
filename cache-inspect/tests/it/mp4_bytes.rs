//! MP4 bytes, made box by box.

/// A box of this type around the parts.
pub(crate) fn boxed(kind: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let size = u32::try_from(payload.len() + 8).unwrap();
    [&size.to_be_bytes(), kind.as_slice(), &payload].concat()
}

/// A box that starts with a version and flags.
pub(crate) fn full(kind: [u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let word = u32::from(version) << 24 | flags;
    boxed(kind, &[&word.to_be_bytes(), &parts.concat()])
}

pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A track of this number, handler and timescale with these sample entries.
pub(crate) fn trak(id: u32, handler: [u8; 4], timescale: u32, entries: &[&[u8]]) -> Vec<u8> {
    let count = words(&[u32::try_from(entries.len()).unwrap()]);
    let stsd = full(*b"stsd", 0, 0, &[&count, &entries.concat()]);
    let mdia = boxed(
        *b"mdia",
        &[
            &full(*b"mdhd", 1, 0, &[&[0; 16], &words(&[timescale, 0, 0, 0])]),
            &full(*b"hdlr", 0, 0, &[&[0; 4], &handler, &[0; 12]]),
            &boxed(*b"minf", &[&boxed(*b"stbl", &[&stsd])]),
        ],
    );
    let tkhd = full(*b"tkhd", 0, 3, &[&words(&[0, 0, id]), &[0; 60]]);
    boxed(*b"trak", &[&tkhd, &mdia])
}

pub(crate) const KEY_ID: [u8; 16] = *b"0123456789abcdef";

/// Encrypted H.264.
pub(crate) fn encv() -> Vec<u8> {
    let tenc = full(*b"tenc", 1, 0, &[&[0, 0x19, 1, 0], &KEY_ID]);
    let sinf = boxed(
        *b"sinf",
        &[
            &boxed(*b"frma", &[b"avc1"]),
            &full(*b"schm", 0, 0, &[b"cbcs", &[0, 1, 0, 0]]),
            &boxed(*b"schi", &[&tenc]),
        ],
    );
    boxed(*b"encv", &[&[0; 78], &boxed(*b"avcC", &[&[1; 8]]), &sinf])
}

/// An initialization section with encrypted video as track 1 and clear audio as track 2.
pub(crate) fn init() -> Vec<u8> {
    let clear = boxed(*b"avc1", &[&[0; 78]]);
    let mvex = boxed(
        *b"mvex",
        &[
            &full(*b"trex", 0, 0, &[&words(&[1, 1, 512, 0, 0])]),
            &full(*b"trex", 0, 0, &[&words(&[2, 1, 1024, 0, 0])]),
        ],
    );
    let moov = boxed(
        *b"moov",
        &[
            &full(*b"mvhd", 0, 0, &[&[0; 96]]),
            &trak(1, *b"vide", 12_800, &[&clear, &encv()]),
            &trak(2, *b"soun", 48_000, &[&boxed(*b"mp4a", &[&[0; 28]])]),
            &mvex,
        ],
    );
    let ftyp = boxed(*b"ftyp", &[b"iso6", &[0; 4], b"iso6dash"]);
    [ftyp, moov].concat()
}

/// A segment with one fragment: three samples of track 1 with durations and sizes, two of track 2 of the
/// default duration.
pub(crate) fn segment() -> Vec<u8> {
    let video = boxed(
        *b"traf",
        &[
            &full(*b"tfhd", 0, 0x02_0000, &[&words(&[1])]),
            &full(*b"tfdt", 1, 0, &[&(1_u64 << 33).to_be_bytes()]),
            &full(
                *b"trun",
                0,
                0x305,
                &[&words(&[3, 100, 0, 500, 11, 512, 12, 524, 13])],
            ),
        ],
    );
    let audio = boxed(
        *b"traf",
        &[
            &full(*b"tfhd", 0, 0x02_0000, &[&words(&[2])]),
            &full(*b"tfdt", 0, 0, &[&words(&[96_000])]),
            &full(*b"trun", 0, 0x200, &[&words(&[2, 7, 8])]),
        ],
    );
    let mfhd = full(*b"mfhd", 0, 0, &[&words(&[42])]);
    [
        boxed(*b"styp", &[b"msdh", &[0; 4]]),
        boxed(*b"moof", &[&mfhd, &video, &audio]),
        boxed(*b"mdat", &[&[0; 51]]),
    ]
    .concat()
}
