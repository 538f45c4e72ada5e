//! `offline download`

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use asset_store::{AssetId, Store};
use url::Url;

use super::{interactive, queue, record};
use crate::cli::{Choice, Connection, Download};
use crate::render::output::{self, Output};
use crate::render::progress::Progress;
use crate::render::table::table;
use crate::render::text::{clock, printable, size};
use crate::session::{
    Artwork, BytesFrom, Chosen, DownloadEvent, DownloadRequest, LiveOptions, Outcome, Session,
    TimeRange,
};
use crate::{Error, ErrorKind, Result};

pub(super) async fn run(arguments: &Download, place: &Path, output: Output) -> Result<u8> {
    let Some(url) = &arguments.url else {
        return queue::work_off(arguments, &Store::open(place)?, output).await;
    };
    // Whoever leaves while being asked leaves nothing behind.
    let choice = choice(arguments, url, place, output).await?;
    let store = Store::open(place)?;
    let request = request(arguments, &choice, url, Some(&store))?;
    if arguments.queue {
        return queue::enqueue(&store, &request, output);
    }
    let recording = &arguments.recording;
    if recording.live {
        let live = LiveOptions {
            duration: recording.duration,
            from_start: recording.from_start,
            ..LiveOptions::default()
        };
        let recording = record::run(request, live, &arguments.connection, store, output);
        return Box::pin(recording).await;
    }
    one(request, &arguments.connection, store, output).await
}

/// What the command line says is to be taken, and with `-i` the person at the terminal.
async fn choice<'a>(
    arguments: &'a Download,
    url: &Url,
    place: &Path,
    output: Output,
) -> Result<Cow<'a, Choice>> {
    if !arguments.interactive {
        return Ok(Cow::Borrowed(&arguments.choice));
    }
    interactive::check(output)?;
    let known = super::existing(place.to_owned())?;
    let request = request(arguments, &arguments.choice, url, known.as_ref())?;
    drop(known);
    let network = super::network(&arguments.connection, request.origin(), output)?;
    let asking = interactive::choose(&arguments.choice, request, &network, place, output);
    Ok(Cow::Owned(asking.await?))
}

/// What the command line asks for; what it leaves open is as in the last download of the address, if there was one.
fn request(
    arguments: &Download,
    choice: &Choice,
    url: &Url,
    store: Option<&Store>,
) -> Result<DownloadRequest> {
    let id = arguments.id.as_deref().map(AssetId::new).transpose()?;
    let mut request = match store {
        Some(store) => DownloadRequest::augmenting(store, url.clone(), id)?,
        None => DownloadRequest::new(url.clone()),
    };
    choice.make(&mut request)?;
    arguments.interstitials.make(&mut request)?;
    request.title.clone_from(&arguments.title);
    request.artwork = arguments.artwork.as_deref().map(artwork).transpose()?;
    request.metadata = arguments.metadata.iter().cloned().collect();
    request.range = TimeRange::new(arguments.from, arguments.to);
    request.allow_gaps = arguments.allow_gaps;
    request.treat_as_vod = arguments.treat_as_vod;
    request.keep_protected |= arguments.keep_protected;
    super::set_base(&mut request, arguments.base_url.as_ref())?;
    Ok(request)
}

/// An address, or the file of that name.
fn artwork(wanted: &str) -> Result<Artwork> {
    let address = Url::parse(wanted).ok();
    if let Some(url) = address.filter(|url| matches!(url.scheme(), "http" | "https")) {
        return Ok(Artwork::Address(url));
    }
    let path = Path::new(wanted);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        let more_than_allowed = Artwork::LIMIT + 1;
        file.take(more_than_allowed).read_to_end(&mut bytes)
    });
    read.map_err(|error| {
        Error::usage(format!("the artwork {} cannot be read", printable(wanted))).because(error)
    })?;
    Artwork::image(bytes)
}

/// `--dry-run`
pub(super) async fn estimate(arguments: &Download, place: &Path, output: Output) -> Result<u8> {
    let Some(url) = &arguments.url else {
        return Err(Error::usage("--dry-run needs an address"));
    };
    let choice = choice(arguments, url, place, output).await?;
    let known = super::existing(place.to_owned())?;
    let request = request(arguments, &choice, url, known.as_ref())?;
    drop(known);
    let network = super::network(&arguments.connection, request.origin(), output)?;
    let estimate = network.estimate(&request, super::free(place)).await?;
    if output.json {
        output::json(&estimate)?;
        return Ok(0);
    }
    let words = |track: &str| {
        let is_it = |chosen: &&Chosen| chosen.track.as_deref() == Some(track);
        let chosen = estimate.chosen.iter().filter(is_it);
        let words: Vec<String> = chosen.map(|chosen| printable(&chosen.words())).collect();
        words.join(", ")
    };
    let rows = estimate.tracks.iter().map(|track| {
        vec![
            track.name.clone(),
            words(&track.name),
            track.segments.to_string(),
            bytes(track.bytes, track.bytes_from, track.exact),
        ]
    });
    output::line(&table(
        &["TRACK", "WHAT", "SEGMENTS", "SIZE"],
        &[2, 3],
        rows.collect(),
    ))?;
    let time = clock(Duration::try_from_secs_f64(estimate.duration).unwrap_or_default());
    let is_exact = estimate.tracks.iter().all(|track| track.exact);
    let known = estimate.bytes_from.map(|_| estimate.bytes);
    let bytes = bytes(known, estimate.bytes_from, is_exact);
    output::line(&format!(
        "{time}, {}",
        room(&bytes, estimate.bytes_from, estimate.free)
    ))?;
    for note in &estimate.notes {
        output.message(&format!("note: {}", printable(note)));
    }
    if estimate.fits == Some(false) {
        output.message(DOES_NOT_FIT);
        return Ok(1);
    }
    Ok(0)
}

/// What to do about it.
pub(super) const DOES_NOT_FIT: &str =
    "it does not fit; choose a smaller variant (`--variant`), or free some space";

/// How many bytes there are, and how sure that is.
pub(super) fn bytes(bytes: Option<u64>, from: Option<BytesFrom>, exact: bool) -> String {
    match (bytes, from) {
        (Some(bytes), _) if exact => size(bytes),
        (Some(bytes), Some(BytesFrom::PeakBitrate)) => format!("up to {}", size(bytes)),
        (Some(bytes), _) => format!("~{}", size(bytes)),
        (None, _) => "unknown".to_owned(),
    }
}

/// `~1.2 GB (measured), 20.4 GB are free`
pub(super) fn room(bytes: &str, from: Option<BytesFrom>, free: Option<u64>) -> String {
    let from = from.map_or_else(String::new, |from| format!(" ({})", from.words()));
    let free = free.map_or_else(String::new, |free| format!(", {} are free", size(free)));
    format!("{bytes}{from}{free}")
}

/// Downloads one asset and says how that ended.
pub(super) async fn one(
    request: DownloadRequest,
    connection: &Connection,
    store: Store,
    output: Output,
) -> Result<u8> {
    let network = super::network(connection, request.origin(), output)?;
    let session = Session::new(store, network);
    let mut watch = Watch::new(output);
    let (stop, twice) = interrupts();
    let result = tokio::select! {
        result = session.download(request, stop, |event| watch.show(&event)) => result,
        () = twice => Err(interrupted_twice("the same command, or `offline resume ID`, continues")),
    };
    let outcome = watch.ended(result)?;
    if !output.json {
        output.message(&completed(&outcome));
    }
    for (count, what, remedy) in [
        (
            outcome.gaps.len(),
            "with",
            "gaps; download it again to try to fill them",
        ),
        (
            outcome.left_out.len(),
            "without",
            "interstitials; download it again to try to have them",
        ),
    ] {
        if count > 0 {
            output.message(&format!("{what} {count} {remedy}"));
        }
    }
    Ok(u8::from(!outcome.is_whole()))
}

/// What is shown of one download or recording.
pub(super) struct Watch {
    progress: Progress,
    output: Output,
    is_paused: bool,
}

impl Watch {
    pub(super) fn new(output: Output) -> Self {
        Self {
            progress: Progress::new(output),
            output,
            is_paused: false,
        }
    }

    pub(super) fn show(&mut self, event: &DownloadEvent) {
        self.is_paused |= matches!(event, DownloadEvent::Paused { .. });
        self.progress.show(event);
    }

    /// Every run ends with an event that says how.
    pub(super) fn ended<T>(mut self, result: Result<T>) -> Result<T> {
        self.progress.clear();
        match result {
            Ok(done) => self.progress.failed.take().map_or(Ok(done), Err),
            Err(error) => {
                if self.output.json && !self.is_paused {
                    output::json(&DownloadEvent::failed(&error))?;
                }
                Err(error)
            }
        }
    }
}

/// A download that ended well, in a line.
pub(super) fn completed(outcome: &Outcome) -> String {
    let got = if outcome.bytes_received > 0 {
        format!(", {} received", size(outcome.bytes_received))
    } else {
        String::new()
    };
    format!(
        "{} [{}] is complete: {}{got}",
        printable(&outcome.title),
        outcome.id,
        size(outcome.bytes)
    )
}

/// Two futures: the first interrupt makes the first one ready, which is for what stops in good order; a second interrupt makes the second one ready, for who
/// does not want to wait for that. The latter has to be polled. Interrupts are noticed from the call on.
pub(super) fn interrupts() -> (impl Future<Output = ()>, impl Future<Output = ()>) {
    let (tell, told) = futures::channel::oneshot::channel();
    let first = async {
        // Without who could stop it, it is stopped by nothing.
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let mut signals = Signals::new();
    let second = async move {
        signals.next().await;
        let _ = tell.send(());
        signals.next().await;
    };
    (first, second)
}

/// What a second interrupt leaves with.
pub(super) fn interrupted_twice(hint: &str) -> Error {
    Error::new(
        ErrorKind::Interrupted,
        "interrupted twice, what is there is kept",
    )
    .hint(hint)
}

/// Ready when the user interrupts or the system asks the process to end; noticed from the call on.
pub(super) fn interrupt() -> impl Future<Output = ()> {
    let mut signals = Signals::new();
    async move { signals.next().await }
}

/// The interrupts of the user, and the system's requests to end.
#[cfg(unix)]
struct Signals(std::io::Result<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt());
        Self(interrupt.and_then(|interrupt| Ok([interrupt, signal(SignalKind::terminate())?])))
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Ok([interrupt, terminate]) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "interrupts are not noticed");
                std::future::pending::<()>().await;
            }
        }
    }
}

/// The interrupts of the user.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "interrupts are not noticed");
            std::future::pending::<()>().await;
        }
    }
}
