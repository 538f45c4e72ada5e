//! What can go wrong, in the terms of the tool: what, where, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

type Source = Box<dyn StdError + Send + Sync>;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something did not happen. The message is one line; [`Error::hint`] says what to do.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Source>,
}

/// The classes of failure that callers tell apart; each has an [exit code](ErrorKind::exit_code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request makes no sense: a bad URL, an unknown asset, an ambiguous prefix.
    Usage,
    /// What the server sent is not a playlist that can be downloaded.
    PlaylistRejected,
    /// The playlist still grows.
    Live,
    /// The media is encrypted for a key system that hands out no clear key.
    Protected,
    /// The network or the server gave up.
    Network,
    /// The server answers 401, 403 or 410: the address has expired or needs credentials.
    AddressExpired,
    /// The playlist at the server is no longer the one this download began with.
    Changed,
    /// Something is missing or damaged and the answer is therefore bad.
    Incomplete,
    /// What is stored cannot be written in the form that was asked for.
    Unsupported,
    /// Another process writes this asset.
    Busy,
    /// The disk, or the quota on it, is full.
    DiskFull,
    /// The store cannot be used.
    Storage,
    /// The user interrupted; what is there can be resumed.
    Interrupted,
    /// Paused on purpose, to be resumed.
    Paused,
    /// Given up on purpose; what is there is kept until it is removed.
    Cancelled,
}

impl ErrorKind {
    /// The exit code of the tool for this kind of failure.
    ///
    /// 1 ran and the answer is bad · 2 usage · 3 playlist rejected or content protected ·
    /// 4 network gave up · 5 storage · 130 interrupted, resumable.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Incomplete | Self::Unsupported => 1,
            Self::Usage => 2,
            Self::PlaylistRejected | Self::Live | Self::Protected | Self::Changed => 3,
            Self::Network | Self::AddressExpired => 4,
            Self::Busy | Self::DiskFull | Self::Storage => 5,
            Self::Interrupted | Self::Paused | Self::Cancelled => 130,
        }
    }

    /// Whether a download that ends so is paused.
    pub(crate) fn is_pause(self) -> bool {
        matches!(self, Self::Interrupted | Self::Paused | Self::DiskFull)
    }

    /// The name used in machine-readable output, for example `disk-full`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Unsupported => "unsupported",
            Self::PlaylistRejected => "playlist-rejected",
            Self::Live => "live",
            Self::Protected => "protected",
            Self::Network => "network",
            Self::AddressExpired => "address-expired",
            Self::Changed => "changed",
            Self::Incomplete => "incomplete",
            Self::Busy => "busy",
            Self::DiskFull => "disk-full",
            Self::Storage => "storage",
            Self::Interrupted => "interrupted",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Error {
    /// A new error with a message, which is a lower-case fragment without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                hint: None,
                source: None,
            }),
        }
    }

    /// A usage error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A failure of local input or output at a path.
    pub fn io(path: &Path, doing: &str, source: std::io::Error) -> Self {
        let kind = if is_disk_full(&source) {
            ErrorKind::DiskFull
        } else {
            ErrorKind::Storage
        };
        Self::new(kind, format!("cannot {doing} {}", path.display())).because(source)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What to do about it, if there is something.
    pub fn advice(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// The message with its causes, on one line.
    pub fn one_line(&self) -> String {
        let mut line = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some libraries repeat their cause in their own message.
            if !text.is_empty() && !line.contains(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            source = cause.source();
        }
        crate::render::text::printable(&line)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.inner.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Whether an I/O error says that the disk or a quota is full.
pub(crate) fn is_disk_full(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}

impl From<asset_store::Error> for Error {
    fn from(error: asset_store::Error) -> Self {
        use asset_store::ErrorKind as Store;
        let (kind, message, hint) = match error.kind() {
            Store::UnknownAsset => (
                ErrorKind::Usage,
                "no such asset",
                Some("see `offline list`"),
            ),
            Store::NotFound => (
                ErrorKind::Usage,
                "there is no store",
                Some("download something first, or name another one with --store"),
            ),
            Store::NewerFormat => (
                ErrorKind::Storage,
                "the store was written by a newer version",
                Some("update offline, or name another store with --store"),
            ),
            Store::Busy => (
                ErrorKind::Busy,
                "the asset is being written",
                Some("wait until that download ends, or stop it first"),
            ),
            Store::DiskFull => (
                ErrorKind::DiskFull,
                "the disk is full",
                Some(
                    "free some space (`offline purge`, `offline remove`) and download again: what is there is kept",
                ),
            ),
            Store::OverQuota => (
                ErrorKind::DiskFull,
                "the store is full",
                Some(
                    "remove something (`offline purge`, `offline remove`) or raise its quota, and download again: what is there is kept",
                ),
            ),
            Store::InvalidName => (ErrorKind::Usage, "invalid name", None),
            Store::NotAStore => (
                ErrorKind::Storage,
                "that is no store",
                Some("name another folder with --store, an empty one or one that is not there"),
            ),
            Store::NotPrivate => (
                ErrorKind::Storage,
                "the store cannot be trusted",
                Some("put that right, or name another store with --store"),
            ),
            Store::Damaged | Store::Missing => (
                ErrorKind::Storage,
                "the store is damaged",
                Some("`offline verify --repair` finds what is damaged and fetches it again"),
            ),
            _ => (
                ErrorKind::Storage,
                "the store failed",
                Some("`offline doctor` says what is in its way"),
            ),
        };
        let mut made = match (kind, error.path()) {
            // What the system says about it would only repeat it.
            (ErrorKind::DiskFull, Some(path)) => {
                Self::new(kind, format!("{message}: cannot write {}", path.display()))
            }
            // Its own words say it all.
            _ if matches!(
                error.kind(),
                Store::NotFound | Store::NotAStore | Store::NotPrivate
            ) =>
            {
                Self::new(kind, error.to_string()).because(error)
            }
            _ => Self::new(kind, message).because(error),
        };
        made.inner.hint = hint.map(str::to_owned);
        made
    }
}

impl From<segment_fetch::Error> for Error {
    fn from(error: segment_fetch::Error) -> Self {
        use segment_fetch::ErrorKind as Fetch;
        if let Some(stored) = store_failure(&error) {
            return stored.into();
        }
        let (kind, hint) = match error.kind() {
            Fetch::InvalidUrl => (
                ErrorKind::Usage,
                Some("write it whole, for example https://example.com/master.m3u8"),
            ),
            Fetch::Cookies => (
                ErrorKind::Usage,
                Some(
                    "--cookies takes the format of Netscape, which curl and extensions of browsers write",
                ),
            ),
            Fetch::Connect => (
                ErrorKind::Network,
                Some("check the address and the network, then try again: what is there is kept"),
            ),
            Fetch::Tls => (
                ErrorKind::Network,
                Some(
                    "check the clock (`offline doctor`); --cacert FILE names an authority that the system does not know",
                ),
            ),
            Fetch::Timeout | Fetch::Truncated | Fetch::Http => (
                ErrorKind::Network,
                Some("try again, or with --parallel 1: what is there is kept"),
            ),
            Fetch::Status(500..) => (
                ErrorKind::Network,
                Some("the server has trouble; try again later: what is there is kept"),
            ),
            Fetch::Status(429) => (
                ErrorKind::Network,
                Some(
                    "the server wants fewer requests: try again later, with --parallel 1 or --limit-rate",
                ),
            ),
            Fetch::Status(_) | Fetch::TooManyRedirects => (
                ErrorKind::Network,
                Some(
                    "open the address in a browser: the server may want cookies or headers (--cookies, --header)",
                ),
            ),
            Fetch::WrongRange | Fetch::WrongLength => (
                ErrorKind::Network,
                Some(
                    "try again; when it stays so, the file has changed at the server, or something on the way is broken",
                ),
            ),
            Fetch::TooLarge => (
                ErrorKind::Network,
                Some("check the address: that is longer than such a file ever is"),
            ),
            Fetch::Proxy => (
                ErrorKind::Network,
                Some("check --proxy, and http_proxy, https_proxy and all_proxy in the environment"),
            ),
            Fetch::Refused => (
                ErrorKind::PlaylistRejected,
                Some(
                    "what comes from the internet may not lead to addresses near this machine, nor from https to http",
                ),
            ),
            Fetch::AddressExpired => (
                ErrorKind::AddressExpired,
                Some(
                    "the address has expired or needs credentials: `offline resume ID --url URL` goes on from a fresh one, what is there is kept",
                ),
            ),
            Fetch::WrongContent => (
                ErrorKind::PlaylistRejected,
                Some("open the address in a browser: it may be a login or error page"),
            ),
            Fetch::NotFound => (ErrorKind::Network, Some("check the address")),
            Fetch::Sink => (
                ErrorKind::Storage,
                Some("`offline doctor` says what is in the way of the store"),
            ),
            _ => (ErrorKind::Network, None),
        };
        // The fetch error says what and where itself; as the cause it brings its own causes.
        let mut made = Self::new(kind, error.to_string()).because(error);
        made.inner.hint = hint.map(str::to_owned);
        made
    }
}

/// The error of the store that a sink failed with, through the I/O error that carries it.
fn store_failure(error: &segment_fetch::Error) -> Option<asset_store::Error> {
    let io = StdError::source(error)?.downcast_ref::<std::io::Error>()?;
    io.get_ref()?.downcast_ref::<asset_store::Error>().cloned()
}
