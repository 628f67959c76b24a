//! Cast: the witnesses of a run, who of them is in which conversation, and the verdict on what they saw.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keepline_check::{Counter, Expect, Record, Report, Verdict, check_files};
use keepline_witness::{History, Line, Options, Witness, private};

use super::folder::Folder;
use super::host::Host;
use super::im::Im;
use super::people::{DEVICE, People};
use super::{PATIENCE, ms};

/// How long a witness waits for an answer to its ping: what a server may be late by on a machine that others use too.
pub(crate) const CLIENT_PATIENCE: Duration = ms(2000);

/// Witnesses that write one history.
pub(crate) struct Cast {
    folder: Folder,
    history: History,
    witnesses: Vec<Arc<Witness>>,
    /// The members of each conversation.
    convs: BTreeMap<String, BTreeSet<String>>,
    /// How many messages each sender was given.
    said: Vec<(Arc<Witness>, u64)>,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let folder = Folder::new("history");
        let history = History::create(&folder.path().join("t.jsonl"), "t").expect("a new file");
        Self { folder, history, witnesses: Vec::new(), convs: BTreeMap::new(), said: Vec::new() }
    }

    /// The options of a user's device, which gives a silent server up soon.
    pub(crate) fn options(im: &Im, people: &People, user: &str) -> Options {
        let mut options = Options::new(im.server.tcp, user, DEVICE, people.token(user));
        options.patience = CLIENT_PATIENCE;
        // Each user has waits of his own.
        options.seed = user.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte));
        options
    }

    /// Starts a witness on a host; it is not logged in yet.
    pub(crate) fn enter(&mut self, host: &Host, options: Options) -> Arc<Witness> {
        let _on_it = host.enter();
        let witness = Arc::new(Witness::start(options, &self.history));
        self.witnesses.push(Arc::clone(&witness));
        witness
    }

    /// Ends a witness as the kernel ends a process: without a word.
    pub(crate) fn kill(&mut self, witness: Arc<Witness>) {
        self.witnesses.retain(|other| !Arc::ptr_eq(other, &witness));
        self.said.retain(|(other, _)| !Arc::ptr_eq(other, &witness));
        assert_eq!(Arc::strong_count(&witness), 1, "somebody else holds the witness");
        drop(witness);
    }

    /// Notes the members of a conversation.
    pub(crate) fn share<U: AsRef<str>>(&mut self, conv: &str, users: impl IntoIterator<Item = U>) {
        for user in users {
            let user = user.as_ref();
            if self.convs.entry(conv.to_owned()).or_default().insert(user.to_owned()) {
                self.history.member(user, conv);
            }
        }
    }

    /// Waits until all of them are logged in.
    #[track_caller]
    pub(crate) fn up(&self, host: &Host, witnesses: &[Arc<Witness>]) {
        let witnesses = witnesses.to_vec();
        host.run(async move {
            for witness in witnesses {
                let up = witness.until(|seen| matches!(seen.line, Line::Up { .. })).await;
                up.unwrap_or_else(|ended| panic!("{}: {ended}", witness.user()));
            }
        });
    }

    /// Gives `from` so many messages to each of the users.
    #[track_caller]
    pub(crate) fn say(&mut self, host: &Host, from: &Arc<Witness>, to: &[String], count: usize) {
        let convs: Vec<String> = to.iter().map(|user| private(from.user(), user)).collect();
        for (conv, user) in convs.iter().zip(to) {
            self.share(conv, [from.user(), user]);
        }
        self.say_in(host, from, &convs, count, 0);
    }

    /// Gives `from` so many messages of at least so many bytes for each conversation.
    #[track_caller]
    pub(crate) fn say_in(&mut self, host: &Host, from: &Arc<Witness>, convs: &[String], count: usize, bytes: usize) {
        match self.said.iter_mut().find(|(sender, _)| Arc::ptr_eq(sender, from)) {
            Some((_, said)) => *said += (count * convs.len()) as u64,
            None => self.said.push((Arc::clone(from), (count * convs.len()) as u64)),
        }
        let (sender, convs) = (Arc::clone(from), convs.to_vec());
        host.run(async move {
            for round in 0..count {
                for conv in &convs {
                    let mut body = format!("{} says {round} in {conv}", sender.user()).into_bytes();
                    body.resize(body.len().max(bytes), b'.');
                    sender.submit(conv, &body).await.expect("it has not ended");
                }
            }
        });
    }

    /// Waits until all that was said is stored.
    #[track_caller]
    pub(crate) fn stored(&self, host: &Host) {
        let said = self.said.clone();
        host.run(async move {
            for (sender, count) in said {
                sender.until(|seen| seen.answered() >= count).await.expect("it has not ended");
            }
        });
    }

    /// What was noted so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        let text = fs::read_to_string(self.folder.path().join("t.jsonl")).expect("the history");
        text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
    }

    /// Waits until each user's device has acknowledged all of his conversations.
    #[track_caller]
    pub(crate) fn settle(&self, im: &Im, host: &Host, people: &People, within: Duration) {
        let by = Instant::now() + within;
        let users: BTreeSet<&String> = self.convs.values().flatten().collect();
        for user in users {
            loop {
                let marks = im.marks(host, people.token(user));
                if marks.iter().all(|(_, head, delivered)| head == delivered) {
                    break;
                }
                assert!(Instant::now() < by, "{user} lacks something: {marks:?}; {}", im.complaint());
                thread::sleep(ms(50));
            }
        }
    }

    /// Waits until everybody has everything, reads the store, and has the history judged: no promise was broken.
    #[track_caller]
    pub(crate) fn judge(&self, im: &Im, host: &Host, people: &People, expect: Expect) -> Report {
        self.settle(im, host, people, PATIENCE * 2);
        for witness in &self.witnesses {
            // One that was replaced speaks for no device.
            if !matches!(witness.seen().line, Line::Ended(_)) {
                self.up(host, std::slice::from_ref(witness));
                witness.drained(true);
            }
        }
        for (conv, members) in &self.convs {
            let (server, history, conv) = (im.server, self.history.clone(), conv.clone());
            let reader = members.first().expect("a conversation has members");
            let token = people.token(reader).to_owned();
            host.run(async move { server.read_back(&history, &token, &conv).await }).expect("the store can be read");
        }
        let report = check_files(&[self.folder.path().join("t.jsonl")], expect).expect("a whole history");
        assert_eq!(report.verdict(), Verdict::Green, "{report}");
        assert_eq!(report.count(Counter::DupApp), 0, "{report}");
        report
    }
}
