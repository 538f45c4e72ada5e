//! Says what is in media segments, whatever they are called, and what is wrong with them.
//!
//! `cargo run -p cache-inspect --example examine -- [--init FILE] SEGMENT...`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;

use cache_inspect::media::{Initialization, Segment, Stream, examine};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut initialization = None;
    while let Some(argument) = arguments.next() {
        if argument == "--init" {
            let path = arguments.next().ok_or("--init needs a file")?;
            let read = Initialization::read(&std::fs::read(path)?);
            initialization = Some(read.map_err(|problem| problem.to_string())?);
        } else {
            let bytes = std::fs::read(&argument)?;
            show(&argument, &examine(&bytes, initialization.as_ref()));
        }
    }
    Ok(())
}

fn show(name: &str, segment: &Segment) {
    println!("{name}: {}", segment.container);
    for Stream {
        id,
        kind,
        codec,
        samples,
        start,
        duration,
        ..
    } in &segment.streams
    {
        println!("  {id} {kind:?} {codec}: {samples} samples, from {start:?} for {duration:?}");
    }
    for problem in &segment.problems {
        println!("  wrong: {problem}");
    }
}
