//! The assets that are being served: read once, looked at again every few seconds, marked as in use. What players wait for is passed on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use asset_store::{AssetId, InUse, Store};
use http::StatusCode;

use super::local::LocalAsset;
use crate::session::DownloadState;
use crate::session::attention::Attention;
use crate::session::record;

/// How long an asset is served from memory before its entries are looked at again.
const FRESH: Duration = Duration::from_secs(2);
/// The same of an asset that grows, unless looking takes long: no more than a tenth of the time is spent on it.
const FRESH_GROWING: Duration = Duration::from_millis(500);
/// How often it is written down what players wait for, when it is the same as before.
const NOTE_EVERY: Duration = Duration::from_secs(5);
/// How long after its last request an asset still counts as being played: a pause for a phone call.
const IDLE: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Shelf {
    store: Store,
    assets: Mutex<HashMap<AssetId, Served>>,
}

#[derive(Debug)]
struct Served {
    asset: Arc<LocalAsset>,
    read: Instant,
    fresh: Duration,
    used: Instant,
    /// What players wait for, and when that was written down.
    attention: Attention,
    noted: Option<Instant>,
    /// Keeps the asset from being purged. A store that cannot be written is served without.
    mark: Option<InUse>,
}

impl Shelf {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            assets: Mutex::default(),
        }
    }

    /// What is offered of an asset; 404 when nothing of it can be played, 503 when nothing can yet.
    pub(super) async fn asset(
        self: &Arc<Self>,
        id: &str,
    ) -> Result<(AssetId, Arc<LocalAsset>), StatusCode> {
        let id = AssetId::new(id).map_err(|_| StatusCode::NOT_FOUND)?;
        if let Some(served) = self.lock().get_mut(&id)
            && served.read.elapsed() < served.fresh
        {
            served.used = Instant::now();
            return Ok((id, Arc::clone(&served.asset)));
        }
        let (this, wanted) = (Arc::clone(self), id.clone());
        let loaded = tokio::task::spawn_blocking(move || this.load(&wanted)).await;
        loaded
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
            .map(|asset| (id, asset))
    }

    fn load(&self, id: &AssetId) -> Result<Arc<LocalAsset>, StatusCode> {
        let began = Instant::now();
        let before = self.lock().get(id).map(|served| Arc::clone(&served.asset));
        let loaded = LocalAsset::load_growing(&self.store, id, before.as_deref());
        let before = self.lock().remove(id);
        let why = match loaded {
            Ok(Some(asset)) => {
                let asset = Arc::new(asset);
                let fresh = if asset.is_growing() {
                    FRESH_GROWING.max(began.elapsed().saturating_mul(10))
                } else {
                    FRESH
                };
                let now = Instant::now();
                let (attention, noted, mark) = match before {
                    Some(before) => (before.attention, before.noted, before.mark),
                    None => (Attention::default(), None, self.mark(id)),
                };
                let served = Served {
                    asset: Arc::clone(&asset),
                    read: now,
                    fresh,
                    used: now,
                    attention,
                    noted,
                    mark,
                };
                self.lock().insert(id.clone(), served);
                return Ok(asset);
            }
            Ok(None) => "nothing of it can be played".to_owned(),
            Err(error) => error.one_line(),
        };
        tracing::info!(%id, why, "not served");
        Err(
            match record::state(&self.store, id).map(|state| state.state) {
                Ok(DownloadState::Queued | DownloadState::Downloading) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                _ => StatusCode::NOT_FOUND,
            },
        )
    }

    fn mark(&self, id: &AssetId) -> Option<InUse> {
        let marked = self.store.mark_in_use(id);
        marked
            .inspect_err(|error| tracing::warn!(%error, "not marked as in use"))
            .ok()
    }

    /// Notes that a player waits for what comes next of a track, or for a segment that starts at a time, so that who downloads it brings that first.
    pub(super) fn attend(self: &Arc<Self>, id: &AssetId, track: &str, ahead: Option<Duration>) {
        let attention = {
            let mut assets = self.lock();
            let Some(served) = assets.get_mut(id) else {
                return;
            };
            let is_urgent = served.attention.note(track, ahead);
            let is_due = served
                .noted
                .is_none_or(|noted| noted.elapsed() > NOTE_EVERY);
            if !is_urgent && !is_due {
                return;
            }
            served.noted = Some(Instant::now());
            served.attention.clone()
        };
        let (store, id) = (self.store.clone(), id.clone());
        // Nobody waits for it: it is a favour.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = attention.save(&store, &id) {
                tracing::debug!(error = %error.one_line(), "what players wait for could not be noted");
            }
        }));
    }

    /// Lets go of assets that nobody asked for lately.
    pub(super) fn put_back_idle(&self) {
        self.lock().retain(|_, served| served.used.elapsed() < IDLE);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AssetId, Served>> {
        self.assets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
