//! A whole server, asked in memory: a node on a store that can be made to fail, and its endpoints without their sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use keepline_server::accounts::Hashing;
use keepline_server::guard::GuardLimits;
use keepline_server::http;
use keepline_server::http::Dialled;
use keepline_server::http::admin::{Admin, Drain, LineProfile};
use keepline_server::line::Terms;
use keepline_server::store::memory::Memory;
use keepline_server::{Config, Node};
use serde_json::Value;

use super::failing::Failing;

/// A whole server. Its long connections come in on loopback.
pub(crate) struct Fixture {
    pub(crate) store: Arc<Failing>,
    pub(crate) draining: Arc<Draining>,
    public: Router,
    push: Router,
    admin: Router,
    node: Node,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Which listener.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listener {
    Public,
    Push,
    Admin,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with_cim(true).await
    }

    pub(crate) async fn with_cim(cim: bool) -> Self {
        Self::configured(cim, |_| {}).await
    }

    /// With other settings than the defaults.
    pub(crate) async fn configured(cim: bool, change: impl FnOnce(&mut Config)) -> Self {
        let store = Failing::new(Memory::new());
        let any = "127.0.0.1:0".parse().expect("an address");
        let mut config = Config::default();
        (config.http, config.tcp, config.admin, config.cim_http) = (any, any, None, None);
        config.hashing = Hashing::cheapest();
        // Requests in memory come from nowhere, so that none of them asks for the lines' tickets.
        config.guard = GuardLimits::off();
        change(&mut config);
        let node = Node::start(config, store.clone()).await.expect("it starts");
        let services = node.services().clone();
        let draining = Arc::new(Draining::default());
        let lines = LineProfile { tls: false, terms: Terms::default() };
        let admin = Admin { services: services.clone(), drain: draining.clone(), token: None, lines };
        Self {
            public: http::public(&services, cim),
            push: http::cim::push(&services),
            admin: http::admin::router(admin),
            store,
            draining,
            node,
        }
    }

    /// Its parts.
    pub(crate) fn services(&self) -> &http::Services {
        self.node.services()
    }

    /// Where the long connections come in.
    pub(crate) fn tcp(&self) -> SocketAddr {
        self.node.addresses().tcp
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, listener: Listener, request: Request<Body>) -> Answer {
        let router = match listener {
            Listener::Public => &self.public,
            Listener::Push => &self.push,
            Listener::Admin => &self.admin,
        };
        let router = TowerToHyperService::new(router.clone());
        let Ok(response) = router.call(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("bodies are in memory");
        let text = String::from_utf8(bytes.into()).expect("answers are text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// `POST` of JSON to one of cim's endpoints, from a client that dialled 127.0.0.2.
    pub(crate) async fn cim(&self, path: &str, json: &str) -> Answer {
        let listener =
            if path.trim_start_matches('/').starts_with("sendMsg") { Listener::Push } else { Listener::Public };
        let dialled = Dialled("127.0.0.2:8083".parse().expect("an address"));
        let request = Request::post(path).header("content-type", "application/json; charset=utf-8").extension(dialled);
        self.send(listener, request.body(json.to_owned().into()).expect("a request")).await
    }

    /// The number of a cim user of this name.
    pub(crate) async fn cim_user(&self, name: &str) -> i64 {
        let json = serde_json::json!({ "userName": name }).to_string();
        self.cim("/registerAccount", &json).await.json()["dataBody"]["userId"].as_i64().expect("a number")
    }

    /// A request to `/v1`, with a token where there is one, and with JSON where that is not null.
    pub(crate) async fn v1(&self, method: &str, path: &str, token: &str, json: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if json.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            json.to_string().into()
        };
        self.send(Listener::Public, request.body(body).expect("a request")).await
    }

    /// A new user's token for the device `phone`.
    pub(crate) async fn user(&self, name: &str) -> String {
        let made = self.v1("POST", "/accounts", "", serde_json::json!({ "user": name, "password": PASSWORD })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        self.token(name, "phone").await
    }

    pub(crate) async fn token(&self, name: &str, device: &str) -> String {
        let credentials = serde_json::json!({ "user": name, "password": PASSWORD, "device": device });
        let issued = self.v1("POST", "/tokens", "", credentials).await;
        assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.text);
        issued.json()["token"].as_str().expect("a token").to_owned()
    }

    /// A request without a body to the admin listener.
    pub(crate) async fn admin(&self, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8084");
        self.send(Listener::Admin, request.body(Body::empty()).expect("a request")).await
    }
}

/// Every user's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of cim's reply, or of our refusal.
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        let code = json["code"].as_str().or_else(|| json["error"]["code"].as_str());
        code.unwrap_or_else(|| panic!("no code in {}", self.text)).to_owned()
    }
}

/// Notes that the server was told to go.
#[derive(Default)]
pub(crate) struct Draining(AtomicBool);

impl Drain for Draining {
    fn drain(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
