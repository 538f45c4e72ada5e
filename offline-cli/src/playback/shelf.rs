//! The assets that are being served: read once, looked at again every few seconds, marked as in use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use asset_store::{AssetId, InUse, Store};
use http::StatusCode;

use super::local::LocalAsset;

/// How long an asset is served from memory before its entries are looked at again.
const FRESH: Duration = Duration::from_secs(2);
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
    used: Instant,
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

    /// What is offered of an asset; 404 when nothing of it can be played.
    pub(super) async fn asset(
        self: &Arc<Self>,
        id: &str,
    ) -> Result<(AssetId, Arc<LocalAsset>), StatusCode> {
        let id = AssetId::new(id).map_err(|_| StatusCode::NOT_FOUND)?;
        if let Some(served) = self.lock().get_mut(&id)
            && served.read.elapsed() < FRESH
        {
            served.used = Instant::now();
            return Ok((id, Arc::clone(&served.asset)));
        }
        let (this, wanted) = (Arc::clone(self), id.clone());
        let loaded = tokio::task::spawn_blocking(move || this.load(&wanted)).await;
        loaded
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
            .map(|asset| (id, asset))
            .ok_or(StatusCode::NOT_FOUND)
    }

    fn load(&self, id: &AssetId) -> Option<Arc<LocalAsset>> {
        let loaded = LocalAsset::load(&self.store, id);
        let before = self.lock().remove(id);
        match loaded {
            Ok(asset) => {
                let asset = Arc::new(asset);
                let mark = match before {
                    Some(served) => served.mark,
                    None => self
                        .store
                        .mark_in_use(id)
                        .inspect_err(|error| tracing::warn!(%error, "not marked as in use"))
                        .ok(),
                };
                let now = Instant::now();
                let served = Served {
                    asset: Arc::clone(&asset),
                    read: now,
                    used: now,
                    mark,
                };
                self.lock().insert(id.clone(), served);
                Some(asset)
            }
            Err(error) => {
                tracing::info!(error = %error.one_line(), "not served");
                None
            }
        }
    }

    /// Lets go of assets that nobody asked for lately.
    pub(super) fn put_back_idle(&self) {
        self.lock().retain(|_, served| served.used.elapsed() < IDLE);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AssetId, Served>> {
        self.assets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
