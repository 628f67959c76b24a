//! Leaks (D6): whatever three users do, nobody writes as another, and nobody reads what is not his.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::http::fixture::Fixture;

const USERS: [&str; 3] = ["ann", "bob", "eve"];

/// Ann's group. The others come and go.
const TEAM: &str = "g.team";

const CONVERSATIONS: [&str; 5] = ["p.ann.bob", "p.ann.eve", "p.bob.eve", TEAM, "all"];

/// What a user does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send { by: usize, to: usize },
    Page { by: usize, of: usize },
    Search { by: usize },
    Add { by: usize, whom: usize },
    Remove { by: usize, whom: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (user, conversation) = (0..USERS.len(), 0..CONVERSATIONS.len());
    prop_oneof![
        4 => (user.clone(), conversation.clone()).prop_map(|(by, to)| Step::Send { by, to }),
        3 => (user.clone(), conversation).prop_map(|(by, of)| Step::Page { by, of }),
        1 => user.clone().prop_map(|by| Step::Search { by }),
        1 => (user.clone(), user.clone()).prop_map(|(by, whom)| Step::Add { by, whom }),
        1 => (user.clone(), user).prop_map(|(by, whom)| Step::Remove { by, whom }),
    ]
}

/// What the answers must say.
#[derive(Default)]
struct Oracle {
    /// The sender and the text of each message.
    said: BTreeMap<&'static str, Vec<(&'static str, String)>>,
    /// The members of the group, with the messages from before they came.
    team: BTreeMap<&'static str, usize>,
}

impl Oracle {
    /// The messages that are a user's to read; `None` if the conversation is not his.
    fn readable(&self, user: &str, conversation: &str) -> Option<&[(&'static str, String)]> {
        let behind = match conversation {
            TEAM => *self.team.get(user)?,
            "all" => 0,
            pair => pair.split('.').skip(1).any(|one| one == user).then_some(0)?,
        };
        Some(self.said.get(conversation).map_or(&[][..], |said| &said[behind..]))
    }
}

struct World {
    server: Fixture,
    tokens: [String; 3],
    oracle: Oracle,
}

impl World {
    async fn new() -> Self {
        let server = Fixture::new().await;
        let tokens = [server.user(USERS[0]).await, server.user(USERS[1]).await, server.user(USERS[2]).await];
        let made = server.v1("POST", "/groups", &tokens[0], json!({ "group": "team" })).await;
        assert_eq!(made.status, 201);
        let oracle = Oracle { team: BTreeMap::from([(USERS[0], 0)]), ..Oracle::default() };
        Self { server, tokens, oracle }
    }

    async fn take(&mut self, number: usize, step: Step) {
        match step {
            Step::Send { by, to } => self.send(number, by, CONVERSATIONS[to]).await,
            Step::Page { by, of } => self.page(by, CONVERSATIONS[of]).await,
            Step::Search { by } => self.search(by).await,
            Step::Add { by, whom } => {
                let path = format!("/groups/team/members/{}", USERS[whom]);
                let done = self.server.v1("PUT", &path, &self.tokens[by], json!({ "role": "member" })).await;
                let before = self.oracle.said.get(TEAM).map_or(0, Vec::len);
                if by == 0 && whom != 0 {
                    assert_eq!(done.status, 204, "{}", done.text);
                    self.oracle.team.entry(USERS[whom]).or_insert(before);
                } else {
                    assert_ne!(done.status, 204, "{step:?}");
                }
            }
            Step::Remove { by, whom } => {
                let path = format!("/groups/team/members/{}", USERS[whom]);
                let done = self.server.v1("DELETE", &path, &self.tokens[by], Value::Null).await;
                let member = self.oracle.team.contains_key(USERS[by]);
                let may = whom != 0 && member && (by == 0 || by == whom);
                assert_eq!(done.status == 204, may, "{step:?}: {}", done.text);
                if may {
                    self.oracle.team.remove(USERS[whom]);
                }
            }
        }
    }

    async fn send(&mut self, number: usize, by: usize, conversation: &'static str) {
        let text = format!("word {number} in {conversation} by {}", USERS[by]);
        let path = format!("/conversations/{conversation}/messages");
        let sent = self.server.v1("POST", &path, &self.tokens[by], json!({ "text": text })).await;
        let may = self.oracle.readable(USERS[by], conversation).is_some();
        assert_eq!(sent.status == 201, may, "{} to {conversation}: {}", USERS[by], sent.text);
        if may {
            self.oracle.said.entry(conversation).or_default().push((USERS[by], text));
        } else {
            assert_eq!(sent.code(), "not_member");
        }
    }

    /// Exactly what is his.
    async fn page(&self, by: usize, conversation: &str) {
        let path = format!("/conversations/{conversation}/messages?after=0&limit=200");
        let answer = self.server.v1("GET", &path, &self.tokens[by], Value::Null).await;
        let Some(readable) = self.oracle.readable(USERS[by], conversation) else {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "not_member"));
            return;
        };
        let expected: Vec<Value> = readable.iter().map(|(sender, text)| json!([sender, text])).collect();
        let answer = answer.json();
        let messages = answer["messages"].as_array().unwrap().iter();
        let found: Vec<Value> = messages.map(|message| json!([message["sender"], message["text"]])).collect();
        assert_eq!(found, expected, "{} of {conversation}", USERS[by]);
    }

    /// Nothing that is not his. Something may be missing: the newest conversations are found a moment later.
    async fn search(&self, by: usize) {
        let answer = self.server.v1("GET", "/search?query=WORD&limit=200", &self.tokens[by], Value::Null).await.json();
        for message in answer["messages"].as_array().unwrap() {
            let readable = self.oracle.readable(USERS[by], message["conversation"].as_str().unwrap());
            let (sender, text) = (message["sender"].as_str().unwrap(), message["text"].as_str().unwrap());
            let his = readable.is_some_and(|said| said.iter().any(|said| (said.0, said.1.as_str()) == (sender, text)));
            assert!(his, "{} found {message}", USERS[by]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn d6_nobody_reads_or_writes_what_is_not_his(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for (number, step) in steps.into_iter().enumerate() {
                world.take(number, step).await;
            }
        });
    }
}
