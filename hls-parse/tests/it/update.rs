//! Updates and what is asked for, case by case.

use std::time::Duration;

use hls_parse::{Change, DeliveryDirectives, ErrorKind, SkipDirective, Timeline, Update};
use url::Url;

use crate::{context, media, timeline};

fn live(first: u64, names: &[&str], rest: &str) -> String {
    let segments = names.iter().map(|name| format!("#EXTINF:4,\n{name}\n"));
    let segments = segments.collect::<Vec<_>>().concat();
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{first}\n{segments}{rest}")
}

fn update(before: &str, after: &str) -> Update {
    timeline(before).update(&media(after), &context()).unwrap()
}

fn uris(timeline: &Timeline) -> Vec<&str> {
    (0..timeline.segments().len())
        .map(|index| timeline.segment_uri(index))
        .collect()
}

#[test]
fn what_is_new_is_told() {
    let before = live(3, &["3", "4", "5"], "");
    let later = update(&before, &live(4, &["4", "5", "6"], ""));
    assert_eq!(
        (later.change, later.added, later.removed, later.missed),
        (Change::Advanced, 2..3, 1, 0)
    );
    let gone = update(&before, &live(9, &["9"], ""));
    assert_eq!(
        (gone.change, gone.added, gone.removed, gone.missed),
        (Change::Advanced, 0..1, 3, 3)
    );
    assert_eq!(update(&before, &before).change, Change::Unchanged);
    let ended = update(&before, &live(3, &["3", "4", "5"], "#EXT-X-ENDLIST\n"));
    assert_eq!((ended.change, ended.added), (Change::Advanced, 3..3));
    assert_eq!(update(&live(3, &[], ""), &before).added, 0..3);
    assert_eq!(
        update(&before, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n").change,
        Change::Stale
    );
}

#[test]
fn parts_that_are_new_are_told() {
    let part = |number: u32| format!("#EXT-X-PART:DURATION=1,URI=\"p{number}\"\n");
    let before = live(3, &["3"], &[part(0), part(1)].concat());
    let more = update(
        &before,
        &live(3, &["3"], &[part(0), part(1), part(2)].concat()),
    );
    assert_eq!(
        (more.change, more.added, more.added_parts),
        (Change::Advanced, 1..1, 2..3)
    );
    let whole = live(
        3,
        &["3"],
        &format!(
            "{}{}{}#EXTINF:4,\n4\n{}",
            part(0),
            part(1),
            part(2),
            part(0)
        ),
    );
    let whole = update(&before, &whole);
    assert_eq!(
        (whole.change, whole.added, whole.added_parts),
        (Change::Advanced, 1..2, 2..4)
    );
    let fewer = update(&before, &live(3, &["3"], &part(0)));
    assert_eq!(fewer.change, Change::Stale);
    let hinted = update(
        &before,
        &format!("{before}#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p2\"\n"),
    );
    assert_eq!(hinted.change, Change::Advanced);
}

#[test]
fn old_numbers_are_a_stale_copy_or_a_new_stream() {
    let before = live(10, &["a10", "a11", "a12"], "");
    let lagging = update(
        &before,
        &live(9, &["a9", "http://other.example/x/a10?token=2", "a11"], ""),
    );
    assert_eq!(
        (lagging.change, uris(&lagging.timeline)),
        (Change::Stale, vec!["a10", "a11", "a12"])
    );
    let restarted = update(&before, &live(0, &["b0"], ""));
    assert_eq!(
        (restarted.change, restarted.timeline.epoch()),
        (Change::Restarted, 1)
    );
    assert_eq!(uris(&restarted.timeline), ["b0"]);
    let overlapping = update(&before, &live(10, &["b10", "b11", "b12", "b13"], ""));
    assert_eq!(
        (overlapping.change, overlapping.added),
        (Change::Restarted, 0..4)
    );
    let again = restarted
        .timeline
        .update(&media(&live(0, &["b0", "b1"], "")), &context())
        .unwrap();
    assert_eq!(
        (again.change, again.timeline.epoch(), again.added),
        (Change::Advanced, 1, 1..2)
    );
}

#[test]
fn dates_tell_streams_apart_when_names_do_not() {
    let at = |hour: u32, first: u64, names: &[&str]| {
        live(first, names, "").replacen(
            "#EXTINF",
            &format!("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T{hour:02}:00:00Z\n#EXTINF"),
            1,
        )
    };
    let before = at(5, 10, &["s10", "s11"]);
    assert_eq!(
        update(&before, &at(7, 0, &["s0"])).change,
        Change::Restarted
    );
    assert_eq!(update(&before, &at(4, 0, &["s0"])).change, Change::Stale);
    assert_eq!(
        update(&at(5, 0, &["s0", "s1", "s2"]), &at(6, 0, &["s0", "s1"])).change,
        Change::Restarted
    );
    let renamed = update(&before, &at(5, 10, &["t10", "t11", "t12"]));
    assert_eq!((renamed.change, renamed.added), (Change::Advanced, 2..3));
}

#[test]
fn a_known_date_stays_when_its_tag_has_left() {
    let before = live(0, &["0", "1"], "").replacen(
        "#EXTINF",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF",
        1,
    );
    let after = update(&before, &live(1, &["1", "2"], "")).timeline;
    let dates: Vec<_> = after
        .segments()
        .iter()
        .map(|segment| segment.program_date_time.unwrap().to_string())
        .collect();
    assert_eq!(dates, ["2026-01-01T00:00:04Z", "2026-01-01T00:00:08Z"]);
    assert_eq!(
        after.pending().program_date_time,
        "2026-01-01T00:00:12Z".parse().ok()
    );
    let far = update(&before, &live(7, &["7"], "")).timeline;
    assert_eq!(far.segments().get(0).unwrap().program_date_time, None);
}

#[test]
fn a_copy_that_contradicts_known_dates_stays_the_same_copy() {
    let date = |minute: u32| format!("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{minute:02}:00Z\n");
    let before = live(3, &["3", "4", "5"], "").replacen("#EXTINF", &(date(0) + "#EXTINF"), 1);
    // Counted back from what it says of segment 6, segment 4 is an hour later than it was known to be.
    let after = live(4, &["4", "5"], &format!("{}#EXTINF:4,\n6\n", date(59)));
    let once = update(&before, &after);
    assert_eq!((once.change, once.removed), (Change::Advanced, 1));
    let dates = |timeline: &Timeline| -> Vec<String> {
        let dates = timeline
            .segments()
            .iter()
            .map(|segment| segment.program_date_time);
        dates.map(|date| date.unwrap().to_string()).collect()
    };
    let expected = [
        "2026-01-01T00:00:04Z",
        "2026-01-01T00:00:08Z",
        "2026-01-01T00:59:00Z",
    ];
    assert_eq!(dates(&once.timeline), expected);
    let again = once.timeline.update(&media(&after), &context()).unwrap();
    assert_eq!(
        (again.change, again.timeline.epoch()),
        (Change::Unchanged, 0)
    );
    assert_eq!(dates(&again.timeline), expected);
    // A stated date that differs from one that was known is another stream's, whatever the names.
    let stated = live(4, &["4", "5", "6"], "").replacen("#EXTINF", &(date(30) + "#EXTINF"), 1);
    let other = again.timeline.update(&media(&stated), &context()).unwrap();
    assert_eq!(
        (other.change, other.timeline.epoch()),
        (Change::Restarted, 1)
    );
    // So are other names, where dates prove nothing.
    let renamed = after
        .replace("\n4\n", "\nx\n")
        .replace("\n5\n", "\ny\n")
        .replace("T00:59", "T12:00");
    let other = update(&before, &renamed);
    assert_eq!(
        (other.change, other.timeline.epoch()),
        (Change::Restarted, 1)
    );
}

#[test]
fn delta_updates_that_do_not_fit_need_a_full_playlist() {
    let before = timeline(&live(10, &["10", "11", "12"], ""));
    let delta = |first: u64, skip: &str, names: &[&str]| {
        let text =
            live(first, names, "").replacen("#EXTINF", &format!("#EXT-X-SKIP:{skip}\n#EXTINF"), 1);
        before
            .update(&media(&text), &context())
            .map(|update| uris(&update.timeline).join(" "))
    };
    assert_eq!(
        delta(11, "SKIPPED-SEGMENTS=2", &["13"]).unwrap(),
        "11 12 13"
    );
    assert_eq!(
        delta(10, "SKIPPED-SEGMENTS=2", &["12", "13"]).unwrap(),
        "10 11 12 13"
    );
    // What it was called before it was part of the specification.
    assert_eq!(delta(11, "NUM=2", &["13"]).unwrap(), "11 12 13");
    for (first, skip, name) in [
        (9, "SKIPPED-SEGMENTS=2", "11"),
        (11, "SKIPPED-SEGMENTS=3", "14"),
        (20, "SKIPPED-SEGMENTS=1", "21"),
        (11, "SKIPPED-SEGMENTS=18446744073709551615", "13"),
        (11, "NUM=3", "14"),
        (11, "SKIPPED-SEGMENTS=2,REQ-NEW=1", "13"),
        (10, "SKIPPED-SEGMENTS=2", "other"),
    ] {
        assert_eq!(
            delta(first, skip, &[name]).unwrap_err().kind(),
            ErrorKind::NeedFullReload,
            "{first} {skip}"
        );
    }
    let late = live(
        10,
        &["10"],
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF:4,\n12\n",
    );
    assert_eq!(
        before.update(&media(&late), &context()).unwrap_err().kind(),
        ErrorKind::NeedFullReload
    );
}

#[test]
fn skipped_segments_keep_their_url_when_the_playlist_moves() {
    let before = timeline(&live(10, &["10", "?query"], ""));
    let delta =
        live(10, &["12"], "").replacen("#EXTINF", "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXTINF", 1);
    let urls = |url: &str| {
        let moved = hls_parse::Context::new(Url::parse(url).unwrap());
        let timeline = before.update(&media(&delta), &moved).unwrap().timeline;
        (0..3)
            .map(|index| timeline.segment_url(index).to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        urls("https://other.example/b/live.m3u8"),
        [
            "https://example.com/film/10",
            "https://example.com/film/index.m3u8?query",
            "https://other.example/b/12"
        ]
    );
    assert_eq!(
        urls("https://example.com/film/index.m3u8?_HLS_skip=YES"),
        [
            "https://example.com/film/10",
            "https://example.com/film/index.m3u8?query",
            "https://example.com/film/12"
        ]
    );
}

#[test]
fn date_ranges_are_kept_unless_removed() {
    let range = |id: &str, rest: &str| format!("#EXT-X-DATERANGE:ID=\"{id}\"{rest}\n");
    let start = ",START-DATE=\"2026-01-01T00:00:00Z\"";
    let list = ",CLASS=\"com.apple.hls.interstitial\",X-ASSET-LIST=\"list.json\"";
    let all = [
        range("a", start),
        range("b", &format!("{start}{list}")),
        range("c", start),
    ]
    .concat();
    let before = timeline(&live(0, &["0", "1"], &all));
    let delta = |skip: &str| {
        let text = live(
            0,
            &["2"],
            &[range("c", ",DURATION=2"), range("d", start)].concat(),
        );
        let text = text.replacen(
            "#EXTINF",
            &format!("#EXT-X-SKIP:SKIPPED-SEGMENTS=2{skip}\n#EXTINF"),
            1,
        );
        before
            .update(
                &media(&text),
                &hls_parse::Context::new(Url::parse("https://moved.example/").unwrap()),
            )
            .unwrap()
            .timeline
    };
    let v2 = delta(",RECENTLY-REMOVED-DATERANGES=\"a\tz\"");
    let ids: Vec<_> = v2
        .date_ranges()
        .iter()
        .map(|range| range.id.as_str())
        .collect();
    assert_eq!(ids, ["b", "c", "d"]);
    assert_eq!(
        v2.date_ranges()[0].interstitial,
        before.date_ranges()[1].interstitial
    );
    assert!(v2.date_ranges()[0].interstitial.is_some());
    assert_eq!(v2.date_ranges()[1].duration, Some(Duration::from_secs(2)));
    let v1 = delta("");
    assert_eq!(v1.date_ranges().len(), 1);
}

#[test]
fn reloads_wait_a_target_duration_or_half_of_it() {
    let timeline = timeline(&live(0, &["0"], ""));
    assert_eq!(
        timeline.reload_delay(Change::Advanced.is_news()),
        Some(Duration::from_secs(4))
    );
    assert_eq!(
        timeline.reload_delay(Change::Unchanged.is_news()),
        Some(Duration::from_secs(2))
    );
    assert_eq!(
        timeline.reload_delay(Change::Stale.is_news()),
        Some(Duration::from_secs(2))
    );
    let ended = crate::timeline(&live(0, &["0"], "#EXT-X-ENDLIST\n"));
    assert_eq!(ended.reload_delay(true), None);
    assert_eq!(
        ended.next_directives(Duration::ZERO),
        DeliveryDirectives::default()
    );
    let odd = crate::timeline("#EXTM3U\n#EXTINF:3,\na\n");
    assert_eq!(odd.reload_delay(true), Some(Duration::from_secs(3)));
}

#[test]
fn directives_follow_what_the_server_can_do() {
    let control = |control: &str, rest: &str| {
        let text = live(7, &["7"], rest);
        timeline(&text.replacen(
            "#EXTINF",
            &format!("#EXT-X-SERVER-CONTROL:{control}\n#EXTINF"),
            1,
        ))
    };
    let parts = "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-PART:DURATION=1,URI=\"p\"\n";
    let url = Url::parse(
        "https://example.com/live.m3u8?b=1&_HLS_skip=YES&a&_HLS_z=2&_HLS_pathway=%22x%22",
    )
    .unwrap();
    let ask = |timeline: &Timeline, age: u64| {
        let directives = timeline.next_directives(Duration::from_secs(age));
        directives.apply_to(&url).query().unwrap().to_owned()
    };
    let plain = "b=1&a&_HLS_pathway=%22x%22&_HLS_z=2";
    assert_eq!(ask(&control("HOLD-BACK=12", parts), 0), plain);
    assert_eq!(
        ask(&control("CAN-BLOCK-RELOAD=YES", ""), 0),
        "b=1&a&_HLS_msn=8&_HLS_pathway=%22x%22&_HLS_z=2"
    );
    assert_eq!(
        ask(&control("CAN-BLOCK-RELOAD=YES", parts), 0),
        "b=1&a&_HLS_msn=8&_HLS_part=1&_HLS_pathway=%22x%22&_HLS_z=2"
    );
    let skipping = control("CAN-SKIP-UNTIL=24", "");
    assert_eq!(
        skipping.next_directives(Duration::from_secs(12)).skip,
        Some(SkipDirective::Segments)
    );
    assert_eq!(skipping.next_directives(Duration::from_secs(13)).skip, None);
    let both = control("CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES", "");
    assert_eq!(
        ask(&both, 1),
        "b=1&a&_HLS_pathway=%22x%22&_HLS_skip=v2&_HLS_z=2"
    );
    let bare = Url::parse("https://example.com/a?_HLS_msn=1").unwrap();
    assert_eq!(
        DeliveryDirectives::default().apply_to(&bare).as_str(),
        "https://example.com/a"
    );
}

#[test]
fn reports_are_found_by_playlist_and_say_what_to_ask_for() {
    let reports =
        "#EXT-X-RENDITION-REPORT:URI=\"../b/live.m3u8?q=1&_HLS_msn=3\",LAST-MSN=9,LAST-PART=2\n";
    let timeline = timeline(&live(7, &["7"], reports));
    let url = Url::parse("https://example.com/b/live.m3u8?_HLS_part=4&q=1").unwrap();
    let report = timeline.rendition_report(&url).unwrap();
    let asked = report.directives().apply_to(&report.url);
    assert_eq!(
        asked.as_str(),
        "https://example.com/b/live.m3u8?q=1&_HLS_msn=9&_HLS_part=2"
    );
    assert!(report.directives().is_blocking());
    let other = Url::parse("https://example.com/b/live.m3u8?q=2").unwrap();
    assert_eq!(timeline.rendition_report(&other), None);
}
