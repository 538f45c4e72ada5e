//! What every catalog must do.

use std::collections::{HashMap, HashSet};
use std::error::Error;

use crate::catalog::{AssetDescription, Catalog, Reading};

/// An id that no catalog under test has.
const UNKNOWN: &str = "cache-inspect-contract-of-no-asset";

/// Runs a catalog through the contract of [`Catalog`], with the assets that it has. It has to stand still meanwhile.
///
/// # Errors
///
/// What the catalog's own operations return, or which rule it breaks.
///
/// ```
/// use cache_inspect::testing::catalog_contract;
/// use cache_inspect::{AssetDescription, MemoryCatalog};
///
/// let mut catalog = MemoryCatalog::default();
/// catalog.insert(AssetDescription { id: "film".to_owned(), ..AssetDescription::default() });
/// catalog_contract(&catalog)?;
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub fn catalog_contract<C: Catalog>(catalog: &C) -> Result<(), Box<dyn Error + Send + Sync>> {
    let ids = catalog.asset_ids()?;
    ensure(ids == catalog.asset_ids()?, "ids are the same each time")?;
    let different: HashSet<&String> = ids.iter().collect();
    ensure(different.len() == ids.len(), "every id is there once")?;
    ensure(
        !different.contains(&UNKNOWN.to_owned()),
        "the contract's own id is free",
    )?;
    ensure(
        catalog.asset(UNKNOWN).is_err(),
        "an unknown asset is an error",
    )?;
    let mut buffer = b"what was there before".to_vec();
    ensure(
        catalog.read(UNKNOWN, "path", &mut buffer).is_err(),
        "to read of an unknown asset is an error",
    )?;
    let mut lengths = HashMap::new();
    for id in &ids {
        let asset = catalog.asset(id)?;
        ensure(
            asset == catalog.asset(id)?,
            "descriptions are the same each time",
        )?;
        ensure(
            asset.id == *id,
            "an asset has the id under which it is asked for",
        )?;
        for file in &asset.files {
            let length = *lengths.entry(file.blob.clone()).or_insert(file.length);
            ensure(
                length == file.length,
                "files of one digest are of one length",
            )?;
            let in_range = file.track.is_none_or(|track| track < asset.tracks.len());
            ensure(in_range, "a file belongs to a track that there is")?;
        }
        check_indices(&asset)?;
        check_reading(catalog, &asset)?;
    }
    Ok(())
}

fn check_indices(asset: &AssetDescription) -> Result<(), String> {
    for track in &asset.tracks {
        let starts = || track.segments.iter().map(|segment| segment.start);
        ensure(
            starts().is_sorted(),
            "segments are in the order of their time",
        )?;
        ensure(
            !track.muxed || track.segments.is_empty(),
            "a rendition inside the variants has no segments of its own",
        )?;
        for needed in &track.prerequisites {
            let used = &needed.used_by;
            ensure(
                used.start < used.end && used.end <= track.segments.len(),
                "what segments need is needed by segments that there are",
            )?;
        }
    }
    Ok(())
}

fn check_reading<C: Catalog>(
    catalog: &C,
    asset: &AssetDescription,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let files: HashMap<&str, u64> = (asset.files.iter())
        .map(|file| (&*file.path, file.length))
        .collect();
    ensure(files.len() == asset.files.len(), "every path is there once")?;
    let mut buffer = b"what was there before".to_vec();
    let absent = catalog.read(&asset.id, UNKNOWN, &mut buffer)?;
    ensure(
        matches!(absent, Reading::Unreadable(_)) && buffer.is_empty(),
        "a path that is not there cannot be read, and that is no error",
    )?;
    for segment in asset.tracks.iter().flat_map(|track| &track.segments) {
        if !segment.present || segment.path.is_empty() {
            continue;
        }
        let length = files.get(&*segment.path).copied();
        ensure(length.is_some(), "what is present is among the files")?;
        buffer.clear();
        buffer.extend_from_slice(b"what was there before");
        let first = catalog.read(&asset.id, &segment.path, &mut buffer)?;
        let bytes = std::mem::take(&mut buffer);
        let again = catalog.read(&asset.id, &segment.path, &mut buffer)?;
        ensure(
            first == again && bytes == buffer,
            "what is read is the same each time, whatever the buffer held",
        )?;
        let read = u64::try_from(bytes.len()).ok();
        let fits = match first {
            Reading::Stored => read == length,
            // The padding goes.
            Reading::Decrypted => read < length,
            Reading::Encrypted | Reading::WrongKey(_) | Reading::Unreadable(_) => read == Some(0),
        };
        ensure(fits, "there are as many bytes as the file has")?;
    }
    Ok(())
}

fn ensure(holds: bool, rule: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("the contract is broken: {rule}"))
    }
}
