//! The machine: room, clock, trust, programs.

use std::path::{Path, PathBuf};

use asset_store::Store;
use storage_policy::Amount;

use super::Finding;
use crate::render::text::{about, size};
use crate::session::{clock, purge, record};

/// With less than this nothing worth playing fits.
const LEAST_ROOM: u64 = 64 << 20;

/// 2026-01-01: no clock that is right says less.
const EARLIEST: u64 = 1_767_225_600;

/// What is free where the store is or would be, against what its policy asks for.
pub(super) fn space(place: &Path, store: Option<&Store>) -> Finding {
    let there = place.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or_else(|| Path::new("."));
    let (Ok(free), Ok(whole)) = (fs4::available_space(there), fs4::total_space(there)) else {
        return Finding::note("space", "the system does not tell how much is free");
    };
    let policy = store.and_then(|store| purge::store_policy(store).ok().flatten());
    let policy = policy.map(|(_, policy)| policy).unwrap_or_default();
    let kept = match policy.min_free {
        None => 0,
        Some(Amount::Bytes(bytes)) => bytes,
        Some(Amount::Percent(percent)) => whole / 100 * u64::from(percent),
    };
    // Counting costs as much as listing, so it is done only where there is something to compare with.
    let most = policy.max_bytes;
    let stored = most.and(store).and_then(|store| store.usage().ok());
    let held = stored.map_or(0, |usage| usage.blob_bytes);
    room(Room {
        free,
        kept,
        held,
        most,
    })
}

/// What there is, and what is asked for, in bytes.
#[derive(Clone, Copy)]
struct Room {
    free: u64,
    kept: u64,
    held: u64,
    most: Option<u64>,
}

fn room(room: Room) -> Finding {
    let Room {
        free,
        kept,
        held,
        most,
    } = room;
    let said = format!("{} free", size(free));
    if free < LEAST_ROOM {
        let advice = "free some space (`offline purge`, `offline gc`), or name a store on another volume with --store";
        return Finding::bad(
            "space",
            format!("{said}, which is too little for any download"),
            advice,
        );
    }
    if free < kept {
        let said = format!(
            "{said}, and the policy of the store keeps {} free",
            size(kept)
        );
        return Finding::bad(
            "space",
            said,
            "`offline purge` removes what the policy lets go",
        );
    }
    match most {
        Some(most) if held > most => {
            let said = format!(
                "{} stored, and the policy allows {}",
                size(held),
                size(most)
            );
            Finding::bad(
                "space",
                said,
                "`offline purge` removes what the policy lets go",
            )
        }
        _ => Finding::ok("space", said),
    }
}

pub(super) fn clock(store: Option<&Store>) -> Finding {
    time(record::unix_now(), store.and_then(clock::latest))
}

/// Like [`clock::moment`], which would note the time.
fn time(now: u64, latest: Option<u64>) -> Finding {
    let advice = "set the clock; if it is right, `offline purge --trust-clock` makes the store forget later times";
    match latest {
        _ if now < EARLIEST => Finding::bad(
            "clock",
            "it says a time before this program was made, with which no certificate is valid and nothing expires",
            "set the clock",
        ),
        Some(latest) if clock::is_behind(now, latest) => {
            let behind = std::time::Duration::from_secs(latest.saturating_sub(now));
            let said = format!(
                "it is {} behind the latest time that the store has seen",
                about(behind)
            );
            Finding::bad(
                "clock",
                format!("{said}, so nothing expires until then"),
                advice,
            )
        }
        Some(_) => Finding::ok("clock", "not behind what the store has seen"),
        None => Finding::ok("clock", "nothing to compare with, looks right"),
    }
}

pub(super) fn tls() -> Finding {
    match segment_fetch::platform_trust() {
        Ok(()) => Finding::ok(
            "tls",
            "the certificate authorities of the system can be loaded",
        ),
        Err(error) => Finding::bad(
            "tls",
            format!("no https: {}", crate::Error::from(error).one_line()),
            "install the certificate authorities of the system (package ca-certificates), check SSL_CERT_FILE and \
             SSL_CERT_DIR, or name one with --cacert",
        ),
    }
}

/// What else can be used if it is there.
pub(super) fn programs() -> [Finding; 2] {
    let ffmpeg = match on_path("ffmpeg") {
        Some(path) => Finding::ok("ffmpeg", path.display().to_string()),
        None => Finding::note(
            "ffmpeg",
            "not there; some formats of `offline export` need it",
        ),
    };
    let players = ["mpv", "vlc", "ffplay"].into_iter();
    let players: Vec<&str> = players.filter(|name| on_path(name).is_some()).collect();
    let players = if players.is_empty() {
        Finding::note(
            "players",
            "neither mpv, vlc nor ffplay is there; `offline play` opens the browser",
        )
    } else {
        Finding::ok("players", players.join(", "))
    };
    [ffmpeg, players]
}

fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(&file))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::doctor::FindingState::{Bad, Ok};

    #[test]
    fn too_little_room_is_bad() {
        let of = |free, kept, held, most| {
            room(Room {
                free,
                kept,
                held,
                most,
            })
        };
        assert_eq!(of(LEAST_ROOM, 0, 0, None).state, Ok);
        assert_eq!(of(LEAST_ROOM - 1, 0, 0, None).state, Bad);
        assert_eq!(of(u64::MAX, u64::MAX, 0, None).state, Ok);
        let kept = of(1 << 30, (1 << 30) + 1, 0, None);
        assert_eq!(kept.state, Bad);
        assert!(kept.finding.contains("keeps 1.1 GB free"), "{kept:?}");
        assert_eq!(of(1 << 30, 0, 5, Some(5)).state, Ok);
        assert_eq!(of(1 << 30, 0, 6, Some(5)).state, Bad);
    }

    #[test]
    fn a_clock_that_is_behind_is_bad() {
        assert_eq!(time(0, None).state, Bad);
        assert_eq!(time(EARLIEST, None).state, Ok);
        assert_eq!(time(EARLIEST, Some(EARLIEST + 60)).state, Ok);
        let behind = time(EARLIEST, Some(EARLIEST + 3 * 86_400));
        assert_eq!(behind.state, Bad);
        assert!(behind.finding.contains("3 days behind"), "{behind:?}");
    }
}
