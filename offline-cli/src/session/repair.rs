//! Fetching again what is damaged or missing.

use std::collections::{BTreeSet, HashMap};

use asset_store::{AssetId, Store};
use url::{Origin, Url};

use super::record::{self, Metadata};
use super::upkeep::Verified;
use super::{DownloadRequest, Network, NetworkOptions, Outcome, Session};
use crate::{Error, Result};

/// What happens while a store is repaired.
#[derive(Debug)]
#[non_exhaustive]
pub enum RepairEvent<'a> {
    /// What this asset lacks is being fetched.
    Began(&'a AssetId),
    /// It could not be had, all of it; others are repaired all the same.
    Failed(&'a AssetId, &'a Error),
}

impl Session {
    /// Fetches what an asset lacks, from where it came from and with the choices made then.
    ///
    /// # Errors
    /// Like [`Session::download`].
    pub async fn repair(&self, id: &AssetId) -> Result<Outcome> {
        let (metadata, _) = origin(&self.store, id)?;
        let mut request = DownloadRequest::again(&self.store, id)?;
        let mut outcome = None;
        for selection in &metadata.selections {
            request.choose(selection);
            outcome = Some(
                self.download(request.clone(), std::future::pending(), |_| {})
                    .await?,
            );
        }
        outcome.ok_or_else(|| unknown(id))
    }
}

/// Fetches again what was found damaged or missing, and moves what is whole again to `verified.repaired`.
///
/// Every asset comes from where it came from at first: that is the origin which the credentials among `network` are for,
/// whatever [`origin`](NetworkOptions::origin) says there.
///
/// # Errors
/// When the network cannot be set up, or credentials would go to several origins; when the store cannot be read. What
/// cannot be had of one asset is an event.
pub async fn repair(
    store: &Store,
    verified: &mut Verified,
    network: &NetworkOptions,
    mut observe: impl FnMut(RepairEvent<'_>),
) -> Result<()> {
    let findings = verified.damaged.iter().chain(&verified.missing);
    let ids: BTreeSet<&str> = findings.map(|finding| finding.id.as_str()).collect();
    let mut affected = Vec::with_capacity(ids.len());
    for id in ids {
        let id = AssetId::new(id)?;
        let url = origin(store, &id).map(|(_, url)| url);
        affected.push((id, url));
    }
    let origins = affected.iter().filter_map(|(_, url)| url.as_ref().ok());
    let origins: Vec<Origin> = origins.map(Url::origin).collect();
    if network.is_for_one_origin() && origins.windows(2).any(|pair| pair.first() != pair.last()) {
        let reason = "what is damaged came from several servers, and credentials are for one";
        return Err(Error::usage(reason).hint("name the asset to repair"));
    }
    let mut sessions: HashMap<Origin, Session> = HashMap::new();
    for (id, url) in affected {
        observe(RepairEvent::Began(&id));
        let repaired = match url {
            Ok(url) => {
                session(&mut sessions, store, network, url)?
                    .repair(&id)
                    .await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = repaired {
            observe(RepairEvent::Failed(&id, &error));
        }
    }
    verified.mark_repaired(store)
}

/// The session for what comes from a server; the platform's trust store is read once for each.
pub(super) fn session<'a>(
    sessions: &'a mut HashMap<Origin, Session>,
    store: &Store,
    network: &NetworkOptions,
    url: Url,
) -> Result<&'a Session> {
    use std::collections::hash_map::Entry;
    Ok(match sessions.entry(url.origin()) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            let network = NetworkOptions {
                origin: Some(url),
                ..network.clone()
            };
            new.insert(Session::new(store.clone(), Network::with(&network)?))
        }
    })
}

/// Where an asset came from.
pub(super) fn origin(store: &Store, id: &AssetId) -> Result<(Metadata, Url)> {
    let metadata = record::metadata(store, id)?.ok_or_else(|| unknown(id))?;
    let url = metadata.url.parse().map_err(|_| unknown(id))?;
    Ok((metadata, url))
}

fn unknown(id: &AssetId) -> Error {
    Error::usage(format!("it is not known where {id} came from"))
}
