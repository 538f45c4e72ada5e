//! `data:` URLs (RFC 2397, as the WHATWG Fetch Standard reads them).

use bytes::Bytes;
use data_url::DataUrl;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use url::Url;

use crate::ErrorKind;
use crate::resume::{Rejection, Retry};

/// An answer made of the URL itself, to be judged like one of a server: 200 with the whole content.
pub(crate) struct Content {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Decodes percent and base64 form; stops as soon as there is more than `most`.
pub(crate) fn read(url: &Url, most: u64) -> Result<Content, Rejection> {
    let unreadable = |reason: &str| Rejection::new(ErrorKind::InvalidUrl, Retry::Never, reason);
    let data =
        DataUrl::process(url.as_str()).map_err(|_| unreadable("the data URL has no content"))?;
    let mut body = Vec::new();
    let decoded = data.decode(|part| {
        body.extend_from_slice(part);
        if body.len() as u64 > most {
            Err(())
        } else {
            Ok(())
        }
    });
    if body.len() as u64 > most {
        let reason = format!("more than the {most} bytes allowed");
        return Err(Rejection::new(ErrorKind::TooLarge, Retry::Never, reason));
    }
    decoded.map_err(|_| unreadable("the data URL is not base64"))?;
    let mut headers = HeaderMap::new();
    if let Ok(content_type) = HeaderValue::try_from(data.mime_type().to_string()) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    Ok(Content {
        status: StatusCode::OK,
        headers,
        body: body.into(),
    })
}
