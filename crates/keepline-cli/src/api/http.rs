//! Http: one question to one server, and its answer, both bounded.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::address::ServerUrl;
use super::error::{ApiError, ErrorBody, Refusal};
use crate::secret::Secret;
use crate::trust::{self, Authorities};

/// The longest answer that is read, in bytes: a page of messages has at most 1 MiB, six times as much in JSON.
const LONGEST: usize = 16 << 20;

/// What a server has to take the connection, at most: of the time for the whole question.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How hyper says that the server spoke before it was asked, for which it has no question.
const SPOKE_FIRST: &str = "received unexpected message from connection";

/// Not to be asked again sooner, whatever a server says.
const LEAST_WAIT: Duration = Duration::from_millis(100);

/// How long an idle connection is kept: less than a server keeps it.
const KEEP_IDLE: Duration = Duration::from_secs(4);

/// The HTTP client of one server.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    server: ServerUrl,
    within: Duration,
}

/// A question.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    /// With its query.
    pub(super) path: String,
    /// JSON.
    pub(super) body: Option<Bytes>,
}

impl Http {
    /// For this server; each question has `within` from the first byte of the connection to the last of the answer, and
    /// is asked again in that time where the server says when, and nothing can be done twice by it. Over TLS it is who
    /// the authorities say, or without any named, the system's.
    pub(crate) fn new(server: ServerUrl, within: Duration, authorities: Option<&Authorities>) -> Self {
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(KEEP_IDLE);
        Self { client: client.build(connector(&server, within, authorities)), server, within }
    }

    pub(crate) const fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// Asks, and reads the answer as `T`; an empty one as `null`.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        question: &Question,
        token: Option<&Secret>,
    ) -> Result<T, ApiError> {
        let body = self.answer(question, token).await?;
        let body = if body.is_empty() { &b"null"[..] } else { &body };
        serde_json::from_slice(body).map_err(|error| self.strange(format!("its answer is not the JSON: {error}")))
    }

    /// Asks, and reads the answer as text.
    ///
    /// # Errors
    /// Each [`ApiError`].
    pub(super) async fn ask_text(&self, question: &Question, token: Option<&Secret>) -> Result<String, ApiError> {
        let body = self.answer(question, token).await?;
        String::from_utf8(body.into()).map_err(|error| self.strange(format!("its answer is no text: {error}")))
    }

    /// Asks, and reads the answer as `T` whatever its status.
    ///
    /// # Errors
    /// Each [`ApiError`] but a refusal.
    pub(super) async fn ask_whatever<T: DeserializeOwned>(&self, question: &Question) -> Result<T, ApiError> {
        let (status, _, body) = self.exchange(question, None).await?;
        serde_json::from_slice(&body).map_err(|_| self.strange(format!("it answered {status}")))
    }

    async fn answer(&self, question: &Question, token: Option<&Secret>) -> Result<Bytes, ApiError> {
        // None for a time that no clock reaches.
        let by = Instant::now().checked_add(self.within);
        loop {
            let exchange = self.exchange(question, token);
            let answered = match by {
                Some(by) => timeout_at(by, exchange).await,
                None => Ok(exchange.await),
            };
            let refused = match answered {
                Ok(Ok((status, _, body))) if status.is_success() => return Ok(body),
                Ok(Ok((status, headers, body))) => self.refused(status, &headers, &body),
                Ok(Err(error)) => error,
                Err(_) => return Err(ApiError::TimedOut { server: self.server.clone(), within: self.within }),
            };
            match refused.again_after(&question.method).map(|wait| wait.max(LEAST_WAIT)) {
                Some(wait) if by.is_none_or(|by| wait < by.saturating_duration_since(Instant::now())) => {
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(refused),
            }
        }
    }

    async fn exchange(
        &self,
        question: &Question,
        token: Option<&Secret>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ApiError> {
        let unbounded = self.exchange_unbounded(question, token);
        tokio::time::timeout(self.within, unbounded)
            .await
            .unwrap_or_else(|_| Err(ApiError::TimedOut { server: self.server.clone(), within: self.within }))
    }

    async fn exchange_unbounded(
        &self,
        question: &Question,
        token: Option<&Secret>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ApiError> {
        let mut request = Request::builder()
            .method(&question.method)
            .uri(self.server.join(&question.path))
            .header(header::USER_AGENT, concat!("keepline/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = token {
            // One that is no header value is no token either: it goes out without one, and is refused.
            let bearer = HeaderValue::try_from(format!("Bearer {}", token.reveal()));
            if let Ok(mut bearer) = bearer {
                bearer.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, bearer);
            }
        }
        if question.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(question.body.clone().unwrap_or_default()))
            .map_err(|error| self.strange(error.to_string()))?;
        let response = self.client.request(request).await.map_err(|error| self.broken(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return ApiError::TooLong { server: self.server.clone(), limit: LONGEST };
            }
            ApiError::Lost { server: self.server.clone(), cause: error.to_string() }
        })?;
        Ok((parts.status, parts.headers, body.to_bytes()))
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ApiError {
        let Ok(ErrorBody { error }) = serde_json::from_slice(body) else {
            return self.strange(format!("it answered {status}"));
        };
        let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        ApiError::Refused(Refusal {
            status,
            code: error.code,
            message: error.message,
            retry_after: seconds.map(Duration::from_secs),
        })
    }

    /// A connection that could not be made, or broke.
    fn broken(&self, error: &legacy::Error) -> ApiError {
        let hyper = error.source().and_then(|source| source.downcast_ref::<hyper::Error>());
        if hyper.is_some_and(hyper::Error::is_parse) {
            return self.strange("it does not speak HTTP".to_owned());
        }
        let (server, cause) = (self.server.clone(), root_of(error));
        // As where the server speaks first, to turn us away: the request has stayed here.
        if hyper.is_some_and(|error| error.is_canceled() || error.to_string() == SPOKE_FIRST) {
            return ApiError::Unasked { server, cause };
        }
        if error.is_connect() { ApiError::Unreachable { server, cause } } else { ApiError::Lost { server, cause } }
    }

    fn strange(&self, what: String) -> ApiError {
        ApiError::Strange { server: self.server.clone(), what }
    }
}

/// How connections are made, over TLS where the server's URL says so.
fn connector(server: &ServerUrl, within: Duration, authorities: Option<&Authorities>) -> HttpsConnector<HttpConnector> {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_WITHIN.min(within)));
    connector.set_nodelay(true);
    connector.enforce_http(false);
    // Without TLS nobody need be trusted, and the system's authorities need not be read.
    let nobody = Authorities::nobody();
    let tls = trust::client(if server.is_tls() { authorities } else { Some(&nobody) });
    let builder = HttpsConnectorBuilder::new().with_tls_config((*tls).clone());
    builder.https_or_http().enable_http1().wrap_connector(connector)
}

/// The first cause of an error: the words of the system.
fn root_of(error: &legacy::Error) -> String {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
