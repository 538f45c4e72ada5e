//! An origin of a live stream: it goes on by a script, one step for each look at its playlist, and has its troubles.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::stream::{encrypt, transport_stream};

/// What happens right before the playlist is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many segments are added.
    Advance(u64),
    /// The answer is a status.
    Status(u16),
    /// The answer is a page.
    Page,
    /// The answer is the one of a while ago.
    Stale,
    /// The encoder begins again at 0.
    Restart,
    /// The next segment is after a discontinuity.
    Discontinuity,
    /// The next segments have another key; with an IV or without; `None` is no key.
    Key(Option<(u8, bool)>),
    /// A segment that was just added is gone before anybody had it.
    Lose,
    /// The next segment is damaged the first times it is asked for.
    Damage(usize),
    /// The next segment is declared to be a gap.
    Gap,
    /// The next segments are ranges of one file.
    Ranged(bool),
}

/// A segment that was ever listed.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) epoch: u64,
    pub(crate) number: u64,
    pub(crate) clear: Vec<u8>,
    pub(crate) is_gap: bool,
    /// Whether it was ever in an answer.
    pub(crate) is_seen: bool,
    is_discontinuous: bool,
    key: Option<(u8, Option<u128>)>,
    /// The offset in the file of its epoch.
    range: Option<(usize, usize)>,
}

impl Made {
    pub(crate) fn key_number(&self) -> Option<u8> {
        self.key.map(|(key, _)| key)
    }

    pub(crate) fn path(&self) -> String {
        match self.range {
            Some(_) => format!("/all{}.ts", self.epoch),
            None => format!("/s{}-{}.ts", self.epoch, self.number),
        }
    }
}

#[expect(clippy::struct_excessive_bools, reason = "each is on or off")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offers {
    pub(crate) delta: bool,
    pub(crate) blocking: bool,
    pub(crate) dates: bool,
    pub(crate) event: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is on or off")]
pub(crate) struct State {
    offers: Offers,
    window: usize,
    pub(crate) script: VecDeque<Step>,
    pub(crate) history: Vec<Made>,
    epoch: u64,
    next: u64,
    key: Option<(u8, bool)>,
    discontinuity: bool,
    gap: bool,
    is_ranged: bool,
    files: HashMap<String, Vec<u8>>,
    damage: usize,
    /// How often an answer is damaged still, by path; that of a key is another key.
    pub(crate) damaged: HashMap<String, usize>,
    last: String,
    listed_last: Vec<usize>,
    ended: bool,
    /// Whether it ends when its script does.
    pub(crate) ends: bool,
    /// Whether the audio has ended, whatever the variant does.
    pub(crate) is_audio_whole: bool,
    pub(crate) requests: Vec<String>,
}

/// The origin, served from threads of its own.
pub(crate) struct LiveOrigin {
    address: SocketAddr,
    pub(crate) state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl State {
    fn add(&mut self) {
        let index = self.history.len() as u64;
        let clear = transport_stream(index + 1, 2 + usize::try_from(index % 3).unwrap());
        let key = self
            .key
            .map(|(key, iv)| (key, iv.then_some(u128::from(index) + 77)));
        let body = match key {
            None => clear.clone(),
            Some((key, iv)) => encrypt(
                &clear,
                [key; 16],
                iv.unwrap_or(u128::from(self.next)).to_be_bytes(),
            ),
        };
        let mut made = Made {
            epoch: self.epoch,
            number: self.next,
            is_discontinuous: std::mem::take(&mut self.discontinuity),
            is_gap: std::mem::take(&mut self.gap),
            is_seen: false,
            range: None,
            clear,
            key,
        };
        if self.is_ranged {
            let all = self
                .files
                .entry(format!("/all{}.ts", self.epoch))
                .or_default();
            made.range = Some((all.len(), body.len()));
            all.extend_from_slice(&body);
        } else if !made.is_gap {
            self.files.insert(made.path(), body);
        }
        let damage = std::mem::take(&mut self.damage);
        if damage > 0 {
            self.damaged.insert(made.path(), damage);
        }
        self.history.push(made);
        self.next += 1;
    }

    /// Lists the window, or what has changed of it.
    fn playlist(&self, is_delta: bool) -> String {
        let listed = self.listed();
        let listed = listed.into_iter().map(|index| &self.history[index]);
        let listed: Vec<&Made> = listed.collect();
        let first = listed.first().map_or(0, |made| made.number);
        let of_epoch = self.history.iter().filter(|made| made.epoch == self.epoch);
        let gone = of_epoch.filter(|made| made.number < first);
        let discontinuities = gone.filter(|made| made.is_discontinuous).count();
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}\n"
        );
        if self.offers.event {
            text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n");
        }
        let mut control = Vec::new();
        if self.offers.delta {
            control.push("CAN-SKIP-UNTIL=6");
        }
        if self.offers.blocking {
            control.push("CAN-BLOCK-RELOAD=YES");
        }
        if !control.is_empty() {
            writeln!(text, "#EXT-X-SERVER-CONTROL:{}", control.join(",")).unwrap();
        }
        let skipped = if is_delta && self.offers.delta {
            listed.len().saturating_sub(6)
        } else {
            0
        };
        if skipped > 0 {
            writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}").unwrap();
        }
        let mut key = None;
        for (index, made) in listed.iter().enumerate() {
            let is_new_key = made.key != key;
            key = made.key;
            if index < skipped {
                continue;
            }
            if made.is_discontinuous {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            match made.key {
                None if is_new_key => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
                Some((key, None)) if is_new_key => {
                    writeln!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"/key{key}\"").unwrap();
                }
                Some((key, Some(iv))) if is_new_key => {
                    writeln!(
                        text,
                        "#EXT-X-KEY:METHOD=AES-128,URI=\"/key{key}\",IV=0x{iv:032X}"
                    )
                    .unwrap();
                }
                _ => {}
            }
            if self.offers.dates {
                let second = self.history.iter().position(|one| std::ptr::eq(one, *made));
                let index = second.unwrap();
                let date = format!("2026-01-01T00:{:02}:{:02}Z", index / 60, index % 60);
                writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date}").unwrap();
                if index % 5 == 3 {
                    writeln!(text, "#EXT-X-DATERANGE:ID=\"{index}\",START-DATE=\"{date}\",DURATION=2,X-INDEX=\"{index}\"").unwrap();
                }
                writeln!(text, "#EXT-X-BITRATE:{}", 100 + index / 4).unwrap();
            }
            if made.is_gap {
                text.push_str("#EXT-X-GAP\n");
            }
            text.push_str("#EXTINF:1,\n");
            if let Some((start, length)) = made.range {
                writeln!(text, "#EXT-X-BYTERANGE:{length}@{start}").unwrap();
            }
            writeln!(text, "{}", made.path()).unwrap();
        }
        if self.ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        text
    }

    fn look(&mut self, is_delta: bool) -> (u16, String) {
        loop {
            match self.script.pop_front() {
                Some(Step::Advance(count)) => {
                    (0..count).for_each(|_| self.add());
                    break;
                }
                Some(Step::Status(status)) => return (status, "trouble".to_owned()),
                Some(Step::Page) => return (200, "<!DOCTYPE html><p>soon".to_owned()),
                Some(Step::Stale) => {
                    for &index in &self.listed_last {
                        self.history[index].is_seen = true;
                    }
                    return (200, self.last.clone());
                }
                Some(Step::Restart) => {
                    self.epoch += 1;
                    self.next = 0;
                    self.discontinuity = false;
                    (0..3).for_each(|_| self.add());
                    break;
                }
                Some(Step::Discontinuity) => self.discontinuity = true,
                Some(Step::Key(key)) => self.key = key,
                Some(Step::Gap) => self.gap = true,
                Some(Step::Damage(times)) => self.damage = times,
                Some(Step::Ranged(is_ranged)) => self.is_ranged = is_ranged,
                Some(Step::Lose) => {
                    self.add();
                    let made = self.history.last().unwrap();
                    if made.range.is_none() {
                        self.files.remove(&made.path());
                    }
                    break;
                }
                None => {
                    self.ended = self.ends;
                    break;
                }
            }
        }
        let text = self.playlist(is_delta);
        self.note_seen(&text);
        if !text.contains("#EXT-X-SKIP") {
            self.last.clone_from(&text);
            self.listed_last = self.listed();
        }
        (200, text)
    }

    /// A delta update shows nothing to who does not know what it skips.
    fn note_seen(&mut self, text: &str) {
        let listed = self.listed();
        let skipped = text
            .lines()
            .find_map(|line| line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS="));
        let skipped = skipped.map_or(0, |count| count.parse().unwrap());
        let mut skipped = listed.iter().take(skipped);
        if skipped.all(|&index| self.history[index].is_seen) {
            for index in listed {
                self.history[index].is_seen = true;
            }
        }
    }

    /// What of the history is in the window.
    fn listed(&self) -> Vec<usize> {
        let window = if self.offers.event {
            usize::MAX
        } else {
            self.window
        };
        let of_epoch = |index: &usize| self.history[*index].epoch == self.epoch;
        let newest = (0..self.history.len()).rev().filter(of_epoch);
        let mut listed: Vec<usize> = newest.take(window).collect();
        listed.reverse();
        listed
    }

    fn answer(&mut self, target: &str, range: Option<(usize, usize)>) -> (u16, Vec<u8>) {
        self.requests.push(target.to_owned());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path == "/live.m3u8" {
            let (status, text) = self.look(query.contains("_HLS_skip"));
            return (status, text.into_bytes());
        }
        if path == "/master.m3u8" {
            return (200, MASTER.into());
        }
        if path == "/audio.m3u8" {
            let end = if self.is_audio_whole {
                "#EXT-X-ENDLIST\n"
            } else {
                ""
            };
            return (200, (self.playlist(false) + end).into_bytes());
        }
        let left = self.damaged.get_mut(path);
        let is_damaged = left.is_some_and(|left| {
            let is_damaged = *left > 0;
            *left = left.saturating_sub(1);
            is_damaged
        });
        if let Some(key) = path.strip_prefix("/key") {
            let key: u8 = key.parse().unwrap();
            return (200, vec![if is_damaged { !key } else { key }; 16]);
        }
        match (self.files.get(path), range) {
            (Some(body), Some((start, end))) => (206, body[start..=end].to_vec()),
            (Some(body), None) if is_damaged => (200, vec![0; body.len()]),
            (Some(body), None) => (200, body.clone()),
            (None, _) => (404, b"gone".to_vec()),
        }
    }
}

/// Both tracks are the same; only looks at the variant make it go on.
const MASTER: &str = "#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"audio.m3u8\"
#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO=\"a\"
live.m3u8
";

impl LiveOrigin {
    /// A stream with a window that has so many segments already.
    pub(crate) fn new(offers: Offers, window: usize, listed: u64, script: Vec<Step>) -> Self {
        let mut state = State {
            offers,
            window,
            script: script.into(),
            history: Vec::new(),
            epoch: 0,
            next: 1000,
            key: None,
            discontinuity: false,
            gap: false,
            is_ranged: false,
            files: HashMap::new(),
            damage: 0,
            damaged: HashMap::new(),
            last: String::new(),
            listed_last: Vec::new(),
            ended: false,
            ends: true,
            is_audio_whole: false,
            requests: Vec::new(),
        };
        (0..listed).for_each(|_| state.add());
        state.last = state.playlist(false);
        state.listed_last = state.listed();
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (served, stopped) = (Arc::clone(&state), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let state = Arc::clone(&served);
                std::thread::spawn(move || serve(&stream.unwrap(), &state));
            }
        });
        Self {
            address,
            state,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("live.m3u8")
    }

    pub(crate) fn url_of(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for LiveOrigin {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Answers one request; whoever asked may be gone.
fn serve(mut stream: &TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream.take(64 << 10)).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let mut range = None;
    for line in lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
    {
        let line = line.to_ascii_lowercase();
        if let Some(bytes) = line.strip_prefix("range: bytes=") {
            let (start, end) = bytes.split_once('-').unwrap();
            range = Some((start.parse().unwrap(), end.parse().unwrap()));
        }
    }
    let target = first.split(' ').nth(1).unwrap_or("/").to_owned();
    let (status, body) = state.lock().unwrap().answer(&target, range);
    let mut head = format!(
        "HTTP/1.1 {status} .\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    if let (206, Some((start, end))) = (status, range) {
        write!(head, "Content-Range: bytes {start}-{end}/*\r\n").unwrap();
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&body);
}
