//! What every sink must do.

use std::io;

use bytes::Bytes;

use crate::{End, Position, Sink, Start, Validator};

/// Runs a sink through the contract of [`Sink`]. `make` makes an empty one each time it is called; `read` returns the
/// bytes that one holds once it was finished.
///
/// # Errors
/// What the sink's own operations return, or which rule it breaks.
///
/// ```
/// use segment_fetch::MemorySink;
/// use segment_fetch::testing::sink_contract;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// sink_contract(MemorySink::new, |sink| Ok(sink.into_bytes().to_vec())).await
/// # }
/// ```
pub async fn sink_contract<K: Sink>(
    mut make: impl FnMut() -> K,
    mut read: impl FnMut(K) -> io::Result<Vec<u8>>,
) -> io::Result<()> {
    let first: Option<Validator> = "\"first\"".parse().ok();
    let second: Option<Validator> = "\"second\"".parse().ok();

    let mut sink = make();
    ensure(
        sink.position() == Position::default(),
        "a new sink is empty",
    )?;

    let start = |offset, validator: &Option<Validator>| Start {
        offset,
        validator: validator.clone(),
        complete_length: Some(9),
    };
    let at = |length, validator: &Option<Validator>| Position {
        length,
        validator: validator.clone(),
        complete_length: Some(9),
    };
    let end = |length| End {
        length,
        digest: None,
    };
    sink.begin(&start(0, &first)).await?;
    ensure(
        sink.position() == at(0, &first),
        "after begin it holds nothing, under what it was told",
    )?;
    sink.append(Bytes::from_static(b"abc")).await?;
    sink.append(Bytes::new()).await?;
    sink.append(Bytes::from_static(b"def")).await?;
    ensure(sink.position() == at(6, &first), "what was appended counts")?;

    sink.checkpoint().await?;
    ensure(
        sink.position() == at(6, &first),
        "a checkpoint changes nothing",
    )?;
    sink.begin(&start(6, &first)).await?;
    ensure(
        sink.position() == at(6, &first),
        "to begin where it is drops nothing",
    )?;
    sink.append(Bytes::from_static(b"ghi")).await?;
    sink.finish(&end(9)).await?;
    ensure(sink.position().length == 9, "finishing drops nothing")?;
    ensure(
        read(sink)? == b"abcdefghi",
        "the pieces are there in their order",
    )?;

    let mut sink = make();
    sink.begin(&start(0, &first)).await?;
    sink.append(Bytes::from_static(b"of another version"))
        .await?;
    sink.begin(&Start {
        offset: 0,
        validator: second.clone(),
        complete_length: None,
    })
    .await?;
    let empty = Position {
        length: 0,
        validator: second,
        complete_length: None,
    };
    ensure(
        sink.position() == empty,
        "to begin at 0 drops everything, the old validator and length included",
    )?;
    sink.append(Bytes::from_static(b"new")).await?;
    sink.finish(&end(3)).await?;
    ensure(read(sink)? == b"new", "nothing of the old version is left")?;

    let mut sink = make();
    sink.begin(&start(0, &first)).await?;
    sink.append(Bytes::from_static(b"whatever")).await?;
    let wrong = End {
        length: 8,
        digest: Some(Bytes::from_static(b"no digest of anything")),
    };
    ensure(
        sink.finish(&wrong).await.is_err(),
        "a digest that is not that of the content is not accepted",
    )?;
    sink.begin(&start(0, &first)).await?;
    sink.append(Bytes::from_static(b"once more")).await?;
    sink.finish(&end(9)).await?;
    ensure(read(sink)? == b"once more", "it can begin again after that")?;

    let mut sink = make();
    sink.begin(&Start::default()).await?;
    ensure(
        sink.position().validator.is_none(),
        "no validator is remembered when there is none",
    )?;
    sink.finish(&end(0)).await?;
    ensure(read(sink)?.is_empty(), "an empty content is a content")
}

fn ensure(holds: bool, rule: &str) -> io::Result<()> {
    if holds {
        Ok(())
    } else {
        Err(io::Error::other(format!("the sink breaks a rule: {rule}")))
    }
}
