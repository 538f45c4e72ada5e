//! The local server beside nginx with `sendfile`: segments of 3 MB to `wrk` on the loopback interface.
//!
//! The last line is a JSON object. The two take turns, and the best round of each counts, so that a busy machine slows both alike. Processor time is told
//! beside it: `server` is what the server takes for a gigabyte, `both` what server and `wrk` take together, which is what limits them when nothing else does.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its result, and one that cannot go on has failed"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};

const SEGMENTS: usize = 8;
const PACKETS: usize = 3 * 1024 * 1024 / 188;
const ROUNDS: usize = 5;
const KEY: [u8; 16] = *b"0123456789abcdef";

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` runs this too; it is not there to measure.
        println!("run it with cargo bench");
        return;
    }
    for program in ["nginx", "wrk"] {
        let found = Command::new(program).arg("-v").output();
        assert!(found.is_ok(), "{program} is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    make_streams(&folder.path().join("origin"));
    let nginx = Nginx::start(folder.path());
    let offline = Offline::start(folder.path(), &nginx.address);

    let cases = [
        ("nginx", nginx.address.clone(), "/clear/{}.ts", &nginx.child),
        ("offline", offline.host.clone(), "clear", &offline.child),
        ("decrypting", offline.host.clone(), "locked", &offline.child),
    ];
    let mut best = [Measured::default(); 3];
    for round in 0..ROUNDS {
        for ((name, host, path, child), best) in cases.iter().zip(&mut best) {
            let path = match *name {
                "nginx" => (*path).replace("{}", "%08d"),
                _ => format!("/{}/assets/{path}/media/segment-%08d.ts", offline.token),
            };
            let measured = measure(folder.path(), host, &path, child.id());
            println!("round {round}: {name:10} {measured:?}");
            if measured.rate > best.rate {
                *best = measured;
            }
        }
    }
    let [nginx, offline, decrypting] = best;
    println!(
        "{{\"offline_to_nginx\":{:.2},\"decrypting_to_nginx\":{:.2},\"both_to_nginx\":{:.2},\"decrypting_gb_per_core_second\":{:.2}}}",
        offline.rate / nginx.rate,
        decrypting.rate / nginx.rate,
        offline.both / nginx.both,
        1.0 / decrypting.server
    );
}

/// Bytes a second, and processor seconds for a gigabyte.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    rate: f64,
    server: f64,
    both: f64,
}

fn measure(folder: &Path, host: &str, path: &str, server: u32) -> Measured {
    let script = folder.join("requests.lua");
    let text = format!(
        "local n = 0\nrequest = function()\n  n = (n + 1) % {SEGMENTS}\n  return wrk.format('GET', string.format('{path}', n))\nend\n"
    );
    fs::write(&script, text).unwrap();
    let before = (processor_time(server, true), children_time());
    let mut wrk = Command::new("wrk");
    wrk.args(["-t2", "-c8", "-d3s", "-s"]).arg(script);
    let said = wrk.arg(format!("http://{host}")).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(!said.contains("Non-2xx"), "{said}");
    let rate = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Transfer/sec:"))
        .map(|rate| bytes(rate.trim()));
    let rate = rate.unwrap();
    let gigabytes = rate * 3.0 / 1e9;
    let taken = processor_time(server, true) - before.0;
    Measured {
        rate,
        server: taken / gigabytes,
        both: (taken + children_time() - before.1) / gigabytes,
    }
}

/// `1.23GB` of wrk, which counts in powers of two.
fn bytes(text: &str) -> f64 {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic());
    let (number, unit) = text.split_at(end.unwrap());
    let factor = match unit {
        "GB" => 1_u32 << 30,
        "MB" => 1 << 20,
        "KB" => 1 << 10,
        _ => 1,
    };
    number.parse::<f64>().unwrap() * f64::from(factor)
}

/// Hundredths of seconds of a line of `/proc/PID/stat`, from the field of this number on, two of them.
fn seconds(stat: &str, field: usize) -> f64 {
    let rest = stat.rsplit(") ").next().unwrap();
    let fields = rest.split(' ').skip(field - 3).take(2);
    fields
        .map(|time| time.parse::<f64>().unwrap() / 100.0)
        .sum()
}

/// Processor seconds of a process, and of those it has started. None where the system does not tell.
fn processor_time(process: u32, with_children: bool) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let own = if stat.is_empty() {
        0.0
    } else {
        seconds(&stat, 14)
    };
    let children = format!("/proc/{process}/task/{process}/children");
    let children = fs::read_to_string(children).unwrap_or_default();
    let children = children.split_whitespace().filter(|_| with_children);
    own + children
        .map(|child| processor_time(child.parse().unwrap(), false))
        .sum::<f64>()
}

/// Processor seconds of processes that this one has started and that have ended.
fn children_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if stat.is_empty() {
        0.0
    } else {
        seconds(&stat, 16)
    }
}

fn make_streams(origin: &Path) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for (name, key) in [("clear", None), ("locked", Some(KEY))] {
        let folder = origin.join(name);
        fs::create_dir_all(&folder).unwrap();
        let mut playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n".to_owned();
        if key.is_some() {
            fs::write(folder.join("key"), KEY).unwrap();
            playlist +=
                "#EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x00000000000000000000000000000000\n";
        }
        for index in 0..SEGMENTS {
            let mut bytes = Vec::with_capacity(PACKETS * 188 + 16);
            for packet in 0..PACKETS * 188 / 4 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let mut word = state.to_le_bytes();
                word[0] = if packet % 47 == 0 { 0x47 } else { word[0] };
                bytes.extend_from_slice(&word[..4]);
            }
            if let Some(key) = key {
                let padding = 16 - bytes.len() % 16;
                let padding_byte = u8::try_from(padding).unwrap();
                bytes.extend(std::iter::repeat_n(padding_byte, padding));
                let (blocks, _) = Array::slice_as_chunks_mut(bytes.as_mut_slice());
                cbc::Encryptor::<aes::Aes128>::new(&Array::from(key), &Array::from([0; 16]))
                    .encrypt_blocks(blocks);
            }
            fs::write(folder.join(format!("{index:08}.ts")), bytes).unwrap();
            writeln!(playlist, "#EXTINF:6,\n{index:08}.ts").unwrap();
        }
        playlist += "#EXT-X-ENDLIST\n";
        fs::write(folder.join("index.m3u8"), playlist).unwrap();
    }
}

/// nginx over the origin, which the streams are downloaded from, too.
struct Nginx {
    child: Child,
    address: String,
}

impl Nginx {
    fn start(folder: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let root = folder.display();
        // As root it would give up its rights, and could not read the folder.
        let configuration = format!(
            "worker_processes 2; daemon off; pid {root}/nginx.pid; error_log {root}/nginx.log;\nevents {{ worker_connections 512; }}\n\
             http {{ sendfile on; access_log off; keepalive_requests 1000000; server {{ listen {address}; root {root}/origin; }} }}\n"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(folder).arg("-c").arg(file);
        nginx.args(["-g", "user root;"]).stderr(Stdio::null());
        let child = nginx.spawn().unwrap();
        for _ in 0..200 {
            if TcpStream::connect(&address).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, address }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        // Its workers end with it only when it is asked to end.
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

struct Offline {
    child: Child,
    host: String,
    token: String,
}

impl Offline {
    fn start(folder: &Path, origin: &str) -> Self {
        let command = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_offline"));
            command.arg("--store").arg(folder.join("store"));
            command
        };
        for name in ["clear", "locked"] {
            let url = format!("http://{origin}/{name}/index.m3u8");
            let mut download = command();
            download.args(["download", &url, "--id", name, "--quiet"]);
            assert!(download.status().unwrap().success());
        }
        let mut serve = command();
        let mut child = serve
            .args(["serve", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = said["url"].as_str().unwrap().strip_prefix("http://");
        let (host, token) = url.unwrap().split_once('/').unwrap();
        Self {
            child,
            host: host.to_owned(),
            token: token.to_owned(),
        }
    }
}

impl Drop for Offline {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
