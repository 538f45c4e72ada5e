//! Films as several servers tell them.

use std::fmt::Write as _;

use hls_parse::Context;
use proptest::prelude::*;

use super::*;

/// A segment as one server tells it.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    file: String,
    milliseconds: u64,
    range: Option<u64>,
    discontinuity: bool,
    gap: bool,
    key: Option<u8>,
    folder: &'static str,
}

/// Where a server has it, and how it signs.
#[derive(Clone, Debug)]
struct Place {
    host: &'static str,
    folder: &'static str,
    /// A parameter that all addresses have.
    session: &'static str,
    signature: &'static str,
    digits: usize,
}

const HOME: Place = Place {
    host: "a.example",
    folder: "film",
    session: "",
    signature: "",
    digits: 3,
};

fn timeline(film: &[Told], place: &Place) -> Timeline {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:20\n#EXT-X-MEDIA-SEQUENCE:7\n",
    );
    let query = format!("{}{}", place.session, place.signature);
    let query = query.trim_end_matches('&');
    let base = format!("https://{}/{}", place.host, place.folder);
    writeln!(text, "#EXT-X-MAP:URI=\"{base}/init.mp4?{query}\"").unwrap();
    let mut key = None;
    for told in film {
        if told.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if told.key != key {
            key = told.key;
            match key {
                Some(key) => writeln!(
                    text,
                    "#EXT-X-KEY:METHOD=AES-128,URI=\"{base}/{key}.key?{query}\",IV=0x{key:032x}"
                ),
                None => writeln!(text, "#EXT-X-KEY:METHOD=NONE"),
            }
            .unwrap();
        }
        if told.gap {
            text.push_str("#EXT-X-GAP\n");
        }
        if let Some(length) = told.range {
            writeln!(text, "#EXT-X-BYTERANGE:{length}@{length}").unwrap();
        }
        let fraction = format!("{:03}000000", told.milliseconds % 1000);
        writeln!(
            text,
            "#EXTINF:{}.{},\n{base}{}/{}{}{query}",
            told.milliseconds / 1000,
            &fraction[..place.digits],
            told.folder,
            told.file,
            if told.file.contains('?') { '&' } else { '?' },
        )
        .unwrap();
    }
    text.push_str("#EXT-X-ENDLIST\n");
    let parsed = hls_parse::parse(text.as_bytes()).unwrap();
    let context = Context::new(Url::parse("https://a.example/media.m3u8").unwrap());
    parsed
        .playlist
        .as_media()
        .unwrap()
        .resolve(&context)
        .unwrap()
}

fn film() -> impl Strategy<Value = Vec<Told>> {
    let segment = (
        500..9000u64,
        prop::option::weighted(0.3, 1..1000u64),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.3, 0..3u8),
    );
    prop::collection::vec(segment, 2..12).prop_map(|segments| {
        let told = |(index, (milliseconds, range, discontinuity, gap, key))| Told {
            file: format!("s{index}.m4s"),
            milliseconds,
            range,
            discontinuity,
            gap,
            key,
            folder: "",
        };
        segments.into_iter().enumerate().map(told).collect()
    })
}

fn place() -> impl Strategy<Value = Place> {
    (
        prop::sample::select(vec!["a.example", "b.example"]),
        prop::sample::select(vec!["film", "token/8f3a/film", "t/2"]),
        prop::sample::select(vec!["", "session=17&", "session=18&"]),
        prop::sample::select(vec![
            "",
            "Expires=1&Signature=x",
            "hdnts=exp~1",
            "md5=a&e=5",
        ]),
        3..9usize,
    )
        .prop_map(|(host, folder, session, signature, digits)| Place {
            host,
            folder,
            session,
            signature,
            digits,
        })
}

/// One thing that makes another cut of a film, or spoils it.
#[derive(Clone, Copy, Debug)]
enum Change {
    Removed,
    Inserted,
    Swapped,
    Longer,
    Renamed,
    OtherRange,
    Discontinuity,
    Gap,
    OtherKey,
    OtherFolder,
}

fn change() -> impl Strategy<Value = Change> {
    prop::sample::select(vec![
        Change::Removed,
        Change::Inserted,
        Change::Swapped,
        Change::Longer,
        Change::Renamed,
        Change::OtherRange,
        Change::Discontinuity,
        Change::Gap,
        Change::OtherKey,
        Change::OtherFolder,
    ])
}

fn changed(film: &[Told], change: Change, at: usize) -> Vec<Told> {
    let mut film = film.to_vec();
    let other = (at + 1) % film.len();
    match change {
        Change::Removed => {
            film.remove(at);
        }
        Change::Inserted => film.insert(
            at,
            Told {
                file: "ad.m4s".to_owned(),
                ..film[at].clone()
            },
        ),
        Change::Swapped => film.swap(at, other),
        Change::Longer => film[at].milliseconds += 2,
        Change::Renamed => film[at].file = format!("v2-{}", film[at].file),
        Change::OtherRange => film[at].range = Some(film[at].range.unwrap_or(1000) + 1),
        Change::Discontinuity => film[at].discontinuity ^= true,
        Change::Gap => film[at].gap ^= true,
        Change::OtherKey => film[at].key = Some(film[at].key.map_or(1, |key| (key + 1) % 3)),
        Change::OtherFolder => film[at].folder = "/v2",
    }
    film
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Wherever it is and however it is signed, the same film is the same; what has moved is said to have.
    #[test]
    fn the_same_media_agree(film in film(), one in place(), other in place()) {
        let agreement = compare(&timeline(&film, &one), &timeline(&film, &other));
        let is_same = (one.host, one.folder, one.session) == (other.host, other.folder, other.session);
        let addresses = if is_same { Addresses::Same } else { Addresses::Moved };
        prop_assert_eq!(agreement, Ok(Agreement { addresses, appended: 0 }));
    }

    /// Whatever has changed, at whichever place, whether it has moved as well or not: it is never taken for the same, and something is named.
    #[test]
    fn what_has_changed_is_never_the_same(
        film in film(), one in place(), other in place(), change in change(), at in any::<prop::sample::Index>(),
    ) {
        let now = changed(&film, change, at.index(film.len()));
        // Added at the end, or renamed when the name is all there is to tell: the bytes decide.
        prop_assume!(now[..film.len().min(now.len())] != film[..]);
        let drift = compare(&timeline(&film, &one), &timeline(&now, &other));
        prop_assert!(drift.is_err(), "{:?} {:?}", change, drift);
        prop_assert!(!drift.unwrap_err().to_string().is_empty());
    }

    /// What a stream has been given since is no part of what is pinned.
    #[test]
    fn segments_may_follow(film in film(), more in film(), one in place(), other in place()) {
        let renamed = more.iter().enumerate().map(|(index, told)| Told {
            file: format!("more{index}.m4s"),
            ..told.clone()
        });
        let now: Vec<Told> = film.iter().cloned().chain(renamed).collect();
        let agreement = compare(&timeline(&film, &one), &timeline(&now, &other)).unwrap();
        prop_assert_eq!(agreement.appended, more.len());
    }
}

fn plain(files: &[&str]) -> Vec<Told> {
    let told = |file: &&str| Told {
        file: (*file).to_owned(),
        milliseconds: 4000,
        range: None,
        discontinuity: false,
        gap: false,
        key: None,
        folder: "",
    };
    files.iter().map(told).collect()
}

fn said(before: &[&str], now: &[&str]) -> String {
    let drift = compare(
        &timeline(&plain(before), &HOME),
        &timeline(&plain(now), &HOME),
    );
    drift.unwrap_err().to_string()
}

#[test]
fn a_drift_is_named() {
    assert_eq!(
        said(&["0", "1", "2"], &["0", "2"]),
        "1 segment is gone (8: 1)"
    );
    assert_eq!(
        said(&["0", "1"], &["ad", "0", "1"]),
        "1 segment is new (7: ad)"
    );
    assert_eq!(
        said(&["0", "1", "2", "3", "4"], &["0", "a", "b", "c", "d"]),
        "4 segments are gone (8: 1, 9: 2, 10: 3, …), 4 segments are new (8: a, 9: b, 10: c, …)"
    );
    assert_eq!(
        said(&["0", "1", "2"], &["1", "0", "2"]),
        "segments are in another order"
    );
    let mut longer = plain(&["0", "1"]);
    longer[1].milliseconds += 100;
    let drift = compare(
        &timeline(&plain(&["0", "1"]), &HOME),
        &timeline(&longer, &HOME),
    );
    assert_eq!(
        drift.unwrap_err().to_string(),
        "segment 8 has another duration"
    );
}

#[test]
fn a_parameter_may_be_the_name() {
    let now = Place {
        session: "session=18&",
        ..HOME
    };
    let numbered = plain(&["get?n=1", "get?n=2"]);
    let one = timeline(&numbered, &HOME);
    assert_eq!(
        compare(&one, &timeline(&numbered, &now)).map(|agreement| agreement.addresses),
        Ok(Addresses::Moved)
    );
    let others = plain(&["get?n=1", "get?n=3"]);
    assert!(compare(&one, &timeline(&others, &now)).is_err());
}
