//! Slow: rows A7, A8 and C7: members of a group who don't read, and what that costs the others and the server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use keepline_check::Expect;
use keepline_witness::{Application, Witness};
use socket2::{Domain, Socket, Type};

use crate::harness::{Cast, Host, Im, Net, PATIENCE, People, Plan, SCHEDULING, SLOT, SessionEnd, hello, ms, user};

const GROUP: &str = "g.all";
/// What `--slow-after` is set to.
const SLOW: Duration = ms(3000);

/// A group of which the first members don't read, in a namespace of their own where there is one.
struct Group {
    im: Im,
    people: People,
    home: Host,
    /// Where the frozen are.
    abroad: Host,
    cast: Cast,
    frozen: Vec<(Arc<Witness>, Application)>,
    others: Vec<Arc<Witness>>,
}

impl Group {
    #[track_caller]
    fn open(net: Option<&Net>, members: usize, frozen: usize, args: &str) -> Self {
        let users: Vec<String> = (0..members).map(user).collect();
        let plan = Plan { users: users.clone(), groups: vec![("all".into(), users.clone())], ..Plan::default() };
        let people = People::register(&plan);
        let im = Im::start(net.map(|net| &net.far), &people, args);
        let home = net.map_or_else(Host::here, |net| Host::of(&net.far));
        let abroad = net.map_or_else(Host::here, |net| Host::of(&net.near));
        let mut cast = Cast::new();
        cast.share(GROUP, &users);
        let (mut still, mut others) = (Vec::new(), Vec::new());
        for (number, name) in users.iter().enumerate() {
            let mut options = Cast::options(&im, &people, name);
            // A thousand of them on one thread may be late for each other.
            options.patience = PATIENCE;
            if number < frozen {
                options.server = im.by_cable;
                options.receive_buffer = Some(4096);
                let application = options.application.clone();
                still.push((cast.enter(&abroad, options), application));
            } else {
                options.in_flight = 16;
                others.push(cast.enter(&home, options));
            }
        }
        let witnesses: Vec<_> = still.iter().map(|(witness, _)| Arc::clone(witness)).collect();
        cast.up(&home, &witnesses);
        cast.up(&home, &others);
        let group = Self { im, people, home, abroad, cast, frozen: still, others };
        group.home.run(async move {
            for witness in witnesses {
                witness.freeze().await;
            }
        });
        group
    }

    /// The first of the others say so much, and all of the others hear it.
    #[track_caller]
    fn say(&mut self, writers: usize, each: usize, bytes: usize) {
        let heard: Vec<u64> = self.others.iter().map(|witness| witness.seen().delivered).collect();
        for writer in &self.others[..writers] {
            self.cast.say_in(&self.home, writer, &[GROUP.to_owned()], each, bytes);
        }
        self.cast.stored(&self.home);
        let (others, more) = (self.others.clone(), (writers * each) as u64);
        self.home.run(async move {
            for (witness, heard) in others.iter().zip(heard) {
                witness.until(|seen| seen.delivered == heard + more).await.expect("it has not ended");
            }
        });
    }

    #[track_caller]
    fn judge(self) {
        let report = self.cast.judge(&self.im, &self.home, &self.people, Expect::default());
        println!("{report}");
        drop(self.abroad);
        self.im.stop();
    }
}

/// A hundred of a hundred and fifty never read. Each holds no more than its queue, which it shares with the others, and
/// is closed in time; the others hear everything at once; who comes back gets everything.
#[test]
fn a7_a_hundred_who_never_read_are_closed_as_slow_and_get_everything_when_they_are_back() {
    const SLOW_ONES: usize = 100;
    let Some(net) = Net::open() else { return };
    let mut group = Group::open(Some(&net), 150, SLOW_ONES, "--slow-after 3s");
    let before = group.im.memory().resident;
    let begin = Instant::now();
    group.say(8, 32, 2048);
    let heard = begin.elapsed();
    let last = Instant::now();
    let ends: Vec<SessionEnd> = (0..SLOW_ONES).map(|_| group.im.session_end(SLOW + PATIENCE)).collect();
    let most = group.im.memory().peak;
    for end in &ends {
        assert!(end.reason.starts_with("slow_consumer"), "{end:?}");
        assert!(end.at - begin >= SLOW, "closed early: {end:?}");
        let late = end.at.saturating_duration_since(last);
        assert!(late < SLOW + SLOT + SCHEDULING, "closed {late:?} after the last message: {end:?}");
    }
    let grew = most.saturating_sub(before);
    println!(
        "256 messages of 2 KiB to 50 readers in {heard:?}; 100 others closed as slow_consumer within {:?}; {} KiB each",
        ends[SLOW_ONES - 1].at - begin,
        grew / SLOW_ONES as u64
    );
    // Each could hold 512 KiB; a message that many wait for is in memory once.
    assert!(grew < 32 << 10, "the server grew by {grew} KiB");
    assert!(group.others.iter().all(|witness| witness.seen().cuts == 0), "a reader was cut off");
    // Each comes back as a new process that reads, with what its device has.
    for (witness, application) in std::mem::take(&mut group.frozen) {
        let mut options = Cast::options(&group.im, &group.people, witness.user());
        (options.server, options.application) = (group.im.by_cable, application);
        group.cast.kill(witness);
        group.cast.enter(&group.abroad, options);
    }
    group.judge();
}

/// A reader that takes a little, again and again, is as slow as one that takes nothing.
#[test]
fn a8_a_reader_that_dribbles_is_closed_once_its_oldest_message_is_too_old() {
    let Some(net) = Net::open() else { return };
    let mut group = Group::open(Some(&net), 2, 0, "--slow-after 3s --pace off");
    let (dribbler, writer) = (group.others.remove(0), group.others.remove(0));
    // Its place is taken by one that dribbles.
    let token = group.people.token(dribbler.user()).to_owned();
    group.cast.kill(dribbler);
    assert!(group.im.session_end(PATIENCE).reason.starts_with("peer_closed"));
    let mut stream = net.near.enter(|| narrow(group.im.by_cable));
    stream.write_all(&hello(&token)).expect("an open socket");
    let (mut taken, begin) = (0, Instant::now());
    group.others.push(writer);
    group.say(1, 100, 16_384);
    let (im, last) = (&group.im, Instant::now());
    let over = AtomicBool::new(false);
    let end = thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = [0; 100];
            // Also where the test has failed.
            while !over.load(Relaxed) && begin.elapsed() < SLOW + PATIENCE {
                match stream.read(&mut buffer) {
                    Ok(1..) => taken += 1,
                    Ok(0) | Err(_) => return,
                }
                // Its pace.
                thread::sleep(ms(100));
            }
        });
        let end = im.session_end(SLOW + PATIENCE);
        over.store(true, Relaxed);
        end
    });
    assert!(end.reason.starts_with("slow_consumer"), "{end:?}");
    assert!(end.at - begin >= SLOW, "closed early: {end:?}");
    let late = end.at.saturating_duration_since(last);
    assert!(late < SLOW + SLOT + SCHEDULING, "closed {late:?} after the last message");
    assert!(taken >= 10, "it took only {taken} pieces: the test says nothing");
    println!("1 KB/s taken: closed {:?} after the first message, {late:?} after the last", end.at - begin);
    drop(stream);
    let options = Cast::options(&group.im, &group.people, "u0");
    group.cast.enter(&group.home, options);
    group.judge();
}

/// A connection with a small receive buffer.
fn narrow(to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an open socket");
    socket.connect(&to.into()).expect("the server listens");
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    stream
}

#[track_caller]
fn group_with_frozen_members(members: usize, messages: usize) {
    let frozen = members / 20;
    let mut group = Group::open(None, members, frozen, "");
    let begin = Instant::now();
    group.say(1, messages, 64);
    println!(
        "{messages} messages heard by {} of {members} in {:?}, {frozen} frozen",
        members - frozen,
        begin.elapsed()
    );
    assert_eq!(group.im.sessions(&group.home), members as u64, "somebody is gone");
    assert!(group.frozen.iter().all(|(witness, _)| witness.seen().delivered == 0), "the frozen have read");
    let frozen = group.frozen.clone();
    group.home.run(async move {
        for (witness, _) in frozen {
            witness.thaw().await;
        }
    });
    group.judge();
}

/// The others hear everything while the frozen stand still. Counted, not timed.
#[test]
fn c7_frozen_members_cost_the_others_of_a_large_group_nothing() {
    group_with_frozen_members(1000, 20);
}

#[test]
#[ignore = "long: a group of 5,000"]
fn c7_frozen_members_of_a_group_of_five_thousand() {
    group_with_frozen_members(5000, 20);
}
