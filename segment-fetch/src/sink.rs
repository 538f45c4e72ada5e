//! Where the bytes go.

use std::fmt;
use std::future::Future;
use std::io;

use bytes::{Bytes, BytesMut};

use crate::Validator;

/// Takes the bytes of one resource, and knows how far it is.
///
/// A fetch calls [`begin`](Sink::begin) when the first right bytes of a response are there (not when it asks for
/// them, so that a bad answer destroys nothing), then [`append`](Sink::append) for each piece, in order, and
/// [`finish`](Sink::finish) once at the end. After a cut comes a [`checkpoint`](Sink::checkpoint); then it looks at
/// [`position`](Sink::position), asks for the rest and begins again. All offsets and lengths count from the start of
/// what was asked for: of the range when the request has one, else of the resource.
///
/// Any of the futures may be dropped half way. What [`position`](Sink::position) then reports must still be there and
/// right. `testing::sink_contract` (feature `testing`) checks an implementation.
pub trait Sink: Send {
    /// How many bytes are held, and under which validator. Asked before every attempt.
    fn position(&self) -> Position;

    /// Holds exactly the first `start.offset` bytes from now on, and remembers the validator and the length.
    ///
    /// The offset is either 0, which drops whatever was held, or the length that [`position`](Sink::position) reported.
    fn begin(&mut self, start: &Start) -> impl Future<Output = io::Result<()>> + Send;

    /// Adds `chunk` at the end.
    fn append(&mut self, chunk: Bytes) -> impl Future<Output = io::Result<()>> + Send;

    /// No more comes for now, after an attempt that failed: a pause may follow, or the end. Makes sure that what is held
    /// would outlive the process. By default nothing is done, which is right for a sink that buffers nothing.
    ///
    /// It does not come when everything stops at once, by a pause from outside or because the future is dropped, nor after
    /// a request [for several jobs](crate::Merge), which is no attempt of theirs.
    fn checkpoint(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// The content is complete and as long as it has to be: flush what is buffered. Not called otherwise.
    ///
    /// A digest that is [expected](crate::Expect::digest) is held against the content here. When it is another, the error is
    /// of kind [`InvalidData`](io::ErrorKind::InvalidData), and the resource is fetched once more, from its beginning.
    ///
    /// It comes without a [`begin`](Sink::begin) when everything was held before.
    fn finish(&mut self, end: &End) -> impl Future<Output = io::Result<()>> + Send;
}

/// How far a [`Sink`] is. The default is an empty one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    /// How many bytes are held and known to be good.
    pub length: u64,
    /// Under which validator they were received. Without one they cannot be continued and are fetched again.
    pub validator: Option<Validator>,
    /// How many bytes there will be, when known.
    pub complete_length: Option<u64>,
}

/// From where the next bytes are appended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// How many bytes to keep. 0: start again.
    pub offset: u64,
    /// The validator of the bytes that come, to be remembered.
    pub validator: Option<Validator>,
    /// How many bytes there will be in the end, when known.
    pub complete_length: Option<u64>,
}

/// What the content has to be in the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct End {
    /// How many bytes there are.
    pub length: u64,
    /// Which [digest](crate::Expect::digest) they have to have, when that was said.
    pub digest: Option<Bytes>,
}

/// A [`Sink`] in memory. It knows no digests, so it refuses to finish where one is expected. Its `Debug` form leaves the content out, which may be a key.
#[derive(Clone, Default)]
pub struct MemorySink {
    bytes: BytesMut,
    validator: Option<Validator>,
    complete_length: Option<u64>,
    finished: bool,
}

impl MemorySink {
    /// An empty sink.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is held so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the content is complete.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The content, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySink")
            .field("position", &self.position())
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}

impl Sink for MemorySink {
    fn position(&self) -> Position {
        Position {
            length: self.bytes.len() as u64,
            validator: self.validator.clone(),
            complete_length: self.complete_length,
        }
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        let offset = usize::try_from(start.offset).map_err(io::Error::other)?;
        if offset > self.bytes.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "offset is beyond what is held",
            ));
        }
        self.bytes.truncate(offset);
        self.validator.clone_from(&start.validator);
        self.complete_length = start.complete_length;
        self.finished = false;
        Ok(())
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        self.bytes.extend_from_slice(&chunk);
        Ok(())
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        if end.digest.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a sink in memory cannot compare digests",
            ));
        }
        if end.length != self.bytes.len() as u64 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "length is not what is held",
            ));
        }
        self.finished = true;
        Ok(())
    }
}
