//! Identities: which address means which asset and which resource, whatever its signature says today.

use asset_store::AssetId;
use url::Url;

use crate::{Error, Result};

/// Query parameters that only ever sign or time-limit an address and say nothing about what it names.
///
/// From the documentation of the services that add them: CloudFront, Akamai, Google Cloud CDN and
/// Storage, Amazon S3, Azure Storage, Wowza, Bunny and Edgio.
const SIGNATURE_PARAMETERS: &[&str] = &[
    "__gda__",
    "__token__",
    "access_token",
    "auth_key",
    "auth_token",
    "bcdn_token",
    "expires",
    "googleaccessid",
    "hdnea",
    "hdntl",
    "hdnts",
    "hmac",
    "jwt",
    "key-pair-id",
    "sig",
    "signature",
    "token",
    "token_path",
    "urlprefix",
    "wmsauthsign",
];

/// Parameters that sign in company (nginx `secure_link`, Azure, CloudFront), but may mean anything alone: `e` may be an episode.
const AMBIGUOUS_PARAMETERS: &[&str] = &[
    "auth", "e", "exp", "expire", "hash", "keyname", "md5", "policy", "se", "ske", "skoid", "sks",
    "skt", "sktid", "skv", "sp", "spr", "sr", "st", "sv", "verify",
];

fn is_signature(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SIGNATURE_PARAMETERS.contains(&name.as_str())
        || name.starts_with("x-amz-")
        || name.starts_with("x-goog-")
        || name.starts_with("wowzatoken")
}

fn is_ambiguous(name: &str) -> bool {
    AMBIGUOUS_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

/// The query without what signs it.
fn unsigned(query: &str) -> String {
    // Split by hand: decoding and encoding again could turn two addresses into one.
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let signing = query
        .split('&')
        .filter(|pair| is_signature(&name(pair)) || is_ambiguous(&name(pair)))
        .count();
    let dropped =
        |pair: &str| is_signature(&name(pair)) || signing > 1 && is_ambiguous(&name(pair));
    query
        .split('&')
        .filter(|pair| !dropped(pair))
        .collect::<Vec<_>>()
        .join("&")
}

/// What an address names: the URL without fragment, user information and signature parameters.
pub fn identity(url: &Url) -> String {
    if url.scheme() == "data" {
        // A data URL is its own content; hashing keeps identities short and keys out of them.
        return format!("data:{}", blake3::hash(url.as_str().as_bytes()).to_hex());
    }
    let mut bare = url.clone();
    bare.set_fragment(None);
    // Neither can fail for http and https; for other schemes there is nothing to remove.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    if let Some(query) = url.query() {
        let kept = unsigned(query);
        bare.set_query(if kept.is_empty() { None } else { Some(&kept) });
    }
    bare.into()
}

/// The asset an address belongs to unless the user names one: a readable word and a digest of the identity.
///
/// # Errors
/// None in practice; the id is checked like any other.
pub fn asset_id(url: &Url) -> Result<AssetId> {
    let mut word: String = title(url)
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(40)
        .collect();
    while word.contains("--") {
        word = word.replace("--", "-");
    }
    let digest = blake3::hash(identity(url).as_bytes()).to_hex();
    let digest = digest.get(..8).unwrap_or_default();
    let word = word.trim_matches('-');
    let id = if word.is_empty() {
        digest.to_owned()
    } else {
        format!("{word}-{digest}")
    };
    AssetId::new(&id).map_err(Error::from)
}

/// A title for an address: its last path part that is not a word every stream uses.
pub fn title(url: &Url) -> String {
    const COMMON: &[&str] = &[
        "chunklist",
        "hls",
        "index",
        "main",
        "manifest",
        "master",
        "media",
        "playlist",
        "prog_index",
        "stream",
        "video",
    ];
    let parts = url
        .path_segments()
        .map(Iterator::collect::<Vec<_>>)
        .unwrap_or_default();
    parts
        .iter()
        .rev()
        .map(|part| part.rsplit_once('.').map_or(*part, |(stem, _)| stem))
        .find(|stem| !stem.is_empty() && !COMMON.contains(&stem.to_ascii_lowercase().as_str()))
        .map(str::to_owned)
        .or_else(|| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "untitled".to_owned())
}

/// An address as it may be shown and stored: without query, fragment and user information.
pub fn shown(url: &Url) -> String {
    if url.scheme() == "data" {
        return "data:…".to_owned();
    }
    let mut bare = url.clone();
    bare.set_fragment(None);
    bare.set_query(None);
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn signatures_are_no_part_of_an_identity() {
        let plain = identity(&url("https://cdn.example/a/seg1.ts?id=7"));
        for signed in [
            "https://cdn.example/a/seg1.ts?id=7&Expires=1&Signature=x&Key-Pair-Id=k",
            "https://cdn.example/a/seg1.ts?hdnea=exp=1~acl=/*~hmac=f&id=7#t",
            "https://user:secret@cdn.example/a/seg1.ts?id=7&X-Amz-Date=1&X-Amz-Signature=2",
        ] {
            assert_eq!(identity(&url(signed)), plain);
        }
        for other in [
            "https://cdn.example/a/seg1.ts?id=8",
            "https://cdn.example/a/seg1.ts?id=7&e=2",
        ] {
            assert_ne!(identity(&url(other)), plain);
        }
        assert_eq!(
            identity(&url("https://cdn.example/a?st=Zm9v&e=17")),
            "https://cdn.example/a"
        );
        assert_eq!(
            identity(&url("https://cdn.example/a?token=1")),
            "https://cdn.example/a"
        );
    }

    #[test]
    fn ids_are_readable_and_differ_by_address() {
        let id = asset_id(&url(
            "https://cdn.example/films/Big%20Film/master.m3u8?token=1",
        ))
        .unwrap();
        assert!(id.as_str().starts_with("big-20film-"), "{id}");
        assert_eq!(
            id,
            asset_id(&url(
                "https://cdn.example/films/Big%20Film/master.m3u8?token=2"
            ))
            .unwrap()
        );
        assert_ne!(
            id,
            asset_id(&url("https://cdn.example/films/Big%20Film/other.m3u8")).unwrap()
        );
    }

    proptest! {
        #[test]
        fn an_identity_is_its_own_identity(path in "[a-z/%.]{0,20}", query in "[a-zA-Z&=%+.]{0,30}") {
            let address = url(&format!("https://h.example/{path}?{query}"));
            let once = identity(&address);
            prop_assert_eq!(identity(&url(&once)), once);
        }
    }
}
