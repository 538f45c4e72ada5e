//! The seam to the transport: what a `tower::Service` must be to carry requests.

use std::future::Future;

use bytes::{Buf, Bytes};
use http_body::Body;
use http_body_util::Empty;
use tower::{Service, ServiceExt};

use crate::error::BoxError;

/// The body of every request: none.
pub type RequestBody = Empty<Bytes>;

/// A [`tower::Service`] that a [`Fetcher`](crate::Fetcher) can use: implemented for every one that fits, not by hand.
///
/// It takes an [`http::Request`] with an empty body, answers with an [`http::Response`] of any [`Body`], is cheap to
/// clone and can be sent between threads. It must not follow redirects or decode bodies by itself.
pub trait HttpService: Clone + Send + 'static {
    /// The body of a response.
    type ResponseBody: Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static;

    /// Waits until the service is ready, and sends one request.
    fn send(
        self,
        request: http::Request<RequestBody>,
    ) -> impl Future<Output = Result<http::Response<Self::ResponseBody>, BoxError>> + Send;
}

impl<S, B> HttpService for S
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    type ResponseBody = B;

    async fn send(
        self,
        request: http::Request<RequestBody>,
    ) -> Result<http::Response<B>, BoxError> {
        self.oneshot(request).await.map_err(Into::into)
    }
}
