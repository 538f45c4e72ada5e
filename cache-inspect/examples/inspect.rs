//! Inspects a cache that is described in memory.
//!
//! `cargo run -p cache-inspect --example inspect`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::time::{Duration, SystemTime};

use cache_inspect::{
    AssetDescription, Catalog, File, MemoryCatalog, SegmentDescription, Track, TrackKind,
    UnknownAsset, VariantDescription, inspect, usage,
};

/// Ten segments of four seconds, of which some are stored.
fn track(kind: TrackKind, name: &str, is_stored: impl Fn(u32) -> bool) -> Track {
    let length = Duration::from_secs(4);
    Track {
        kind,
        name: Some(name.to_owned()),
        selected: true,
        segments: (0..10)
            .map(|number| SegmentDescription {
                start: length * number,
                duration: length,
                present: is_stored(number),
                url: format!("https://media.example/{name}/{number}.m4s"),
                ..SegmentDescription::default()
            })
            .collect(),
        ..Track::default()
    }
}

fn film(id: &str, audio: Track) -> AssetDescription {
    let file = |path: &str, length| File {
        path: path.to_owned(),
        blob: format!("digest of {path}"),
        length,
        role: "segment".to_owned(),
        ..File::default()
    };
    AssetDescription {
        id: id.to_owned(),
        complete: true,
        variants: vec![VariantDescription {
            id: "720p".to_owned(),
            bandwidth: Some(3_000_000),
            resolution: Some((1280, 720)),
            tracks: vec![0],
            audio: vec![1],
            audio_required: true,
            ..VariantDescription::default()
        }],
        tracks: vec![track(TrackKind::Main, "video", |_| true), audio],
        files: vec![file("trailer.mp4", 2_000_000), file(id, 40_000_000)],
        ..AssetDescription::default()
    }
}

fn main() -> Result<(), UnknownAsset> {
    let whole = film("whole", track(TrackKind::Audio, "English", |_| true));
    let cut = film(
        "cut",
        track(TrackKind::Audio, "English", |number| number != 6),
    );
    let mut cache = MemoryCatalog::default();
    cache.insert(whole);
    cache.insert(cut);

    for id in cache.asset_ids()? {
        let inspection = inspect(&cache.asset(&id)?);
        println!("{id}: playable offline: {}", inspection.playable_offline);
        for why in &inspection.why_not {
            println!("  {why}");
        }
        for range in &inspection.loaded_time_ranges {
            println!("  loaded {:?} to {:?}", range.start, range.end);
        }
        for option in &inspection.media_selection.audio {
            println!("  audio {:?}", option.name);
        }
        for missing in &inspection.missing {
            println!(
                "  missing {} at {:?}: {}",
                missing.what, missing.start, missing.url
            );
        }
    }
    let usage = usage(&cache, SystemTime::now())?;
    println!(
        "{} bytes stored, {} of them shared",
        usage.stored, usage.shared
    );
    for asset in &usage.assets {
        println!(
            "  removing {} alone would free {} bytes",
            asset.id, asset.bytes.exclusive
        );
    }
    Ok(())
}
