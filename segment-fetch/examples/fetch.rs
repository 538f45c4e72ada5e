//! Downloads several files into a folder, six at once, and continues what an earlier run left there:
//! `cargo run -p segment-fetch --example fetch -- URL... FOLDER`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows its result"
)]

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use futures::StreamExt;
use segment_fetch::{
    Bytes, End, Event, FetchOptions, Fetcher, Job, Position, Request, Sink, Start,
    TransportOptions, Url, https,
};

/// A file, `NAME.part` while it is incomplete, with what is needed to resume it in `NAME.state`.
struct FileSink {
    path: PathBuf,
    file: Option<File>,
    position: Position,
}

impl FileSink {
    /// Takes up what an earlier run left.
    fn open(path: PathBuf) -> Self {
        let mut sink = FileSink {
            path,
            file: None,
            position: Position::default(),
        };
        let (Ok(part), Ok(state)) = (
            fs::metadata(sink.beside("part")),
            fs::read_to_string(sink.beside("state")),
        ) else {
            return sink;
        };
        let mut lines = state.lines();
        sink.position.length = part.len();
        sink.position.validator = lines.next().and_then(|line| line.parse().ok());
        sink.position.complete_length = lines.next().and_then(|line| line.parse().ok());
        sink
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{extension}"));
        name.into()
    }
}

impl Sink for FileSink {
    fn position(&self) -> Position {
        self.position.clone()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.beside("part"))?;
        // The old state goes first: bytes without a state are fetched again, a state without its bytes would be wrong.
        if start.offset != self.position.length || start.offset == 0 {
            fs::write(self.beside("state"), "")?;
        }
        file.set_len(start.offset)?;
        let validator = start
            .validator
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let length = start
            .complete_length
            .map(|length| length.to_string())
            .unwrap_or_default();
        fs::write(self.beside("state"), format!("{validator}\n{length}\n"))?;
        self.file = Some(file);
        self.position = Position {
            length: start.offset,
            validator: start.validator.clone(),
            complete_length: start.complete_length,
        };
        Ok(())
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        let file = self
            .file
            .as_mut()
            .ok_or_else(|| io::Error::other("not begun"))?;
        file.write_all(&chunk)?;
        self.position.length += chunk.len() as u64;
        Ok(())
    }

    async fn finish(&mut self, _: &End) -> io::Result<()> {
        File::open(self.beside("part"))?.sync_all()?;
        fs::rename(self.beside("part"), &self.path)?;
        fs::remove_file(self.beside("state"))
    }
}

/// A job for each address; the files are named by number, never by what an address says.
fn jobs(urls: &[String], folder: &Path) -> Result<Vec<Job<usize, FileSink>>, Box<dyn Error>> {
    let mut jobs = Vec::new();
    for (index, url) in urls.iter().enumerate() {
        let path = folder.join(format!("{index:04}"));
        if path.exists() {
            println!("{index:04} is there");
            continue;
        }
        jobs.push(Job::new(
            index,
            Request::get(Url::parse(url)?),
            FileSink::open(path),
        ));
    }
    Ok(jobs)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, urls)) = arguments.split_last().filter(|(_, urls)| !urls.is_empty()) else {
        eprintln!("usage: fetch URL... FOLDER");
        return Ok(ExitCode::from(2));
    };
    fs::create_dir_all(folder)?;
    let fetcher = Fetcher::with_service(
        https(&TransportOptions::default())?,
        FetchOptions::default(),
    );
    let mut events = fetcher.fetch_all(futures::stream::iter(jobs(urls, Path::new(folder))?));
    let mut code = ExitCode::SUCCESS;
    while let Some(event) = events.next().await {
        match event {
            Event::Retrying {
                tag, error, after, ..
            } => println!("{tag:04} again in {after:.1?}: {error}"),
            Event::Finished { tag, report, .. } => {
                println!(
                    "{tag:04} {} bytes, {} of them held before",
                    report.length, report.resumed_at
                );
            }
            Event::Failed { tag, error, .. } => {
                println!("{tag:04} failed: {error}");
                code = ExitCode::FAILURE;
            }
            _ => {}
        }
    }
    Ok(code)
}
