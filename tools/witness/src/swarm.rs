//! `swarm`: many witnesses of one server, a load on all of them, and the wait until each has everything.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::account::{AccountError, Server, private};
use crate::history::History;
use crate::http::HttpError;
use crate::options::Options;
use crate::seen::{Line, Seen};
use crate::witness::{Ended, Witness};

/// The password of every account of a swarm.
const PASSWORD: &str = "correct horse battery staple";
/// How many accounts are made at once: hashing a password is meant to be slow.
const AT_ONCE: usize = 4;

/// Many witnesses, one device a user, and the conversations they are in.
#[derive(Debug)]
pub struct Swarm {
    members: Vec<Member>,
    server: Server,
    history: History,
}

#[derive(Clone, Debug)]
struct Member {
    witness: Arc<Witness>,
    token: String,
    convs: Vec<String>,
}

/// What each witness of a swarm sends.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a choice, and made with a literal")]
pub struct Load {
    /// Messages of each witness.
    pub messages: u64,
    /// The pause after each, before the next is given to the witness.
    pub think: Duration,
    /// Bytes of a body, at least: each begins with a text that no other has.
    pub body: usize,
    /// Seed of the choice of conversations.
    pub seed: u64,
}

/// Makes accounts `PREFIX0`, `PREFIX1` and so on, and a witness for each, which has a private conversation with the
/// next and the last with the first. `tune` may change the options of each. Accounts that exist are used.
///
/// # Errors
///
/// An account or a token was refused.
pub async fn swarm(
    clients: usize,
    prefix: &str,
    server: Server,
    history: &History,
    tune: impl Fn(usize, &mut Options),
) -> Result<Swarm, AccountError> {
    let users: Vec<String> = (0..clients).map(|number| format!("{prefix}{number}")).collect();
    let mut members = Vec::new();
    let tokens = tokens(server, &users).await?;
    for (number, (user, token)) in users.iter().zip(tokens).enumerate() {
        let mut options = Options::new(server.tcp, user, "phone", &token);
        options.seed = number as u64;
        tune(number, &mut options);
        members.push(Member { witness: Arc::new(Witness::start(options, history)), token, convs: Vec::new() });
    }
    let mut swarm = Swarm { members, server, history: history.clone() };
    for number in 0..clients {
        let next = (number + 1) % clients;
        // Of two, each is the other's next.
        if next != number && (clients > 2 || number == 0) {
            swarm.share(&private(&users[number], &users[next]), &[number, next]);
        }
    }
    Ok(swarm)
}

impl Swarm {
    /// Puts these witnesses into a conversation that the server knows them to be members of.
    pub fn share(&mut self, conv: &str, numbers: &[usize]) {
        for number in numbers {
            let member = &mut self.members[*number];
            self.history.member(member.witness.user(), conv);
            member.convs.push(conv.to_owned());
        }
    }

    /// Makes a group of these witnesses, of whom the first owns it, and puts them into its conversation.
    ///
    /// # Errors
    ///
    /// No answer, or a refusal.
    ///
    /// # Panics
    ///
    /// If there is no first.
    pub async fn group(&mut self, group: &str, numbers: &[usize]) -> Result<(), AccountError> {
        let users: Vec<&str> = numbers.iter().map(|number| self.members[*number].witness.user()).collect();
        let token = &self.members[numbers[0]].token;
        self.server.group(users[0], token, group, &users[1..]).await?;
        self.share(&format!("g.{group}"), numbers);
        Ok(())
    }

    /// Every witness.
    pub fn witnesses(&self) -> impl ExactSizeIterator<Item = &Witness> {
        self.members.iter().map(|member| &*member.witness)
    }

    /// Every conversation, each once.
    #[must_use]
    pub fn convs(&self) -> Vec<String> {
        let mut convs: Vec<String> = self.members.iter().flat_map(|member| member.convs.clone()).collect();
        convs.sort_unstable();
        convs.dedup();
        convs
    }

    /// Waits until each is logged in.
    ///
    /// # Errors
    ///
    /// One was refused for good.
    pub async fn up(&self) -> Result<(), Ended> {
        for witness in self.witnesses() {
            witness.until(|seen| matches!(seen.line, Line::Up { .. })).await?;
        }
        Ok(())
    }

    /// Sends the load from all at once, and waits until each message has its final answer. Nothing else may send from
    /// these witnesses meanwhile.
    ///
    /// # Errors
    ///
    /// A witness ended.
    ///
    /// # Panics
    ///
    /// If a witness is in no conversation.
    pub async fn run(&self, load: Load) -> Result<(), Ended> {
        let mut tasks = JoinSet::new();
        for (number, member) in self.members.iter().enumerate() {
            tasks.spawn(drive(member.clone(), load, number as u64));
        }
        while let Some(result) = tasks.join_next().await {
            result.expect("a load does not panic")?;
        }
        Ok(())
    }

    /// Waits until each is logged in and has the last message that another was told to be stored, and whether all came
    /// to that within the limit. Who is logged in at the end had its time: what it lacks is lost. Of one that is not,
    /// nobody can say, and the run is void.
    pub async fn settle(&self, limit: Duration) -> bool {
        let caught_up = timeout(limit, async {
            for member in &self.members {
                self.caught_up(member).await?;
            }
            Ok::<(), Ended>(())
        });
        let caught_up = matches!(caught_up.await, Ok(Ok(())));
        for witness in self.witnesses() {
            witness.drained(matches!(witness.seen().line, Line::Up { .. }));
        }
        caught_up
    }

    /// Reads every conversation back from the store.
    ///
    /// # Errors
    ///
    /// The first of [`Server::read_back`]; the conversations after that one are read all the same.
    pub async fn read_back(&self) -> Result<(), HttpError> {
        let mut outcome = Ok(());
        for conv in self.convs() {
            let member = self.members.iter().find(|member| member.convs.contains(&conv));
            if let Some(member) = member {
                outcome = outcome.and(self.server.read_back(&self.history, &member.token, &conv).await);
            }
        }
        outcome
    }

    async fn caught_up(&self, member: &Member) -> Result<(), Ended> {
        let needs: Vec<(&String, u64)> =
            member.convs.iter().map(|conv| (conv, self.last_of_others(member, conv))).collect();
        let up = |line: &Line| matches!(line, Line::Up { .. });
        let has = |seen: &Seen| needs.iter().all(|(conv, seq)| seen.of(conv).highest >= *seq);
        member.witness.until(|seen| up(&seen.line) && has(seen)).await
    }

    fn last_of_others(&self, member: &Member, conv: &str) -> u64 {
        let others = self.members.iter().filter(|other| !Arc::ptr_eq(&other.witness, &member.witness));
        others.map(|other| other.witness.seen().of(conv).own).max().unwrap_or(0)
    }
}

async fn drive(member: Member, load: Load, number: u64) -> Result<(), Ended> {
    let before = member.witness.seen().answered();
    let mut choice = load.seed ^ number;
    for count in 0..load.messages {
        // Knuth's MMIX constants; the upper bits are the random ones.
        choice = choice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = (choice >> 33) % member.convs.len() as u64;
        let mut body = format!("{} says {count} ({choice:x})", member.witness.user()).into_bytes();
        body.resize(body.len().max(load.body), b'.');
        member.witness.submit(&member.convs[place as usize], &body).await?;
        if !load.think.is_zero() {
            sleep(load.think).await;
        }
    }
    member.witness.until(|seen| seen.answered() >= before + load.messages).await
}

async fn tokens(server: Server, users: &[String]) -> Result<Vec<String>, AccountError> {
    let mut tokens = Vec::new();
    for users in users.chunks(AT_ONCE) {
        let mut tasks: Vec<_> = Vec::new();
        for user in users {
            let user = user.clone();
            tasks.push(tokio::spawn(async move {
                match server.register(&user, PASSWORD).await {
                    // From a run before, on the same data.
                    Ok(()) | Err(AccountError::Refused { status: 409, .. }) => {}
                    Err(error) => return Err(error),
                }
                server.token(&user, PASSWORD, "phone").await
            }));
        }
        for task in tasks {
            tokens.push(task.await.expect("a request does not panic")?);
        }
    }
    Ok(tokens)
}
