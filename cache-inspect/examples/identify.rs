//! Says what media files are, whatever they are called.
//!
//! `cargo run -p cache-inspect --example identify -- FILE...`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;

use cache_inspect::media::mp4::{InitSection, fragments};
use cache_inspect::media::{Container, identify};

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args_os().skip(1) {
        let bytes = std::fs::read(&path)?;
        let container = identify(&bytes);
        println!("{}: {container}", path.display());
        if container != Container::Mp4 {
            continue;
        }
        let init = InitSection::read(&bytes);
        match &init {
            Ok(init) => println!("  {init:?}"),
            Err(error) => println!("  {error}"),
        }
        for fragment in fragments(&bytes) {
            match fragment {
                Ok(fragment) => {
                    println!("  {fragment:?}");
                    for track in &fragment.tracks {
                        let declared = init.as_ref().ok().and_then(|init| init.track(track.id));
                        if let Some(duration) = declared.and_then(|found| track.duration(found)) {
                            println!("    track {} lasts {duration:?}", track.id);
                        }
                    }
                }
                Err(error) => println!("  {error}"),
            }
        }
    }
    Ok(())
}
