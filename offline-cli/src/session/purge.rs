//! Purging: what the policies let go, asked for or to make room for a download.

use std::time::SystemTime;

use asset_store::{AssetId, Store};
use serde::Serialize;
use storage_policy::{Amount, Expiry, Incoming, Inventory, Plan, StorePolicy, TagShortfall};

use super::{auxiliary, clock, record, upkeep};
use crate::adapters::inventory;
use crate::{Error, ErrorKind, Result};

/// Name of the store's document that is its policy, as it was written.
const POLICY: &str = "policy";

/// What to purge.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PurgeRequest {
    /// Instead of the policy of the store.
    pub policy: Option<StorePolicy>,
    /// Instead of the limit, and the marks, of the policy.
    pub max_bytes: Option<u64>,
    /// Instead of that of the policy.
    pub min_free: Option<Amount>,
    /// Make room for so many bytes, as a download would.
    pub needed: Option<u64>,
    /// Take the clock for right although it is behind what was recorded.
    pub trust_clock: bool,
    /// Only say what would go.
    pub dry_run: bool,
}

/// What `offline purge` did, or would do.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Purged {
    /// Bytes freed.
    pub freed: u64,
    /// Bytes that are still over the limit.
    pub shortfall: u64,
    /// Quotas of tags that are still exceeded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag_shortfalls: Vec<TagShortfall>,
    /// The assets that went, in this order.
    pub purged: Vec<PurgedAsset>,
    /// Why others had to stay although they were needed.
    pub kept: Vec<String>,
    /// What is to be known about the clock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What expires next.
    pub next_expiry: Option<Expiry>,
}

impl Purged {
    /// Whether all limits hold now.
    pub fn is_enough(&self) -> bool {
        self.shortfall == 0 && self.tag_shortfalls.is_empty()
    }
}

/// One purged asset, or a part of one.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PurgedAsset {
    /// The asset.
    pub id: String,
    /// The track that went, if the others stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Why it went.
    pub reason: String,
    /// Bytes freed.
    pub freed: u64,
}

/// Plans a purge and, unless it is a dry run, carries it out.
///
/// Without any limit it takes what is expired or surplus, and what the policy of the store asks for.
///
/// # Errors
/// When the store cannot be read or an asset cannot be removed; what was removed before stays removed.
pub fn purge(store: &Store, request: &PurgeRequest) -> Result<Purged> {
    if request.trust_clock {
        clock::trust(store)?;
    }
    let (inventory, plan, now) = planned(store, request)?;
    let mut purged = carry_out(store, plan, request.dry_run)?;
    purged.next_expiry = storage_policy::expiries(&inventory, now)
        .into_iter()
        .find(|expiry| !purged.purged.iter().any(|gone| gone.id == expiry.id));
    Ok(purged)
}

/// What the assets take, and what of them would go first.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outlook {
    /// Bytes of all assets, those that several have counted once.
    pub bytes: u64,
    /// What goes first when room is needed.
    pub next: Vec<PurgedAsset>,
}

/// What the assets take, and which `count` of them would go first. The manifests are read once.
///
/// # Errors
/// When the store cannot be read.
pub fn outlook(store: &Store, count: usize) -> Result<Outlook> {
    let everything = PurgeRequest {
        max_bytes: Some(0),
        ..PurgeRequest::default()
    };
    let (inventory, plan, _) = planned(store, &everything)?;
    let next = plan.purges.into_iter().take(count);
    Ok(Outlook {
        bytes: (inventory.blob_lengths.iter()).fold(0, |sum, bytes| sum.saturating_add(*bytes)),
        next: next
            .map(|purge| PurgedAsset {
                freed: purge.bytes_freed,
                reason: purge.reason.to_string(),
                id: purge.id,
                track: purge.part,
            })
            .collect(),
    })
}

fn planned(store: &Store, request: &PurgeRequest) -> Result<(Inventory, Plan, SystemTime)> {
    let moment = clock::moment(store);
    let policy = effective(store, request)?;
    let inventory = inventory::inventory(store)?;
    let now = record::time(moment.now).unwrap_or_else(SystemTime::now);
    let plan = match request.needed {
        Some(bytes) => {
            let incoming = Incoming {
                bytes,
                tags: Vec::new(),
            };
            storage_policy::room_for(&inventory, &policy, &incoming, now)
        }
        None => storage_policy::plan(&inventory, &policy, now),
    };
    let plan = plan.map_err(|error| Error::usage("the purge cannot be planned").because(error))?;
    Ok((inventory, plan, now))
}

fn effective(store: &Store, request: &PurgeRequest) -> Result<StorePolicy> {
    let mut policy = match &request.policy {
        Some(policy) => policy.clone(),
        None => store_policy(store)?
            .map(|(_, policy)| policy)
            .unwrap_or_default(),
    };
    // With a limit what is expired goes first, but only as far as needed; without one it is what to purge.
    policy.evict_expired |=
        request.policy.is_none() && request.max_bytes.is_none() && request.min_free.is_none();
    if request.max_bytes.is_some() {
        policy.max_bytes = request.max_bytes;
        policy.high_water = None;
        policy.low_water = None;
    }
    policy.min_free = request.min_free.or(policy.min_free);
    Ok(policy)
}

/// The policy of the store as it was written, and what it says, if there is one.
///
/// # Errors
/// When it cannot be read.
pub fn store_policy(store: &Store) -> Result<Option<(String, StorePolicy)>> {
    let Some(bytes) = store.store_document(POLICY)? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let policy = StorePolicy::from_toml(&text).map_err(|error| {
        Error::new(ErrorKind::Storage, "the policy of the store cannot be read")
            .hint("write it anew with `offline policy --from FILE`")
            .because(error)
    })?;
    Ok(Some((text, policy)))
}

/// Makes a text the policy of the store.
///
/// # Errors
/// A usage error with line and key when it is none; when it cannot be written.
pub fn set_store_policy(store: &Store, text: &str) -> Result<()> {
    StorePolicy::from_toml(text)
        .map_err(|error| Error::usage("that is no policy of a store").because(error))?;
    Ok(store.set_store_document(POLICY, text.as_bytes())?)
}

/// Makes room for a download as far as the policy of the store allows; without one, nothing goes.
///
/// # Errors
/// [`ErrorKind::DiskFull`] when that is not enough; then nothing went.
pub(super) fn make_room(store: &Store, incoming: &Incoming) -> Result<Purged> {
    let Some((_, policy)) = store_policy(store)? else {
        return Ok(Purged::default());
    };
    let inventory = inventory::inventory(store)?;
    let now = SystemTime::now();
    let plan = storage_policy::room_for(&inventory, &policy, incoming, now)
        .map_err(|error| Error::usage("no room can be made").because(error))?;
    if !plan.is_enough() {
        return Err(does_not_fit(&plan, incoming));
    }
    let purged = carry_out(store, plan, false)?;
    if purged.is_enough() {
        Ok(purged)
    } else {
        Err(lacking(incoming.bytes, &purged.kept))
    }
}

fn does_not_fit(plan: &Plan, incoming: &Incoming) -> Error {
    let kept: Vec<String> = plan
        .kept
        .iter()
        .map(|kept| format!("{} ({})", kept.id, kept.because))
        .collect();
    lacking(incoming.bytes, &kept)
}

fn lacking(bytes: u64, kept: &[String]) -> Error {
    const NAMED: usize = 3;
    let mut message = format!(
        "the download does not fit: at least {} are to come, and the policy of the store makes no such room",
        crate::render::text::size(bytes)
    );
    if !kept.is_empty() {
        let named = kept.get(..NAMED.min(kept.len())).unwrap_or_default();
        message = format!("{message}; what stays: {}", named.join(", "));
        if let Some(more) = kept.len().checked_sub(NAMED).filter(|more| *more > 0) {
            message = format!("{message} and {more} more");
        }
    }
    Error::new(ErrorKind::DiskFull, message).hint(
        "change the policy (`offline policy`), remove something (`offline remove`), or choose a smaller variant (`--variant`)",
    )
}

/// Removes what a plan says.
fn carry_out(store: &Store, plan: Plan, dry_run: bool) -> Result<Purged> {
    let mut done = Purged {
        shortfall: plan.shortfall,
        tag_shortfalls: plan.tag_shortfalls,
        kept: plan
            .kept
            .iter()
            .map(|kept| format!("{}: {}", kept.id, kept.because))
            .collect(),
        warnings: plan.clock.iter().map(ToString::to_string).collect(),
        ..Purged::default()
    };
    if !plan.doubtful.is_empty() {
        done.warnings.push(format!(
            "the clock was behind when these were stored or first played, so they do not expire by their windows: {}",
            plan.doubtful.join(", ")
        ));
    }
    let mut frees_tracks = false;
    for purge in plan.purges {
        let freed = if dry_run {
            purge.bytes_freed
        } else {
            let id = AssetId::new(&purge.id)?;
            let removed = match &purge.part {
                Some(track) => {
                    frees_tracks = true;
                    auxiliary::remove(store, &id, track).map(|()| purge.bytes_freed)
                }
                None => store
                    .remove(&id)
                    .map(|removed| removed.bytes_freed)
                    .map_err(Error::from),
            };
            match removed {
                Ok(freed) => freed,
                // Taken into use, or removed, since the plan was made.
                Err(error) if is_gone_or_busy(&error) => {
                    done.shortfall = done.shortfall.saturating_add(purge.bytes_freed);
                    done.kept
                        .push(format!("{}: {}", purge.id, error.one_line()));
                    continue;
                }
                Err(error) => return Err(error),
            }
        };
        if !dry_run {
            let (id, track, reason) = (&purge.id, &purge.part, &purge.reason);
            tracing::info!(%id, ?track, %reason, freed, "purged");
        }
        done.freed = done.freed.saturating_add(freed);
        done.purged.push(PurgedAsset {
            id: purge.id,
            track: purge.part,
            reason: purge.reason.to_string(),
            freed,
        });
    }
    if frees_tracks {
        auxiliary::free(store)?;
    }
    Ok(done)
}

/// Whether another process has the asset, or has removed it.
fn is_gone_or_busy(error: &Error) -> bool {
    let cause = std::error::Error::source(error);
    let cause = cause.and_then(|cause| cause.downcast_ref::<asset_store::Error>());
    cause.is_some_and(upkeep::is_gone_or_busy)
}
