//! What a handler takes from a request: its JSON, its query, the parts of its path; refused in our one shape.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::{ApiError, Code};
use super::object::Object;

/// The JSON of a body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// The query of a URL.
#[derive(Debug)]
pub(crate) struct UrlQuery<T>(pub(crate) T);

/// The parts of a path.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(Object(value))) => Ok(Self(value)),
            Err(rejection) => Err(refuse_json(&rejection)),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for UrlQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refuse = |rejection: QueryRejection| ApiError::new(Code::BadRequest, rejection.body_text());
        axum::extract::Query::from_request_parts(parts, state).await.map(|query| Self(query.0)).map_err(refuse)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let refuse = |rejection: PathRejection| ApiError::new(Code::BadRequest, rejection.body_text());
        axum::extract::Path::from_request_parts(parts, state).await.map(|path| Self(path.0)).map_err(refuse)
    }
}

/// A name, a number or a conversation from its text.
pub(crate) fn id<T: FromStr<Err: Display>>(text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|error: T::Err| ApiError::new(Code::BadRequest, error.to_string()))
}

/// How many entries of a list are asked for: 50 if it is not said, at most `most`.
pub(crate) fn limit(asked: Option<usize>, most: usize) -> Result<usize, ApiError> {
    match asked {
        None => Ok(50),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => Err(ApiError::new(Code::BadRequest, format!("limit is 1 to {most}"))),
    }
}

fn refuse_json(rejection: &JsonRejection) -> ApiError {
    let code = match rejection {
        JsonRejection::JsonDataError(_) => Code::BadFields,
        JsonRejection::JsonSyntaxError(_) => Code::BadJson,
        JsonRejection::MissingJsonContentType(_) => Code::UnsupportedMediaType,
        rejection if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        _ => Code::BadRequest,
    };
    ApiError::new(code, rejection.body_text())
}
