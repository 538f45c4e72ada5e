//! Many HTTP resources, fetched whole and right: resume, retry, limits, progress

pub mod resume;
#[cfg(feature = "testing")]
pub mod testing;

mod content;
mod content_range;
mod data_url;
mod error;
mod fetch_all;
mod fetcher;
mod intake;
mod options;
mod reach;
mod request;
mod retry;
mod run;
mod service;
mod sink;
mod transport;
mod validator;

pub use error::{Error, ErrorKind};
pub use fetch_all::{Event, FetchAll, Job};
pub use fetcher::{Fetched, Fetcher, Report};
pub use options::{Credentials, FetchOptions, RetryPolicy};
pub use request::{Expect, Reach, Request};
pub use service::{HttpService, RequestBody};
pub use sink::{MemorySink, Position, Sink, Start};
pub use transport::{Transport, TransportOptions, https};
pub use validator::{ParseValidatorError, Validator};

pub use bytes::Bytes;
pub use http::HeaderMap;
pub use url::Url;
