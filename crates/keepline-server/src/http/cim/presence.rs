//! `offLine` and `onlineUser`: who is there.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use keepline::Reason;
use serde::Serialize;

use super::reply::{Bare, Reply};
use super::request;
use crate::accounts::cim;
use crate::audit::{Action, Actor, Entry, Outcome};
use crate::http::object::Object;
use crate::http::{Peer, Services};

/// `POST /offLine`: ends the sessions that the user has now, and none that comes later. 9000 also for who is unknown.
pub(super) async fn off_line(
    State(services): State<Arc<Services>>,
    peer: Option<Extension<Peer>>,
    Json(Object(request)): Json<Object<request::Chat>>,
) -> Bare {
    let from = peer.map(|Extension(Peer(peer))| peer);
    if let Some(user) = request.user_id.and_then(cim::user_of) {
        for session in services.hub.sessions_of(&user) {
            services.hub.end(&session, Reason::Bye);
            // Whoever may speak cim may say this of anybody: who it was, only the address tells.
            let whose = format!("session {} of {user}, {}", session.id(), session.device());
            services.audit().note(&Entry::new(Actor::Nobody, Action::Kick, Outcome::Done).about(&whose).from(from));
        }
    }
    Reply::success(None)
}

/// A user who is there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Online {
    user_id: i64,
    user_name: String,
}

/// `GET` or `POST /onlineUser`: null where nobody is, as in cim.
pub(super) async fn online_user(State(services): State<Arc<Services>>) -> Reply<Vec<Online>> {
    let online = services.hub.online_users().into_iter().filter_map(|user| {
        let user_id = cim::id_of(&user).filter(|_| services.is_online(&user))?;
        let user_name = services.accounts.cim().name_of(user_id)?;
        Some(Online { user_id, user_name })
    });
    let mut online: Vec<Online> = online.collect();
    online.sort_by_key(|user| user.user_id);
    Reply::success(Some(online).filter(|online| !online.is_empty()))
}
