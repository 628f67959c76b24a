//! Strangers: row D6: users who try to act as others, and to read what is not theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use keepline_check::{Counter, Expect};
use keepline_witness::{Application, Verdict, Witness, request};
use serde_json::{Value, json};

use crate::harness::{Cast, Host, Im, People, Plan, hello, ms};

const USERS: [&str; 3] = ["ann", "bob", "eve"];

/// Every conversation, one of nobody, and who is in it: the oracle.
const CONVERSATIONS: [(&str, &[&str]); 5] = [
    ("p.ann.bob", &["ann", "bob"]),
    ("p.ann.eve", &["ann", "eve"]),
    ("p.bob.eve", &["bob", "eve"]),
    ("g.two", &["ann", "bob"]),
    ("g.none", &[]),
];

/// A server, three users on both of its interfaces, and what each of them has said.
struct Town {
    im: Im,
    people: People,
    home: Host,
    cast: Cast,
    witnesses: BTreeMap<&'static str, Arc<Witness>>,
    applications: BTreeMap<&'static str, Application>,
    /// By conversation: who said what.
    said: BTreeMap<&'static str, BTreeSet<(String, String)>>,
    tried: BTreeMap<&'static str, [u64; 2]>,
}

impl Town {
    #[track_caller]
    fn open() -> Self {
        let members = ["ann", "bob"].map(str::to_owned).to_vec();
        let users = USERS.map(str::to_owned).to_vec();
        let people = People::register(&Plan { users, groups: vec![("two".into(), members)], ..Plan::default() });
        let (im, home, cast) = (Im::start(None, &people, ""), Host::here(), Cast::new());
        let applications = USERS.map(|user| (user, Application::default())).into();
        let (witnesses, said, tried) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut town = Self { im, people, home, cast, witnesses, applications, said, tried };
        for (conv, users) in &CONVERSATIONS[..4] {
            town.cast.share(conv, users.iter());
        }
        USERS.into_iter().for_each(|user| town.enter(user));
        town
    }

    /// The user's device logs in.
    #[track_caller]
    fn enter(&mut self, user: &'static str) {
        let mut options = Cast::options(&self.im, &self.people, user);
        options.application = self.applications[user].clone();
        let witness = self.cast.enter(&self.home, options);
        self.cast.up(&self.home, std::slice::from_ref(&witness));
        self.witnesses.insert(user, witness);
    }

    /// One request to `/v1` with the user's token.
    #[track_caller]
    fn ask(&self, user: &str, method: &'static str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (http, token, path) = (self.im.server.http, self.people.token(user).to_owned(), path.to_owned());
        let answer = self.home.run(async move { request(http, method, &path, Some(&token), body.as_ref()).await });
        let answer = answer.expect("an answer");
        (answer.status, answer.json())
    }

    /// What was tried, and whether it may be.
    #[track_caller]
    fn tell(&mut self, what: &'static str, user: &str, conv: &str, may: bool, done: bool, answer: &str) {
        assert_eq!(may, done, "{user} tried to {what} in {conv}: {answer}");
        self.tried.entry(what).or_default()[usize::from(may)] += 1;
    }

    #[track_caller]
    fn send_by_line(&mut self, user: &'static str, conv: &'static str, may: bool, text: &str) {
        let (witness, body) = (Arc::clone(&self.witnesses[user]), text.as_bytes().to_vec());
        let verdict = self.home.run(async move { witness.send(conv, &body).await }).expect("the witness is there");
        let stored = matches!(verdict, Verdict::Stored { .. });
        if stored {
            self.said.entry(conv).or_default().insert((user.to_owned(), text.to_owned()));
        }
        self.tell("send", user, conv, may, stored, &format!("{verdict:?}"));
    }

    /// The page holds what was said there and nothing else, by whom it was said.
    #[track_caller]
    fn read(&mut self, user: &'static str, conv: &'static str, may: bool) {
        let (status, answer) =
            self.ask(user, "GET", &format!("/v1/conversations/{conv}/messages?after=0&limit=200"), None);
        let found = messages(&answer);
        self.tell("read", user, conv, may, status == 200, &answer.to_string());
        if may {
            let found: BTreeSet<_> = found.into_iter().map(|(_, sender, text)| (sender, text)).collect();
            assert_eq!(found, self.said.get(conv).cloned().unwrap_or_default(), "{user} reads {conv}");
        } else {
            assert_eq!(found, [], "{user} reads {conv}");
        }
    }

    /// A search finds nothing in conversations of others, also where one is named.
    #[track_caller]
    fn search(&mut self, user: &'static str, conv: &'static str, may: bool) {
        for path in ["/v1/search?q=says".to_owned(), format!("/v1/search?q=says&conversation={conv}")] {
            let (_, answer) = self.ask(user, "GET", &path, None);
            for (found, sender, text) in messages(&answer) {
                let is_his = CONVERSATIONS.iter().any(|(conv, members)| *conv == found && members.contains(&user));
                assert!(is_his, "{user} finds {text} of {found}");
                assert!(text.starts_with(&format!("{sender} says")), "{sender} did not say {text}");
            }
        }
        self.tried.entry("search").or_default()[usize::from(may)] += 1;
    }

    /// What else changes a conversation: its read mark, a delayed message, its members.
    #[track_caller]
    fn meddle(&mut self, user: &'static str, conv: &'static str, may: bool) {
        let mark = Some(json!({"seq": "0"}));
        let (status, answer) = self.ask(user, "PUT", &format!("/v1/conversations/{conv}/read"), mark);
        self.tell("mark", user, conv, may, status == 204, &answer.to_string());
        if let Some(group) = conv.strip_prefix("g.") {
            let (status, answer) = self.ask(user, "GET", &format!("/v1/groups/{group}"), None);
            self.tell("look at the members", user, conv, may, status == 200, &answer.to_string());
            let member = format!("/v1/groups/{group}/members/eve");
            if user == "eve" {
                let (status, answer) = self.ask(user, "PUT", &member, Some(json!({"role": "member"})));
                self.tell("add himself", user, conv, false, status < 300, &answer.to_string());
            }
        }
    }

    /// Sessions of others are neither seen nor ended.
    #[track_caller]
    fn sessions(&mut self, user: &'static str) {
        let (_, own) = self.ask(user, "GET", "/v1/sessions", None);
        for other in USERS.into_iter().filter(|other| *other != user) {
            let (_, theirs) = self.ask(other, "GET", "/v1/sessions", None);
            let session = theirs["sessions"][0]["session"].as_str().or_else(|| theirs[0]["session"].as_str());
            let session = session.unwrap_or_else(|| panic!("no session in {theirs}")).to_owned();
            assert!(!own.to_string().contains(&session), "{user} sees {other}'s session: {own}");
            let (status, answer) = self.ask(user, "DELETE", &format!("/v1/sessions/{session}"), None);
            self.tell("end a session", user, other, false, status < 300, &answer.to_string());
        }
    }

    /// Says on a line of one's own, by its own device, that one has read and goes on in a conversation.
    #[track_caller]
    fn resume(&mut self, user: &'static str, conv: &'static str) {
        let mut line = TcpStream::connect(self.im.server.tcp).expect("the server listens");
        line.set_read_timeout(Some(ms(150))).expect("an open socket");
        let mut said = hello(self.people.token(user));
        // Resume: the conversation, and number 0 of epoch 0. Then a read mark.
        for tag in [&[0x62][..], &[0xb2, 0x01]] {
            let length = u8::try_from(conv.len()).expect("a short name");
            said.push(u8::try_from(tag.len()).expect("short") + 1 + 2 + length);
            said.extend(tag);
            said.extend([2 + length, 0x0a, length]);
            said.extend(conv.as_bytes());
        }
        line.write_all(&said).expect("an open socket");
        let mut got = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match line.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => got.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            }
        }
        let got = String::from_utf8_lossy(&got).into_owned();
        assert!(!got.contains(&format!("in {conv}")), "{user} resumed {conv} and got {got:?}");
        self.tried.entry("resume").or_default()[0] += 1;
    }
}

/// The messages of an answer: conversation, sender, text.
fn messages(answer: &Value) -> Vec<(String, String, String)> {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let of = |one: &Value| (text(one, "conversation"), text(one, "sender"), text(one, "text"));
    answer["messages"].as_array().map(|all| all.iter().map(of).collect()).unwrap_or_default()
}

/// A script of chance: everybody tries everything everywhere, on both interfaces; the oracle is the list of members.
#[test]
fn d6_nobody_acts_as_another_or_reads_what_is_not_his() {
    let seed = std::env::var("KEEPLINE_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()).unwrap_or(1);
    println!("seed {seed}");
    let mut town = Town::open();
    let mut dice = seed;
    let mut throw = |sides: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % sides
    };
    for step in 0..300 {
        let user = USERS[throw(USERS.len())];
        let (conv, members) = CONVERSATIONS[throw(CONVERSATIONS.len())];
        let may = members.contains(&user);
        let text = format!("{user} says {step} in {conv}");
        match throw(6) {
            0 => town.send_by_line(user, conv, may, &text),
            1 => town.read(user, conv, may),
            2 => town.search(user, conv, may),
            3 => town.meddle(user, conv, may),
            4 => town.sessions(user),
            _ if !may => {
                // Its line takes the place of the witness, which is let back in.
                town.resume(user, conv);
                town.enter(user);
            }
            _ => {}
        }
    }
    println!("tried, and [refused, done]: {:?}", town.tried);
    let refused: u64 = town.tried.values().map(|[refused, _]| refused).sum();
    assert!(refused > 60 && town.tried["send"][1] > 5, "the script says nothing: {:?}", town.tried);
    let report = town.cast.judge(&town.im, &town.home, &town.people, Expect::default());
    assert_eq!(report.count(Counter::Leak), 0, "{report}");
    town.im.stop();
}
