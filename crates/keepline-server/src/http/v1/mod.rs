//! v1: our own API. One file a resource; each describes itself, and the description is served beside it.

#![expect(unused_qualifications, reason = "the macros that describe the endpoints write their paths in full")]

pub(super) mod accounts;
mod bearer;
mod caller;
mod content;
mod conversations;
mod cursor;
mod groups;
mod messages;
mod names;
mod password;
mod presence;
mod schedules;
mod search;
mod seq;
mod server;
mod sessions;
mod tokens;
mod users;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Services;
use super::bodies::{OWN, Shared};
use super::error::{ApiError, ErrorBody};
use super::guard::{Face, REQUEST_WITHIN, guard};

/// The endpoints under `/v1`.
pub fn router(services: &Arc<Services>) -> Router {
    let (router, description) = described();
    let text = Bytes::from(description.to_pretty_json().unwrap_or_default());
    let router = router.with_state(Arc::clone(services)).route(
        "/v1/openapi.json",
        get(|| async move { ([(header::CONTENT_TYPE, "application/json")], Extension(Shared), text).into_response() }),
    );
    let router = router.layer(from_fn_with_state(Arc::clone(&services.guard), bearer::guarded));
    guard(
        router,
        Face { listener: "public", within: REQUEST_WITHIN, refuse },
        &services.metrics,
        Some(services.bodies()),
    )
}

/// The description of the API, as it is served at `/v1/openapi.json`.
#[must_use]
pub fn description() -> OpenApi {
    described().1
}

fn described() -> (Router<Arc<Services>>, OpenApi) {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(server::show))
        .routes(routes!(accounts::create))
        .routes(routes!(tokens::issue, tokens::revoke_all))
        // Those above are for strangers: of them no more is read than each connection has for itself.
        .layer(DefaultBodyLimit::max(OWN))
        .routes(routes!(users::me))
        .routes(routes!(accounts::change_password))
        .routes(routes!(tokens::revoke))
        .routes(routes!(conversations::list))
        .routes(routes!(conversations::mark_read))
        .routes(routes!(messages::send, messages::page))
        .routes(routes!(search::search))
        .routes(routes!(groups::create, groups::list))
        .routes(routes!(groups::show, groups::change, groups::delete))
        .routes(routes!(groups::put_member, groups::remove_member))
        .routes(routes!(users::list))
        .routes(routes!(presence::presence))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::kick))
        .routes(routes!(schedules::create, schedules::list))
        .routes(routes!(schedules::edit, schedules::cancel))
        .split_for_parts()
}

/// A refusal that a layer gave without words.
fn refuse(status: StatusCode, _: &str) -> Response {
    ApiError::of_status(status).into_response()
}

/// What the description begins with.
#[derive(Debug, utoipa::OpenApi)]
#[openapi(
    info(
        title = "keepline",
        description = "Accounts, messages, groups, presence and delayed messages. Sequence and session numbers are \
            strings, because JSON numbers lose digits above 2^53. Every refusal has the shape `{\"error\": {\"code\", \
            \"message\", \"retry\"}}`."
    ),
    components(schemas(ErrorBody)),
    modifiers(&Bearer)
)]
struct Description;

/// The one way to say who calls.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("a token of POST /v1/tokens"));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::marker::PhantomData;

    use super::{accounts, tokens};

    /// Whether a type can be printed: of two methods of one name the inherent one is called, and that is there only where
    /// it can.
    struct Printed<T>(PhantomData<T>);
    struct Shown<T>(PhantomData<T>);

    trait Otherwise {
        fn can_be(&self) -> bool {
            false
        }
    }

    impl<T> Otherwise for Printed<T> {}
    impl<T> Otherwise for Shown<T> {}

    impl<T: Debug> Printed<T> {
        #[expect(clippy::unused_self, reason = "as the other")]
        const fn can_be(&self) -> bool {
            true
        }
    }

    impl<T: Display> Shown<T> {
        #[expect(clippy::unused_self, reason = "as the other")]
        const fn can_be(&self) -> bool {
            true
        }
    }

    /// Nothing that panics, and no line of a log, says what it can't.
    #[test]
    fn d8_no_secret_of_a_request_can_be_printed() {
        macro_rules! can_be_printed {
            ($($secret:ty),+) => { [$(Printed::<$secret>(PhantomData).can_be() || Shown::<$secret>(PhantomData).can_be()),+] };
        }
        assert_eq!(can_be_printed!(String, super::groups::NewGroup), [true, true], "else this says nothing");
        let secrets =
            can_be_printed!(accounts::NewAccount, accounts::PasswordChange, tokens::Credentials, tokens::Token);
        assert_eq!(secrets, [false; 4]);
    }
}
