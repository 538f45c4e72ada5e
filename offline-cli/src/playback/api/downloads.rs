//! Downloads that the page has resumed: they run in this process, and stop with it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use asset_store::{AssetId, Store};
use tokio::task::JoinHandle;
use url::Origin;

use crate::session::{DownloadRequest, Network, NetworkOptions, Session};
use crate::{Error, Result};

/// So many at once; the store's own queue is for more.
const AT_ONCE: usize = 2;

#[derive(Debug)]
pub(crate) struct Downloads {
    network: NetworkOptions,
    begun: Mutex<Begun>,
}

#[derive(Debug, Default)]
struct Begun {
    running: HashMap<AssetId, JoinHandle<()>>,
    /// Who gets the credentials, if there are any: the server of the first download.
    trusted: Option<Origin>,
}

impl Downloads {
    pub(crate) fn new(network: NetworkOptions) -> Self {
        Self {
            network,
            begun: Mutex::default(),
        }
    }

    /// Goes on with a download. How it ends is in its state.
    pub(super) fn resume(&self, store: &Store, id: &AssetId) -> Result<()> {
        let request = DownloadRequest::again(store, id)?;
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let Begun { running, trusted } = &mut *begun;
        running.retain(|_, download| !download.is_finished());
        if running.contains_key(id) {
            return Ok(());
        }
        if running.len() >= AT_ONCE {
            return Err(Error::usage(format!(
                "{AT_ONCE} downloads run here already"
            )));
        }
        let origin = request.origin().origin();
        if self.network.is_for_one_origin()
            && trusted.as_ref().is_some_and(|trusted| *trusted != origin)
        {
            let reason = "it comes from another server than the first, and credentials are for one";
            return Err(Error::usage(reason).hint(format!("`offline resume {id}` continues it")));
        }
        let network = Network::with(&NetworkOptions {
            origin: Some(request.origin().clone()),
            ..self.network.clone()
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
        trusted.get_or_insert(origin);
        Ok(())
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        let begun = self.begun.get_mut();
        for download in begun
            .unwrap_or_else(PoisonError::into_inner)
            .running
            .values()
        {
            download.abort();
        }
    }
}
