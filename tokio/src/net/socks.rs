//! SOCKS proxies, by hyper-util.

use super::dial_error::DialError;
use super::endpoint::Endpoint;
use super::progress::Progress;
use crate::transport::BoxTransport;
use http::Uri;
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5};
use hyper_util::rt::TokioIo;
use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};
use tower_service::Service;

/// Asks a proxy of SOCKS version 5 for a connection ([RFC
/// 1928](https://www.rfc-editor.org/rfc/rfc1928), [RFC
/// 1929](https://www.rfc-editor.org/rfc/rfc1929)).
pub(super) async fn v5(
    transport: BoxTransport,
    target: Endpoint<'_>,
    credentials: Option<(&str, &str)>,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let target = uri(target).map_err(|error| progress.failed(error).permanent())?;
    let mut socks = SocksV5::new(Uri::default(), Connected::new(transport));
    if let Some((user, password)) = credentials {
        socks = socks.with_auth(user.to_owned(), password.to_owned());
    }
    let connected = socks.call(target).await.map_err(|error| failed(error, progress))?;
    Ok(connected.into_inner())
}

/// Asks a proxy of SOCKS version 4 for a connection.
pub(super) async fn v4(
    transport: BoxTransport,
    target: Endpoint<'_>,
    progress: &Progress,
) -> Result<BoxTransport, DialError> {
    let target = uri(target).map_err(|error| progress.failed(error).permanent())?;
    let mut socks = SocksV4::new(Uri::default(), Connected::new(transport));
    let connected = socks.call(target).await.map_err(|error| failed(error, progress))?;
    Ok(connected.into_inner())
}

/// Returns the URI of a host and port.
fn uri(target: Endpoint<'_>) -> Result<Uri, http::uri::InvalidUri> {
    format!("http://{target}/").parse()
}

/// Returns the error of a proxy that refused or that broke off.
fn failed(error: impl std::error::Error + Send + Sync + 'static, progress: &Progress) -> DialError {
    // The type of the error is private, and so only its text tells the cause.
    let text = error.to_string();
    let error = progress.failed(error);
    if text.ends_with("credentials not accepted") {
        return error.permanent().hint("correct the user and password in the proxy's URL");
    }
    if text.ends_with("does not support user/pass authentication") {
        return error.permanent().hint(
            "the proxy accepts neither an anonymous user nor the proxy URL's user and password",
        );
    }
    error
}

/// A connector for hyper-util that is connected already.
struct Connected(Option<TokioIo<BoxTransport>>);

impl Connected {
    fn new(transport: BoxTransport) -> Self {
        Self(Some(TokioIo::new(transport)))
    }
}

impl Service<Uri> for Connected {
    type Response = TokioIo<BoxTransport>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<BoxTransport>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}
