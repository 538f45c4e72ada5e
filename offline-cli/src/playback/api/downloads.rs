//! Downloads that the page has resumed: they run in this process, and stop with it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use asset_store::{AssetId, Store};
use tokio::task::JoinHandle;

use crate::session::{DownloadRequest, Network, NetworkOptions, Session};
use crate::{Error, Result};

/// So many at once; the store's own queue is for more.
const AT_ONCE: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct Downloads {
    running: Mutex<HashMap<AssetId, JoinHandle<()>>>,
}

impl Downloads {
    /// Goes on with a download. How it ends is in its state.
    pub(super) fn resume(&self, store: &Store, id: &AssetId) -> Result<()> {
        let request = DownloadRequest::again(store, id)?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, download| !download.is_finished());
        if running.contains_key(id) {
            return Ok(());
        }
        if running.len() >= AT_ONCE {
            return Err(Error::usage(format!(
                "{AT_ONCE} downloads run here already"
            )));
        }
        let network = Network::with(&NetworkOptions {
            origin: Some(request.url.clone()),
            ..NetworkOptions::default()
        })?;
        let session = Session::new(store.clone(), network);
        let download = tokio::spawn(async move {
            let ended = session
                .download(request, std::future::pending(), |_| {})
                .await;
            if let Err(error) = ended {
                tracing::info!(error = %error.one_line(), "a download ended");
            }
        });
        running.insert(id.clone(), download);
        Ok(())
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        let running = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for download in running.values() {
            download.abort();
        }
    }
}
