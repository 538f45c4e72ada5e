//! How hls-parse compares: speed beside other parsers, memory beside the text, time for twice the input.
//!
//! Prints tables; the last line is a JSON object. Times are the best of many rounds in which all take turns, so that a busy machine slows all alike.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its result, and one that cannot go on has failed"
)]

mod common;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use common::parsers::{PARSERS, context, ours, resolved};
use common::playlists::{self, Input, inputs};
use hls_parse::{Context, Document, LocalKey, LocalMedia, LocalMultivariant, Multivariant, lines};

const ROUNDS: usize = 6;
/// How often each runs when it is its turn: memory that is mapped afresh each time would say more about the system.
const TURN: usize = 4;
/// Rounds in which a playlist and one twice as long take turns.
const GROWTH_ROUNDS: usize = 12;

/// The playlist with partial segments, which m3u8-rs keeps as mere strings.
const LOW_LATENCY: &str = "low-latency-5mb";
const PLAIN: &str = "plain-10mb";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = arguments.as_slice()
        && flag == "--peak"
    {
        let input = inputs().into_iter().find(|input| input.name == name);
        println!("{:.3}", peak(&input.unwrap()).unwrap_or(f64::NAN));
    } else if arguments.iter().any(|argument| argument == "--bench") {
        println!("{}", Report::measure(&inputs()).json());
    } else {
        // `cargo test --all-targets` runs this too; it is not there to measure.
        println!("run it with cargo bench");
    }
}

/// What the last line says.
struct Report {
    against_m3u8_rs: f64,
    against_m3u8_rs_low_latency: f64,
    plain: f64,
    lines: f64,
    write: f64,
    memory: Option<f64>,
    growth: f64,
}

impl Report {
    fn measure(inputs: &[Input]) -> Self {
        let mut report = Self {
            against_m3u8_rs: f64::INFINITY,
            against_m3u8_rs_low_latency: f64::INFINITY,
            plain: f64::INFINITY,
            lines: f64::INFINITY,
            write: f64::INFINITY,
            memory: None,
            growth: 0.0,
        };
        report.speed(inputs);
        report.pieces(inputs);
        report.memory(inputs);
        report.growth();
        report
    }

    fn speed(&mut self, inputs: &[Input]) {
        println!("parsed and resolved, MB/s (times m3u8-rs)");
        for input in inputs {
            let runs: Vec<_> = PARSERS
                .iter()
                .map(|parser| move || (parser.run)(input))
                .collect();
            let rates: Vec<Option<f64>> = best(&runs)
                .into_iter()
                .map(|time| time.map(|time| rate(input.text.len(), time)))
                .collect();
            let [Some(own), Some(theirs)] = rates[..2] else {
                println!("{:<20}refused", input.name);
                continue;
            };
            let mut line = format!("{:<20}", input.name);
            for (parser, rate) in PARSERS.iter().zip(&rates) {
                match rate {
                    Some(rate) => {
                        write!(line, "  {} {rate:.0} ({:.2})", parser.name, rate / theirs)
                    }
                    None => write!(line, "  {} refuses", parser.name),
                }
                .unwrap();
            }
            println!("{line}");
            let worst = if input.name == LOW_LATENCY {
                &mut self.against_m3u8_rs_low_latency
            } else {
                &mut self.against_m3u8_rs
            };
            *worst = worst.min(own / theirs);
            if input.name == PLAIN {
                self.plain = own;
            }
        }
    }

    fn pieces(&mut self, inputs: &[Input]) {
        println!("alone, MB/s");
        for input in inputs.iter().filter(|input| input.is_media) {
            let timeline = resolved(&input.text);
            let local = Everything::new(timeline.segments().len());
            let length = timeline.write_local(&local, true).len();
            let anew = timeline.write().unwrap().len();
            let document = Document::parse(input.text.as_bytes()).unwrap();
            let text = input.text.as_bytes();
            let runs: [&dyn Fn() -> Option<usize>; 4] = [
                &|| Some(lines(text).map(|line| line.text.len()).sum()),
                &|| Some(timeline.write_local(&local, true).len()),
                &|| Some(document.write().len()),
                &|| Some(timeline.write().ok()?.len()),
            ];
            let times = best(&runs);
            let rates: Vec<f64> = [text.len(), length, text.len(), anew]
                .into_iter()
                .zip(times)
                .map(|(bytes, time)| rate(bytes, time.unwrap()))
                .collect();
            println!(
                "{:<20}  lines {:.0}  write-local {:.0}  write-back {:.0}  write-anew {:.0}",
                input.name, rates[0], rates[1], rates[2], rates[3]
            );
            self.lines = self.lines.min(rates[0]);
            self.write = self.write.min(rates[1]);
        }
        for input in inputs.iter().filter(|input| !input.is_media) {
            let playlist = multivariant(&input.text);
            let offered = everything_of(&playlist);
            let lengths = [
                playlist.write_local(&offered).len(),
                playlist.write(None).unwrap().len(),
            ];
            let runs: [&dyn Fn() -> Option<usize>; 2] =
                [&|| Some(playlist.write_local(&offered).len()), &|| {
                    Some(playlist.write(None).ok()?.len())
                }];
            let rates: Vec<f64> = lengths
                .into_iter()
                .zip(best(&runs))
                .map(|(bytes, time)| rate(bytes, time.unwrap()))
                .collect();
            println!(
                "{:<20}  write-local {:.0}  write-anew {:.0}",
                input.name, rates[0], rates[1]
            );
        }
    }

    fn memory(&mut self, inputs: &[Input]) {
        println!("peak memory, times the text");
        for input in inputs {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--peak", input.name])
                .output()
                .unwrap();
            let peak: f64 = String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse()
                .unwrap_or(f64::NAN);
            if peak.is_nan() {
                println!("{:<20}  unknown on this system", input.name);
                continue;
            }
            println!("{:<20}  {peak:.2}", input.name);
            self.memory = Some(self.memory.unwrap_or_default().max(peak));
        }
    }

    fn growth(&mut self) {
        println!("time(2n) / time(n), of parsing, resolving and freeing (of the first two alone)");
        // An allocator that has seen it given back keeps that much for itself. It would else go to the system and come back after each of the longer runs, and
        // after none of the shorter ones.
        drop(black_box(Vec::<u8>::with_capacity(31 << 20)));
        for (name, generate) in GROWING {
            let (n, one) = long_enough(*generate);
            let two = media(generate(2 * n));
            let times = [&one, &two].map(|_| Vec::with_capacity(GROWTH_ROUNDS));
            let [mut first, mut second] = times;
            for _ in 0..GROWTH_ROUNDS {
                first.push(read(&one));
                second.push(read(&two));
            }
            let best = |times: &[(Duration, Duration)]| {
                let read = times.iter().map(|(read, _)| *read).min();
                let freed = times.iter().map(|(_, freed)| *freed).min();
                (read.unwrap().as_secs_f64(), freed.unwrap().as_secs_f64())
            };
            let ((read, freed), (read_two, freed_two)) = (best(&first), best(&second));
            let growth = freed_two / freed;
            println!(
                "{name:<20}  {growth:.2} ({:.2})  n {n}, {:.1} ms",
                read_two / read,
                freed * 1e3
            );
            self.growth = self.growth.max(growth);
        }
    }

    fn json(&self) -> String {
        let memory = self
            .memory
            .map_or_else(|| "null".to_owned(), |memory| format!("{memory:.2}"));
        format!(
            "{{\"vs_m3u8_rs\":{:.2},\"vs_m3u8_rs_ll\":{:.2},\"mb_per_s\":{:.0},\"lines_mb_per_s\":{:.0},\"write_mb_per_s\":{:.0},\"peak_memory\":{memory},\"growth\":{:.2}}}",
            self.against_m3u8_rs,
            self.against_m3u8_rs_low_latency,
            self.plain,
            self.lines,
            self.write,
            self.growth
        )
    }
}

/// A playlist that takes long enough to read that the clock and what the system does meanwhile do not matter, and how many there are of its kind of thing.
/// Twice as long a one should stay below vectors of 32 MiB, which the allocator has the system map anew each time.
fn long_enough(generate: fn(usize) -> String) -> (usize, Input) {
    const ENOUGH: Duration = Duration::from_millis(12);
    let mut n = 10_000;
    loop {
        let input = media(generate(n));
        let time = (0..3).map(|_| read(&input).1).min();
        if time.unwrap() >= ENOUGH {
            return (n, input);
        }
        n *= 2;
    }
}

/// How long parsing and resolving takes, and how long with freeing what it made.
fn read(input: &Input) -> (Duration, Duration) {
    let clock = Clock::start();
    let parsed = hls_parse::parse(input.text.as_bytes()).unwrap();
    let timeline = parsed.playlist.as_media().unwrap().resolve(&context());
    let timeline = black_box(timeline.unwrap());
    let read = clock.elapsed();
    drop((parsed, timeline));
    (read, clock.elapsed())
}

/// Counts the time in which this thread runs, where the system tells (Linux), so that other processes do not make longer runs look worse than short ones.
struct Clock {
    started: Instant,
    ran: Option<Duration>,
}

impl Clock {
    fn start() -> Self {
        let ran = Self::ran();
        Self {
            started: Instant::now(),
            ran,
        }
    }

    fn elapsed(&self) -> Duration {
        let ran = self.ran.zip(Self::ran());
        ran.map_or_else(
            || self.started.elapsed(),
            |(then, now)| now.saturating_sub(then),
        )
    }

    fn ran() -> Option<Duration> {
        // What is told is brought up to date when a thread steps back.
        std::thread::yield_now();
        let told = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanoseconds = told.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    }
}

/// Megabytes per second.
#[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

/// The best time of each; `None` where it gives none.
fn best(runs: &[impl Fn() -> Option<usize>]) -> Vec<Option<Duration>> {
    let mut best = vec![None; runs.len()];
    for _ in 0..ROUNDS {
        for (run, best) in runs.iter().zip(&mut best) {
            for _ in 0..TURN {
                let started = Instant::now();
                let done = black_box(run()).is_some();
                let time = started.elapsed();
                if done && best.is_none_or(|best| time < best) {
                    *best = Some(time);
                }
            }
        }
    }
    best
}

/// The most memory that parsing and resolving takes beside the input, as multiple of its length; Linux only.
#[expect(clippy::cast_precision_loss, reason = "a ratio is rounded anyway")]
fn peak(input: &Input) -> Option<f64> {
    // The code itself is mapped when it first runs, which a small playlist of either kind is enough for.
    ours(&media(playlists::low_latency(2)))?;
    ours(&Input {
        name: "",
        text: playlists::multivariant(20),
        is_media: false,
    })?;
    // From here on the high-water mark counts what is in use now.
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = kilobytes("VmRSS:")?;
    black_box(ours(input))?;
    let after = kilobytes("VmHWM:")?;
    Some(after.saturating_sub(before) as f64 * 1024.0 / input.text.len() as f64)
}

fn kilobytes(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn media(text: String) -> Input {
    Input {
        name: "",
        text,
        is_media: true,
    }
}

/// What there is many of, and a playlist with that many.
type Growing = (&'static str, fn(usize) -> String);

const GROWING: &[Growing] = &[
    ("keys", |n| {
        repeated(n, |text, number| {
            write!(
                text,
                "#EXT-X-KEY:METHOD=AES-128,URI=\"{number}.key\"\n#EXTINF:6,\n{number}.ts\n"
            )
        })
    }),
    ("maps", |n| {
        repeated(n, |text, number| {
            write!(
                text,
                "#EXT-X-MAP:URI=\"{number}.mp4\"\n#EXTINF:6,\n{number}.m4s\n"
            )
        })
    }),
    ("date ranges", |n| {
        repeated(n, |text, number| {
            write!(
                text,
                "#EXT-X-DATERANGE:ID=\"{number}\",START-DATE=\"2026-01-01T00:00:00Z\",CLASS=\"a\",END-ON-NEXT=YES\n#EXTINF:6,\n{number}.ts\n"
            )
        })
    }),
    ("attributes", |n| {
        // As many in one tag as are accepted, in many tags.
        repeated(n / 200, |text, number| {
            write!(text, "#EXT-X-DATERANGE:ID=\"{number}\"")?;
            (0..200).try_for_each(|attribute| write!(text, ",X-{attribute}=\"{number}\""))?;
            writeln!(text, "\n#EXTINF:6,\n{number}.ts")
        })
    }),
    ("variables", |n| {
        let mut text = repeated(n, |text, number| {
            writeln!(text, "#EXT-X-DEFINE:NAME=\"n{number}\",VALUE=\"v{number}\"")
        });
        for number in 0..n {
            write!(text, "#EXTINF:6,\n{{$n{number}}}.ts\n").unwrap();
        }
        text
    }),
    ("byte ranges", |n| {
        repeated(n, |text, number| {
            let offset = if number == 0 { "@0" } else { "" };
            write!(text, "#EXTINF:6,\n#EXT-X-BYTERANGE:1000{offset}\nall.ts\n")
        })
    }),
    ("partial segments", |n| {
        repeated(n, |text, number| {
            writeln!(text, "#EXT-X-PART:URI=\"{number}.mp4\",DURATION=0.3")
        })
    }),
];

fn repeated(n: usize, line: impl Fn(&mut String, usize) -> std::fmt::Result) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:6\n#EXT-X-PART-INF:PART-TARGET=0.4\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n",
    );
    for number in 0..n {
        line(&mut text, number).unwrap();
    }
    text
}

fn multivariant(text: &str) -> Multivariant {
    let parsed = hls_parse::parse(text.as_bytes()).unwrap();
    let context = Context::new("https://example.com/film/index.m3u8".parse().unwrap());
    let playlist = parsed.playlist.as_multivariant().unwrap();
    playlist.resolve(&context).unwrap()
}

fn everything_of(playlist: &Multivariant) -> LocalMultivariant {
    let uri = |index: usize| format!("track-{index}/index.m3u8");
    LocalMultivariant {
        variants: (0..playlist.variants.len())
            .map(|index| (index, uri(index)))
            .collect(),
        renditions: (0..playlist.renditions.len())
            .map(|index| (index, Some(uri(index))))
            .collect(),
        ..LocalMultivariant::default()
    }
}

/// All is there, under names that were made before.
struct Everything(Vec<String>);

impl Everything {
    fn new(segments: usize) -> Self {
        Self(
            (0..segments)
                .map(|index| format!("segment-{index:08}.ts"))
                .collect(),
        )
    }
}

impl LocalMedia for Everything {
    fn segment(&self, index: usize) -> Option<Cow<'_, str>> {
        self.0.get(index).map(|name| name.as_str().into())
    }

    fn map(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(format!("init-{index}.mp4").into())
    }

    fn key(&self, index: usize) -> Option<LocalKey> {
        Some(LocalKey::At(format!("key-{index}.bin")))
    }
}
