//! [`UpgradeRejection`], the response to a request that opens no WebSocket.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use eventwire::ws::handshake::{Rejection, RequestError};
use http::{StatusCode, Version};

/// The reason that a request opens no WebSocket. It is a response with the
/// [status of the error](RequestError::status): 426 if no WebSocket was asked for.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeRejection {
    /// The request does not open a WebSocket.
    #[error("a request that opens no WebSocket: {error}")]
    Request {
        /// The first fault of the request.
        error: RequestError,
        /// The version of HTTP of the request.
        version: Version,
    },
    /// The server that runs the router does not upgrade connections. With hyper, it has to call
    /// `with_upgrades` or `serve_connection_with_upgrades`. The response has status 500.
    #[error("this server does not upgrade connections")]
    NotUpgradable,
}

impl IntoResponse for UpgradeRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Request { error, version } => rejection(&error.rejection(), version),
            Self::NotUpgradable => {
                (StatusCode::INTERNAL_SERVER_ERROR, format!("{self}\n")).into_response()
            }
        }
    }
}

/// Returns a refusal as a response to a request of this version.
pub(super) fn rejection(rejection: &Rejection<'_>, version: Version) -> Response {
    match rejection.to_http(version) {
        Ok(response) => response.map(|text| Body::from(text.to_owned())),
        // Only headers of a program can be refused.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
