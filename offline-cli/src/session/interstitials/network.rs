//! Interstitials as their servers offer them now.

use std::time::Duration;

use hls_parse::AssetList;
use segment_fetch::{Expect, Reach, Request};
use url::Url;

use super::references::{self, Reference};
use super::request::InterstitialRequest;
use crate::session::resolve::{Received, Resolved, rejected};
use crate::session::{DownloadRequest, Network, source};
use crate::{Error, ErrorKind, Result};

/// Asset lists beyond this are refused: a thousand assets with signed addresses are less.
const LIST_LIMIT: u64 = 1024 * 1024;
const LIST_TIMEOUT: Duration = Duration::from_secs(30);

/// An asset list as received, what it says, and which addresses it may lead to.
pub(super) struct ReceivedList {
    pub(super) received: Received,
    pub(super) list: AssetList,
    pub(super) reach: Reach,
}

impl Network {
    pub(super) async fn asset_list(&self, url: &Url, reach: Reach) -> Result<ReceivedList> {
        check_scheme(url)?;
        let mut request = Request::get(url.clone());
        request.reach = reach;
        request.expect = Expect {
            max_length: LIST_LIMIT,
            refuse_html: true,
            compression: true,
            total_timeout: Some(LIST_TIMEOUT),
            ..Expect::default()
        };
        let fetched = self.fetcher.fetch(request).await?;
        let reach = if fetched.is_public() {
            Reach::PublicOnly
        } else {
            reach
        };
        let received = Received {
            url: fetched.url,
            bytes: fetched.body,
            content_type: None,
        };
        let list = read_list(&received)?;
        for defect in &list.defects {
            tracing::info!(list = %source::shown(&received.url), %defect, "forgiven");
        }
        Ok(ReceivedList {
            received,
            list,
            reach,
        })
    }

    /// The playlists that an interstitial needs, whose tracks are named as they are stored. Interstitials inside of it are not followed.
    pub(super) async fn interstitial(
        &self,
        reference: &Reference,
        request: &DownloadRequest,
        wanted: &InterstitialRequest,
        reach: Reach,
    ) -> Result<Resolved> {
        check_scheme(&reference.url)?;
        let mut of_interstitial = DownloadRequest::new(reference.url.clone());
        of_interstitial.treat_as_vod = request.treat_as_vod;
        let selection = wanted.selection.as_ref().unwrap_or(&request.selection);
        of_interstitial.selection.clone_from(selection);
        let mut resolved = self.resolve_within(&of_interstitial, reach).await?;
        for track in &mut resolved.tracks {
            track.name = format!("{}/{}", references::folder(&reference.name), track.name);
        }
        Ok(resolved)
    }
}

pub(super) fn read_list(received: &Received) -> Result<AssetList> {
    serde_json::from_slice(&received.bytes).map_err(|error| rejected(&received.url, error))
}

fn check_scheme(url: &Url) -> Result<()> {
    if matches!(url.scheme(), "http" | "https" | "data") {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::PlaylistRejected,
        format!(
            "it is at a `{}` address, and only http and https are followed",
            url.scheme()
        ),
    ))
}
