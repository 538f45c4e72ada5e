//! One request, and the redirects it leads through.

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use hyper_util::client::legacy::Error as ClientError;
use tokio::time::timeout;
use url::Url;

use super::{Failure, shown, silent};
use crate::error::BoxError;
use crate::metrics::{Recorder, Sent};
use crate::reach::{RefusedAddress, refused_literal};
use crate::resume::{Asked, Decision, Retry, decide};
use crate::transport::ProxyError;
use crate::{Error, ErrorKind, FetchOptions, HttpService, Request, RequestBody, userinfo};

/// Never sent to an origin they were not meant for.
const SECRET: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// A request from its first address to the response that is no redirect.
pub(super) struct Exchange<'a, S> {
    pub(super) options: &'a FetchOptions,
    pub(super) service: S,
    pub(super) request: &'a Request,
    pub(super) method: Method,
    /// Where it is sent next.
    pub(super) url: Url,
    /// Keeps what is sent.
    pub(super) recorder: Recorder,
}

/// What came of an exchange, and from where.
pub(super) struct Answer<B> {
    /// The address of the response, or of the last request that got none.
    pub(super) url: Url,
    pub(super) result: Result<Right<B>, Failure>,
}

/// A response that is no redirect, what to do with it, and to which request it came.
pub(super) type Right<B> = (http::Response<B>, Decision, Sent);

impl<S: HttpService> Exchange<'_, S> {
    pub(super) async fn run(mut self, asked: Asked<'_>) -> Answer<S::ResponseBody> {
        let result = self.send(&asked).await;
        Answer {
            url: self.url,
            result,
        }
    }

    /// Sends the request and follows redirects until there is something else, or too many of them: then the last
    /// decision is still a redirect.
    async fn send(&mut self, asked: &Asked<'_>) -> Result<Right<S::ResponseBody>, Failure> {
        let origin = self.url.origin();
        let basic = userinfo::basic(&self.url);
        let mut at_home = true;
        let mut followed = 0;
        loop {
            self.check_address()?;
            at_home &= self.url.origin() == origin;
            let basic = basic.as_ref().filter(|_| at_home);
            let request = self.http_request(asked, at_home, basic)?;
            let sent = self.recorder.sending(&self.url);
            let response = match timeout(
                self.options.idle_timeout,
                self.service.clone().send(request),
            )
            .await
            {
                Err(_) => {
                    return Err(
                        silent("the server did not answer", self.options.idle_timeout).into(),
                    );
                }
                Ok(Err(error)) => return Err(classify(error).into()),
                Ok(Ok(response)) => response,
            };
            self.recorder.answered(sent, &response);
            self.check_length(response.headers(), "the header of the response")?;
            if let Some(jar) = &self.options.cookies {
                jar.store(&self.url, response.headers());
            }
            tracing::trace!(
                url = shown(&self.url),
                status = response.status().as_u16(),
                "response"
            );
            let decision = decide(asked, response.status(), response.headers());
            match &decision {
                Decision::Redirect { location } if followed < self.options.redirects => {
                    followed = followed.saturating_add(1);
                    let target = self.redirected(location)?;
                    tracing::debug!(from = shown(&self.url), to = shown(&target), "redirected");
                    self.url = target;
                }
                _ => return Ok((response, decision, sent)),
            }
        }
    }

    fn redirected(&self, location: &str) -> Result<Url, Error> {
        let target = self.url.join(location).map_err(|error| {
            Error::new(
                ErrorKind::InvalidUrl,
                Retry::Never,
                "the server redirects to what is no address",
            )
            .with_source(error)
        })?;
        let refused = |reason: String| Error::new(ErrorKind::Refused, Retry::Never, reason);
        match (self.url.scheme(), target.scheme()) {
            ("https", "http") => Err(refused(format!(
                "a redirect from https to {}",
                shown(&target)
            ))),
            (_, "http" | "https") => Ok(target),
            (_, scheme) => Err(refused(format!("a redirect to the scheme {scheme}"))),
        }
    }

    fn check_address(&self) -> Result<(), Error> {
        let refused = |reason: String| Error::new(ErrorKind::Refused, Retry::Never, reason);
        if !matches!(self.url.scheme(), "http" | "https") {
            return Err(refused(format!(
                "the scheme {} is not http, https or data",
                self.url.scheme()
            )));
        }
        match refused_literal(&self.url, self.request.reach) {
            Some(address) => Err(refused(format!("{address} is not on the public internet"))),
            None => Ok(()),
        }
    }

    fn http_request(
        &self,
        asked: &Asked<'_>,
        at_home: bool,
        basic: Option<&HeaderValue>,
    ) -> Result<http::Request<RequestBody>, Error> {
        let unusable = |what: &str| {
            Error::new(
                ErrorKind::InvalidUrl,
                Retry::Never,
                format!("{what} cannot be sent over HTTP"),
            )
        };
        let uri = uri_of(&self.url).ok_or_else(|| unusable("the address"))?;
        let mut request = http::Request::new(RequestBody::new());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(self.request.reach);
        let headers = request.headers_mut();
        let agent = HeaderValue::from_str(&self.options.user_agent)
            .map_err(|_| unusable("the user agent"))?;
        headers.insert(USER_AGENT, agent);
        replace(headers, &self.options.headers, false);
        // Credentials that are set win over those in the address.
        if let Some(basic) = basic {
            headers.insert(AUTHORIZATION, basic.clone());
        }
        let here = self.url.origin();
        for credentials in self
            .options
            .credentials
            .iter()
            .filter(|credentials| credentials.origin == here)
        {
            replace(headers, &credentials.headers, true);
        }
        replace(headers, &self.request.headers, at_home);
        for rule in self.options.of_host(&self.url) {
            if let Some(agent) = &rule.user_agent {
                let agent = HeaderValue::from_str(agent).map_err(|_| unusable("the user agent"))?;
                headers.insert(USER_AGENT, agent);
            }
            let with_secrets = rule.hosts.may_have_secrets(&self.url);
            replace(headers, &rule.headers, with_secrets);
        }
        // Last, since what is decided about the response depends on them.
        replace(headers, &asked.headers(), true);
        if let Some(jar) = &self.options.cookies {
            let cookies = match headers.get(COOKIE) {
                Some(given) => jar.header_with(&self.url, given),
                None => jar.header(&self.url),
            };
            if let Some(cookies) = cookies {
                headers.insert(COOKIE, cookies);
            }
        }
        for (name, value) in headers.iter_mut() {
            if SECRET.contains(name) {
                value.set_sensitive(true);
            }
        }
        self.check_length(headers, "the header of the request")?;
        Ok(request)
    }

    fn check_length(&self, headers: &HeaderMap, what: &str) -> Result<(), Error> {
        let length = headers.iter().fold(0_usize, |length, (name, value)| {
            length
                .saturating_add(name.as_str().len())
                .saturating_add(value.len())
        });
        let most = self.options.header_limit;
        if length > most {
            let reason = format!("{what} has {length} bytes, more than the {most} allowed");
            return Err(Error::new(ErrorKind::TooLarge, Retry::Never, reason));
        }
        Ok(())
    }
}

/// Puts all values of `from` in the place of those with the same name.
fn replace(headers: &mut HeaderMap, from: &HeaderMap, with_secrets: bool) {
    let may_go = |name: &HeaderName| {
        let is_secret =
            SECRET.contains(name) || from.get_all(name).iter().any(HeaderValue::is_sensitive);
        with_secrets || !is_secret
    };
    for name in from.keys().filter(|name| may_go(name)) {
        headers.remove(name);
        for value in from.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// The address as it is asked for: without fragment, and without userinfo, which is sent in a header.
fn uri_of(url: &Url) -> Option<Uri> {
    let mut asked = url.clone();
    asked.set_fragment(None);
    // Fails only for addresses without a host, which http and https do not have.
    asked.set_username("").ok()?;
    asked.set_password(None).ok()?;
    asked.as_str().parse().ok()
}

/// What kind of failure a transport's error is, told by what caused it.
fn classify(error: BoxError) -> Error {
    let mut connecting = false;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    let mut found = None;
    while let Some(this) = cause {
        connecting |= this
            .downcast_ref::<ClientError>()
            .is_some_and(ClientError::is_connect);
        found = found.or_else(|| telling(this));
        cause = match this
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            // Its own `source` leaves this one out.
            Some(inner) => Some(inner),
            None => this.source(),
        };
    }
    let (kind, retry, reason) = found.unwrap_or(if connecting {
        (ErrorKind::Connect, Retry::Always, "cannot connect")
    } else {
        (
            ErrorKind::Http,
            Retry::Always,
            "no answer that can be understood",
        )
    });
    Error::new(kind, retry, reason).with_source(error)
}

fn telling(cause: &(dyn std::error::Error + 'static)) -> Option<(ErrorKind, Retry, &'static str)> {
    if cause.is::<RefusedAddress>() {
        Some((
            ErrorKind::Refused,
            Retry::Never,
            "the name leads to a private address",
        ))
    } else if cause.is::<ProxyError>() {
        Some((
            ErrorKind::Proxy,
            Retry::Always,
            "no connection through the proxy",
        ))
    } else if cause.is::<rustls::Error>() {
        Some((ErrorKind::Tls, Retry::Never, "no secure connection"))
    } else if cause
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    {
        Some((
            ErrorKind::Timeout,
            Retry::Always,
            "connecting took too long",
        ))
    } else {
        None
    }
}
