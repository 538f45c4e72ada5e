//! Recording low-latency streams (RFC 8216bis, appendix B): right, close behind the edge, and from parts where there is nothing else.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use offline_cli::session::{Ended, LiveOptions};

use crate::live::Recorder;
use crate::stream::transport_stream;

const PART: Duration = Duration::from_millis(250);
const PARTS: usize = 4;
/// What is listed when the stream is first looked at.
const BEFORE: usize = 9;

/// An origin that goes on by the clock: a part every 250 ms, a segment every second.
struct Origin {
    began: Instant,
    /// Parts that there will be, before the stream ends.
    parts: usize,
    /// Segments that are not to be had as a whole.
    lost: Vec<usize>,
    /// What was asked for, and when.
    requests: Mutex<Vec<(String, Duration)>>,
}

fn segment(number: usize) -> Vec<u8> {
    transport_stream(number as u64 + 1, 8)
}

fn part(number: usize, index: usize) -> Vec<u8> {
    let bytes = segment(number);
    let length = bytes.len() / 188 / PARTS * 188;
    let end = if index + 1 == PARTS {
        bytes.len()
    } else {
        (index + 1) * length
    };
    bytes[index * length..end].to_vec()
}

impl Origin {
    fn start(segments: usize, left: usize, lost: Vec<usize>) -> (Arc<Self>, String) {
        let origin = Arc::new(Self {
            began: Instant::now(),
            parts: segments * PARTS + left,
            lost,
            requests: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/live.m3u8", listener.local_addr().unwrap());
        let served = Arc::clone(&origin);
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let origin = Arc::clone(&served);
                std::thread::spawn(move || origin.serve(&stream.unwrap()));
            }
        });
        (origin, url)
    }

    /// When so many parts are there.
    fn time_of(parts: usize) -> Duration {
        PART * u32::try_from(parts.saturating_sub(BEFORE * PARTS)).unwrap()
    }

    fn published(&self) -> usize {
        let passed = self.began.elapsed().as_millis() / PART.as_millis();
        (usize::try_from(passed).unwrap() + BEFORE * PARTS).min(self.parts)
    }

    fn playlist(&self, parts: usize, is_delta: bool) -> String {
        let whole = parts / PARTS;
        let mut text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.25\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.75,CAN-SKIP-UNTIL=6\n#EXT-X-MEDIA-SEQUENCE:0\n".to_owned();
        let skipped = if is_delta { whole.saturating_sub(6) } else { 0 };
        if skipped > 0 {
            writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}").unwrap();
        }
        for number in skipped..=whole {
            let listed = (parts - number * PARTS).min(PARTS);
            if number + 2 >= whole {
                for index in 0..listed {
                    writeln!(
                        text,
                        "#EXT-X-PART:DURATION=0.25,URI=\"p{number}.{index}.ts\""
                    )
                    .unwrap();
                }
            }
            if number < whole {
                writeln!(text, "#EXTINF:1,\ns{number}.ts").unwrap();
            }
        }
        if parts == self.parts {
            text.push_str("#EXT-X-ENDLIST\n");
        } else {
            let (number, index) = (whole, parts % PARTS);
            writeln!(
                text,
                "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p{number}.{index}.ts\""
            )
            .unwrap();
        }
        text
    }

    fn answer(&self, target: &str) -> Option<Vec<u8>> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let directive = |name: &str| {
            let value = query.split('&').find_map(|one| one.strip_prefix(name));
            value.map(|value| value.parse::<usize>().unwrap())
        };
        if path == "/live.m3u8" {
            // Without a part the whole segment is waited for.
            let wanted = directive("_HLS_msn=").map_or(0, |number| {
                directive("_HLS_part=")
                    .map_or((number + 1) * PARTS, |part| number * PARTS + part + 1)
            });
            while self.published() < wanted.min(self.parts) {
                std::thread::sleep(Duration::from_millis(2));
            }
            return Some(
                self.playlist(self.published(), query.contains("_HLS_skip=YES"))
                    .into_bytes(),
            );
        }
        let (name, _) = path.rsplit_once('.')?;
        if let Some(number) = name.strip_prefix("/s") {
            let number = number.parse().unwrap();
            let is_there = (number + 1) * PARTS <= self.published() && !self.lost.contains(&number);
            return is_there.then(|| segment(number));
        }
        let (number, index) = name.strip_prefix("/p")?.split_once('.')?;
        Some(part(number.parse().unwrap(), index.parse().unwrap()))
    }

    /// Answers one request; whoever asked may be gone.
    fn serve(&self, mut stream: &TcpStream) {
        let mut lines = BufReader::new(stream).lines();
        let Some(Ok(first)) = lines.next() else {
            return;
        };
        let _ = lines.map_while(Result::ok).find(String::is_empty);
        let target = first.split(' ').nth(1).unwrap_or("/");
        let at = self.began.elapsed();
        self.requests.lock().unwrap().push((target.to_owned(), at));
        let (status, body) = self
            .answer(target)
            .map_or((404, Vec::new()), |body| (200, body));
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} .\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&body);
    }

    fn asked(&self, path: &str) -> Vec<Duration> {
        let requests = self.requests.lock().unwrap();
        let asked = requests.iter().filter(|(target, _)| target == path);
        asked.map(|(_, at)| *at).collect()
    }
}

fn from_start() -> LiveOptions {
    let mut live = LiveOptions::default();
    live.from_start = true;
    live
}

#[test]
fn a_low_latency_stream_is_recorded_right_behind_its_edge() {
    let (origin, url) = Origin::start(15, 2, vec![11]);
    let recorder = Recorder::new();
    let recording = recorder.record(&url, from_start()).unwrap();
    assert_eq!(
        (recording.ended, recording.outcome.gaps),
        (Ended::Stream, vec![])
    );
    let mut expected: Vec<_> = (0..15).map(|number| Some(segment(number))).collect();
    // The stream ended in the middle of a segment.
    expected.extend([0, 1].map(|index| Some(part(15, index))));
    assert!(recorder.segments() == expected);
    // One segment could be had in parts only; else there is no need for them.
    assert_eq!(origin.asked("/p11.0.ts").len(), 1);
    assert!(origin.asked("/p12.0.ts").is_empty());
    let mut behind: Vec<Duration> = (BEFORE..15)
        .map(|number| {
            let asked = origin.asked(&format!("/s{number}.ts"));
            asked[0].saturating_sub(Origin::time_of((number + 1) * PARTS))
        })
        .collect();
    behind.sort_unstable();
    assert!(behind[behind.len() / 2] < PART, "{behind:?}");
    // One look for each segment, not one for each part.
    let requests = origin.requests.lock().unwrap();
    let looks = requests
        .iter()
        .filter(|(target, _)| target.starts_with("/live"));
    let (blocking, others): (Vec<_>, Vec<_>) =
        looks.partition(|(target, _)| target.contains("_HLS_msn"));
    assert!(
        (6..12).contains(&blocking.len()) && others.len() < 4,
        "{requests:?}"
    );
    assert!(
        blocking
            .iter()
            .any(|(target, _)| target.contains("_HLS_skip=YES"))
    );
}

#[test]
fn parts_that_are_recorded_are_not_recorded_again() {
    let (_, url) = Origin::start(BEFORE, 3, vec![]);
    let recorder = Recorder::new();
    for _ in 0..2 {
        let recording = recorder.record(&url, from_start()).unwrap();
        assert_eq!(
            (recording.ended, recording.outcome.gaps),
            (Ended::Stream, vec![])
        );
        assert_eq!(recorder.segments().len(), BEFORE + 3);
    }
}
