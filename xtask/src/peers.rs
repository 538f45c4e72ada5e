//! `cargo xtask bench --peers`: one stream, one server, every downloader that is installed, in turn.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::demo::origin;
use crate::run::{self, Result, say};

/// Seconds of the stream, in segments of two; about 3 MB each.
const LENGTH: u32 = 200;
/// GNU time, which tells what a program used.
const TIME: &str = "/usr/bin/time";

/// A program that gets a stream or its segments.
struct Peer {
    name: &'static str,
    program: &'static str,
    /// Reads the playlist itself; the others are given the addresses of the segments.
    reads_playlists: bool,
    arguments: fn(&Job) -> Vec<String>,
}

/// What is to be done, in an empty folder.
struct Job {
    url: String,
    /// One address a line.
    list: PathBuf,
    /// The same as curl's configuration.
    configuration: PathBuf,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "offline",
        program: "offline",
        reads_playlists: true,
        arguments: |job| words("--store store download", &[&job.url]),
    },
    Peer {
        name: "curl",
        program: "curl",
        reads_playlists: false,
        arguments: |job| {
            let configuration = job.configuration.display().to_string();
            words("-s --parallel --parallel-max 8 -K", &[&configuration])
        },
    },
    Peer {
        name: "aria2",
        program: "aria2c",
        reads_playlists: false,
        arguments: |job| {
            let list = job.list.display().to_string();
            words("-q -j 8 -x 1 -s 1 --file-allocation=none -i", &[&list])
        },
    },
    Peer {
        name: "ffmpeg",
        program: "ffmpeg",
        reads_playlists: true,
        arguments: |job| {
            words(
                "-nostdin -loglevel error -i URL -c copy out.ts",
                &[&job.url],
            )
        },
    },
    Peer {
        name: "yt-dlp",
        program: "yt-dlp",
        reads_playlists: true,
        arguments: |job| {
            words(
                "-q --no-warnings -N 8 --hls-prefer-native --fixup never -o out.ts",
                &[&job.url],
            )
        },
    },
    Peer {
        name: "streamlink",
        program: "streamlink",
        reads_playlists: true,
        arguments: |job| {
            words(
                "-l error --stream-segment-threads 8 -o out.ts URL best",
                &[&job.url],
            )
        },
    },
    Peer {
        name: "vsd",
        program: "vsd",
        reads_playlists: true,
        arguments: |job| words("save -t 8 -d segments --no-merge", &[&job.url]),
    },
];

/// The words of a line, then the others; or these in place of `URL`.
fn words(line: &str, others: &[&String]) -> Vec<String> {
    let takes = line.split(' ').any(|word| word == "URL");
    let mut words: Vec<String> = line
        .split(' ')
        .map(|word| match (word, others) {
            ("URL", [url]) => (*url).clone(),
            _ => word.to_owned(),
        })
        .collect();
    if !takes {
        words.extend(others.iter().map(|other| (*other).clone()));
    }
    words
}

/// What one run took.
#[derive(Clone, Copy, Debug)]
struct Taken {
    wall: Duration,
    /// Seconds of processors and MB of memory, where GNU time is installed.
    used: Option<(f64, f64)>,
}

/// Runs every peer that is there, so many times each, and prints the table of the README.
pub(crate) fn run(rounds: usize, program: Option<&Path>) -> Result {
    for needed in ["ffmpeg", "nginx"] {
        if !run::has(needed) {
            return Err(format!(
                "{needed} is not installed: it makes the stream, or serves it"
            ));
        }
    }
    let target = run::target_directory()?;
    let folder = target.join("peers");
    let stream = target.join("peers-stream");
    let bytes = make(&stream)?;
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    let server = Server::start(&folder, &stream)?;
    let job = job(&folder, &stream, server.port)?;
    let offline = match program {
        Some(program) => program.to_owned(),
        None => built(&target)?,
    };
    let program = |peer: &Peer| match peer.name {
        "offline" => offline.clone(),
        _ => PathBuf::from(peer.program),
    };
    let (there, missing): (Vec<&Peer>, Vec<&Peer>) = PEERS
        .iter()
        .partition(|peer| peer.name == "offline" || run::has(peer.program));
    let mut taken: Vec<Vec<Taken>> = vec![Vec::new(); there.len()];
    for _ in 0..rounds.max(1) {
        for (peer, taken) in there.iter().zip(&mut taken) {
            taken.push(once(peer, &program(peer), &job, &folder, bytes)?);
        }
    }
    drop(server);
    say(&table(&there, &taken, bytes, rounds));
    for peer in missing {
        say(&format!("not installed: {}", peer.name));
    }
    Ok(())
}

fn built(target: &Path) -> Result<PathBuf> {
    say("building offline …");
    let mut cargo = run::cargo();
    cargo.args(["build", "--quiet", "--release", "--locked"]);
    run::status(cargo.args(["-p", "offline-cli"]))?;
    let name = format!("offline{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join("release").join(name))
}

/// Makes the stream, unless it is there, and says how many bytes its segments have.
fn make(folder: &Path) -> Result<u64> {
    let playlist = folder.join("media.m3u8");
    if !playlist.is_file() {
        say("making a stream …");
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        let length = LENGTH.to_string();
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg
            .current_dir(folder)
            .args(["-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i"])
            .arg("testsrc2=size=1280x720:rate=25,noise=alls=20:allf=t")
            .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
            .args(["-t", &length, "-c:v", "libx264", "-preset", "ultrafast"])
            .args([
                "-b:v", "12M", "-maxrate", "12M", "-bufsize", "12M", "-g", "50",
            ])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k"])
            .args(["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"])
            .args(["-hls_segment_filename", "s%04d.ts", "making.m3u8"]);
        run::status(&mut ffmpeg)?;
        // Last, so that a stream that is there is whole.
        fs::rename(folder.join("making.m3u8"), &playlist)
            .map_err(|error| failed(&playlist, &error))?;
    }
    segments(&playlist)?
        .iter()
        .map(|name| {
            let path = folder.join(name);
            fs::metadata(&path)
                .map(|data| data.len())
                .map_err(|error| failed(&path, &error))
        })
        .sum()
}

fn segments(playlist: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(playlist).map_err(|error| failed(playlist, &error))?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

fn job(folder: &Path, stream: &Path, port: u16) -> Result<Job> {
    let base = format!("http://127.0.0.1:{port}");
    let addresses: Vec<String> = segments(&stream.join("media.m3u8"))?
        .iter()
        .map(|name| format!("{base}/{name}"))
        .collect();
    let job = Job {
        url: format!("{base}/media.m3u8"),
        list: folder.join("addresses"),
        configuration: folder.join("curl"),
    };
    let each = |address: &String| format!("url={address}\nremote-name\n");
    for (path, text) in [
        (&job.list, addresses.join("\n")),
        (&job.configuration, addresses.iter().map(each).collect()),
    ] {
        fs::write(path, text).map_err(|error| failed(path, &error))?;
    }
    Ok(job)
}

/// One run in an empty folder; what it leaves there has to be as much as the stream.
fn once(peer: &Peer, program: &Path, job: &Job, folder: &Path, bytes: u64) -> Result<Taken> {
    let place = folder.join("out");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).map_err(|error| failed(&place, &error))?;
    let (told, said) = (folder.join("used"), folder.join("said"));
    let output = File::create(&said).map_err(|error| failed(&said, &error))?;
    let measured = Path::new(TIME).is_file();
    let mut command = if measured {
        let mut time = Command::new(TIME);
        time.args(["-f", "%U %S %M", "-o"]).arg(&told).arg(program);
        time
    } else {
        Command::new(program)
    };
    command
        .args((peer.arguments)(job))
        .current_dir(&place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output);
    let started = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", peer.name))?;
    let wall = started.elapsed();
    let stored = size(&place);
    // Those that put segments together leave out what repeats in each.
    if !status.success() || stored < bytes / 100 * 90 {
        let said = fs::read_to_string(&said).unwrap_or_default();
        return Err(format!(
            "{} ended with {status} and {stored} of {bytes} bytes: {said}",
            peer.name
        ));
    }
    let used = fs::read_to_string(&told).ok().and_then(|told| {
        let numbers: Vec<f64> = told
            .split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect();
        match numbers[..] {
            [user, system, kilobytes] => Some((user + system, kilobytes / 1024.0)),
            _ => None,
        }
    });
    Ok(Taken {
        wall,
        used: used.filter(|_| measured),
    })
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

fn table(there: &[&Peer], taken: &[Vec<Taken>], bytes: u64, rounds: usize) -> String {
    let walls: Vec<f64> = taken
        .iter()
        .map(|taken| median(taken.iter().map(|one| one.wall.as_secs_f64())))
        .collect();
    let curl = there.iter().position(|peer| peer.name == "curl");
    let base = curl.and_then(|index| walls.get(index)).copied();
    let mut text = format!(
        "{} MB in {} segments from nginx on the same machine, median of {rounds}\n\n\
         | | time | to curl | processor | memory | reads playlists |\n|---|--:|--:|--:|--:|---|\n",
        bytes / 1_000_000,
        LENGTH / 2
    );
    for ((peer, taken), wall) in there.iter().zip(taken).zip(&walls) {
        let ratio = base.map_or_else(String::new, |base| format!("{:.2}", wall / base));
        let (processor, memory) = if taken.iter().all(|one| one.used.is_some()) {
            let of = |number: fn((f64, f64)) -> f64| {
                median(taken.iter().filter_map(|one| one.used).map(number))
            };
            (
                format!("{:.2} s", of(|used| used.0)),
                format!("{:.0} MB", of(|used| used.1)),
            )
        } else {
            (String::new(), String::new())
        };
        let reads = if peer.reads_playlists { "yes" } else { "no" };
        text.push_str(&format!(
            "| {} | {wall:.2} s | {ratio} | {processor} | {memory} | {reads} |\n",
            peer.name
        ));
    }
    text
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// nginx over a folder, as long as this lives.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(folder: &Path, stream: &Path) -> Result<Self> {
        let port = origin::free_port()?;
        let scratch = folder.join("nginx");
        fs::create_dir_all(&scratch).map_err(|error| failed(&scratch, &error))?;
        let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {}/{name};\n", scratch.display()))
            .concat();
        let configuration = format!(
            "daemon off; worker_processes 1; pid {scratch}/pid; error_log {scratch}/errors;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; keepalive_requests 100000;\n{places}\
             types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}\n\
             server {{ listen 127.0.0.1:{port}; root {stream}; }} }}\n",
            scratch = scratch.display(),
            stream = stream.display()
        );
        let path = scratch.join("nginx.conf");
        fs::write(&path, configuration).map_err(|error| failed(&path, &error))?;
        let process = Command::new("nginx")
            .arg("-e")
            .arg(scratch.join("errors"))
            .arg("-c")
            .arg(&path)
            .spawn()
            .map_err(|error| format!("nginx: {error}"))?;
        let server = Self { process, port };
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("nginx does not answer".to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its worker ends when it does not find its master any more, or was asked to.
        let _ = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        let _ = self.process.wait();
    }
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
