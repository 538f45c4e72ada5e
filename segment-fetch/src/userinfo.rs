//! The user and password in an address, as credentials (RFC 7617).

use http::HeaderValue;
use url::Url;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of `Authorization` for an address that names a user or a password.
pub(crate) fn basic(url: &Url) -> Option<HeaderValue> {
    let password = url.password();
    if url.username().is_empty() && password.is_none() {
        return None;
    }
    let mut pair = percent_decoded(url.username());
    pair.push(b':');
    pair.extend(percent_decoded(password.unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", base64(&pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().iter();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(&byte) = bytes.next() {
        let pair = bytes.as_slice().first_chunk().filter(|_| byte == b'%');
        match pair.and_then(|&[high, low]| Some((digit(high)?, digit(low)?))) {
            Some((high, low)) => {
                decoded.push(high << 4 | low);
                bytes.nth(1);
            }
            None => decoded.push(byte),
        }
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4_usize {
            let sextet = bits >> (18 - 6 * index) & 63;
            let letter = ALPHABET.get(sextet as usize).copied();
            text.push(match letter.filter(|_| index <= group.len()) {
                Some(letter) => char::from(letter),
                None => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str) -> Option<String> {
        let value = basic(&Url::parse(url).unwrap())?;
        assert!(value.is_sensitive());
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn as_the_rfc_has_it() {
        assert_eq!(sent("http://h/"), None);
        assert_eq!(
            sent("http://Aladdin:open%20sesame@h/").unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(sent("http://user@h/").unwrap(), "Basic dXNlcjo=");
        assert_eq!(sent("http://:word@h/").unwrap(), "Basic OndvcmQ=");
        assert_eq!(
            sent("http://test:123%C2%A3@h/").unwrap(),
            "Basic dGVzdDoxMjPCow=="
        );
        assert_eq!(sent("http://50%25:a%@h/").unwrap(), "Basic NTAlOmEl");
    }
}
