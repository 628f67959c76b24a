//! Talk: what cim's users do, and what they wait for.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::peer::Peer;
use super::user::{Dialect, User, Way};

impl Peer {
    /// Registers a user, whose client is there and not logged in.
    #[track_caller]
    pub(super) fn register(&mut self, name: &str, dialect: Dialect) -> User {
        let mut user = self.client(name, name, dialect);
        let reply = self.call(&user, &format!("register {name}"), "/registerAccount", "9000");
        assert_eq!(reply["body"]["userName"], name, "{reply}");
        user.id = reply["body"]["userId"].as_u64().unwrap_or_else(|| panic!("no number in {reply}"));
        user
    }

    /// A new client for a user who has had one.
    pub(super) fn again(&mut self, user: &User) -> User {
        let again = self.client(&format!("{}-again", user.client), &user.name, user.dialect);
        User { id: user.id, ..again }
    }

    /// A client of a user who may not exist.
    pub(super) fn stranger(&mut self, id: u64, name: &str, dialect: Dialect) -> User {
        User { id, ..self.client(name, name, dialect) }
    }

    /// A client, not logged in.
    #[track_caller]
    fn client(&mut self, client: &str, name: &str, dialect: Dialect) -> User {
        let user = User { client: client.to_owned(), name: name.to_owned(), id: 0, dialect };
        self.tell(&user, &format!("dialect {}", dialect.label()));
        user
    }

    /// Logs a user in, and waits until the server has seen the frame of it. Returns where it was told to connect to.
    #[track_caller]
    pub(super) fn login(&mut self, user: &User) -> Value {
        let reply = self.call(user, &format!("login {} {}", user.id, user.name), "/login", "9000");
        self.wait_until_ready(user);
        reply["body"].clone()
    }

    #[track_caller]
    pub(super) fn enter(&mut self, name: &str, dialect: Dialect) -> User {
        let user = self.register(name, dialect);
        self.login(&user);
        user
    }

    /// Waits until its line is up, and the server has read what was sent on it so far: LOGIN has no answer, a ping
    /// behind it has.
    #[track_caller]
    pub(super) fn wait_until_ready(&mut self, user: &User) {
        self.wait_for_state(user, "ready");
        self.ping(user);
    }

    /// A ping, and its pong: the server has read what was sent before.
    #[track_caller]
    pub(super) fn ping(&mut self, user: &User) {
        self.tell(user, "ping");
        let pong = self.next(user, "pong");
        assert_eq!(pong["hex"], user.dialect.pong(), "{pong}");
    }

    /// Waits for the one request for stored messages that a 2.1 client makes by itself.
    #[track_caller]
    pub(super) fn wait_for_fetch(&mut self, user: &User) {
        if user.dialect == Dialect::V2 {
            self.reply(user, "/fetchOfflineMsgs", "9000");
        }
        self.ping(user);
    }

    #[track_caller]
    pub(super) fn wait_for_state(&mut self, user: &User, state: &str) {
        while self.next(user, "state")["state"] != state {}
    }

    #[track_caller]
    pub(super) fn p2p(&mut self, from: &User, to: &User, text: &str, code: &str) {
        self.call(from, &format!("p2p {} {text}", to.id), "/p2pRoute", code);
    }

    #[track_caller]
    pub(super) fn batch(&mut self, from: &User, to: &User, texts: &[&str], code: &str) {
        self.call(from, &format!("batch {} {}", to.id, texts.join(" ")), "/p2pRoute", code);
    }

    #[track_caller]
    pub(super) fn group(&mut self, from: &User, text: &str) {
        self.call(from, &format!("group {text}"), "/groupRoute", "9000");
    }

    /// Closes a client.
    #[track_caller]
    pub(super) fn close(&mut self, user: &User) {
        self.call(user, "close", "/offLine", "9000");
        self.wait_for_state(user, "closed");
    }

    /// Fails unless these are online, asked for by both verbs.
    #[track_caller]
    pub(super) fn assert_online(&mut self, asks: &User, online: &[&User]) {
        let mut wanted: Vec<Value> =
            online.iter().map(|user| json!({"userId": user.id, "userName": user.name})).collect();
        wanted.sort_by_key(number);
        for verb in ["get", "post"] {
            assert_eq!(self.online(asks, verb), wanted, "by {verb}");
        }
    }

    /// Who is online, by their numbers.
    #[track_caller]
    pub(super) fn online(&mut self, asks: &User, verb: &str) -> Vec<Value> {
        let reply = self.call(asks, &format!("online {verb}"), "/onlineUser", "9000");
        assert_eq!(reply["verb"], verb.to_uppercase());
        let mut online = reply["body"].as_array().cloned().unwrap_or_default();
        assert_eq!(reply["body"].is_null(), online.is_empty(), "nobody is null, not an empty list: {reply}");
        online.sort_by_key(number);
        online
    }

    /// The next message to a user is this one.
    #[track_caller]
    pub(super) fn expect(&mut self, to: &User, from: &User, text: &str, way: Way) {
        self.expect_all(to, way, &[&[(from, text)]]);
    }

    /// The text of the next message to a user, which is of this sender.
    #[track_caller]
    pub(super) fn hear(&mut self, to: &User, from: &User) -> String {
        let message = self.next(to, "message");
        let text = message["text"].as_str().unwrap_or_else(|| panic!("no text in {message}"));
        let text = text.strip_prefix(&to.heard_before_a_text(from)).unwrap_or_else(|| panic!("{message}"));
        assert_eq!(to.hears(from, text), json!({"text": message["text"], "properties": message["properties"]}));
        text.to_owned()
    }

    /// The next messages to a user are these: each conversation in its order, among each other in any.
    #[track_caller]
    pub(super) fn expect_all(&mut self, to: &User, way: Way, conversations: &[&[(&User, &str)]]) {
        let mut left: Vec<VecDeque<Value>> =
            conversations.iter().map(|sent| sent.iter().map(|(from, text)| to.hears(from, text)).collect()).collect();
        while left.iter().any(|conversation| !conversation.is_empty()) {
            let message = self.next(to, "message");
            let told = json!({"text": message["text"], "properties": message["properties"]});
            let is_next = left.iter_mut().find(|conversation| conversation.front() == Some(&told));
            let Some(conversation) = is_next else { panic!("{message} has come, but next was one of {left:#?}") };
            conversation.pop_front();
            way.check(to.dialect, &message);
        }
    }
}

fn number(user: &Value) -> Option<u64> {
    user["userId"].as_u64()
}
