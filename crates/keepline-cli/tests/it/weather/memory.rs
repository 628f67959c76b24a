//! Memory: row C5: a server that may have 256 MiB, and clients who want more of it: some never read, some announce what
//! never comes, some never acknowledge. Beside them others talk.

use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use keepline_check::Expect;
use keepline_witness::{Acks, Witness, private};
use socket2::{Domain, Socket, Type};

use super::sessions::{End, reaches};
use crate::harness::{Cast, Cgroup, Controller, Host, Im, PATIENCE, People, Plan, hello, ms};

const LIMIT: u64 = 256 << 20;
/// Members of a group who never read: of what was said there each is sent a window of 1 MiB as he logs in.
const DEAF: usize = 400;
/// What was said there: more than a window.
const SAID: usize = 24;
const BYTES: usize = 55_000;
/// Members who read and never acknowledge.
const FORGETFUL: usize = 4;
/// Who talk beside them, in pairs.
const TALKING: usize = 6;
const GROUP: &str = "g.flood";
/// The level from which on sessions are dropped.
const SHEDDING: u64 = 2;

/// Clients who attack until they are told to stop.
#[derive(Default)]
struct Attack {
    over: AtomicBool,
    /// Logins of those who never read, and headers of frames that are too long.
    logins: AtomicU64,
    headers: AtomicU64,
}

impl Attack {
    /// Row A7, again and again: whoever is closed comes back at once.
    fn never_read(&self, server: SocketAddr, hellos: &[Vec<u8>]) {
        let mut lines: Vec<Option<TcpStream>> = hellos.iter().map(|_| None).collect();
        while !self.over.load(Relaxed) {
            for (line, hello) in lines.iter_mut().zip(hellos) {
                if line.as_mut().is_some_and(|stream| !is_over(stream)) {
                    continue;
                }
                *line = deaf(server);
                if line.as_mut().is_some_and(|stream| stream.write_all(hello).is_ok()) {
                    self.logins.fetch_add(1, Relaxed);
                }
            }
            thread::sleep(ms(20));
        }
    }

    /// Row B1: 2 GiB less one are announced, before a login.
    fn announce(&self, server: SocketAddr) {
        while !self.over.load(Relaxed) {
            if let Some(mut stream) = deaf(server) {
                let _ = stream.write_all(&[0xff, 0xff, 0xff, 0xff, 0x07]);
                self.headers.fetch_add(1, Relaxed);
            }
            thread::sleep(ms(5));
        }
    }
}

/// A connection with next to no room in its kernel.
pub(super) fn deaf(server: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    socket.set_recv_buffer_size(4096).ok()?;
    // Loopback's own segments are so long that the server's kernel would take all that is sent.
    socket.set_tcp_mss(536).ok()?;
    socket.connect_timeout(&server.into(), ms(5000)).ok()?;
    Some(socket.into())
}

/// Whether the server has closed it. Who does not read hears of a reset only.
fn is_over(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).is_err()
        || stream.take_error().is_ok_and(|error| error.is_some())
        || matches!(stream.peek(&mut [0; 1]), Ok(0))
        || matches!(stream.peek(&mut [0; 1]), Err(error) if error.kind() != ErrorKind::WouldBlock)
}

/// A server, those who talk, and what the attackers need.
struct Scene {
    im: Im,
    people: People,
    host: Host,
    cast: Cast,
    /// Attackers that read. What they note is not judged.
    _forgetful: Cast,
    talking: Vec<Arc<Witness>>,
    /// The last: it goes once the server is gone.
    group: Cgroup,
}

impl Scene {
    fn open() -> Option<Self> {
        let group = Cgroup::open(Controller::Memory)?;
        group.limit_memory(LIMIT);
        let flooded: Vec<String> = (0..DEAF + FORGETFUL).map(|number| format!("a{number}")).collect();
        let users = flooded.iter().cloned().chain((0..TALKING).map(talker)).chain(["writer".to_owned()]).collect();
        let members = ["writer".to_owned()].into_iter().chain(flooded).collect();
        let plan = Plan { users, groups: vec![("flood".to_owned(), members)], ..Plan::default() };
        let (people, host) = (People::register(&plan), Host::here());
        let (mut cast, mut others) = (Cast::new(), Cast::new());
        let command = group.command(env!("CARGO_BIN_EXE_keepline"));
        let im = Im::start_by(command, &people, "--limits bench");
        let options = Cast::options(&im, &people, "writer");
        let writer = others.enter(&host, options);
        others.up(&host, std::slice::from_ref(&writer));
        others.say_in(&host, &writer, &[GROUP.to_owned()], SAID, BYTES);
        others.stored(&host);
        others.kill(writer);
        let talking: Vec<_> = (0..TALKING)
            .map(|number| {
                let mut options = Cast::options(&im, &people, &talker(number));
                (options.in_flight, options.patience) = (64, PATIENCE);
                cast.enter(&host, options)
            })
            .collect();
        for (number, name) in (0..FORGETFUL).map(|number| format!("a{}", DEAF + number)).enumerate() {
            let mut options = Cast::options(&im, &people, &name);
            (options.acks, options.seed) = (Acks::Never, number as u64);
            others.enter(&host, options);
        }
        cast.up(&host, &talking);
        Some(Self { im, people, host, cast, _forgetful: others, talking, group })
    }

    /// Those who talk go on while the attack does; how short memory was at the most.
    fn talk(&mut self, time: Duration) -> u64 {
        let convs: Vec<String> = (0..TALKING).map(|number| private(&talker(number), &talker(number ^ 1))).collect();
        for (number, conv) in convs.iter().enumerate() {
            self.cast.share(conv, [talker(number)].iter());
        }
        let (begin, mut worst) = (Instant::now(), 0);
        // A machine that others use may need longer until memory is short.
        while begin.elapsed() < time || worst < SHEDDING && begin.elapsed() < time + PATIENCE {
            for (witness, conv) in self.talking.iter().zip(&convs) {
                self.cast.say_in(&self.host, witness, std::slice::from_ref(conv), 1, 100);
            }
            // Else the next question would say less.
            assert_eq!(self.group.killed(), 0, "the kernel has killed the server");
            worst = worst.max(self.im.metric(&self.host, "keepline_overload ", ""));
            // The pace of the conversation.
            thread::sleep(ms(100));
        }
        worst
    }
}

fn talker(number: usize) -> String {
    format!("t{number}")
}

#[track_caller]
fn press(time: Duration) {
    let Some(mut scene) = Scene::open() else { return };
    let (attack, server) = (Attack::default(), scene.im.server.tcp);
    let hellos: Vec<Vec<u8>> = (0..DEAF).map(|number| hello(scene.people.token(&format!("a{number}")))).collect();
    let worst = thread::scope(|scope| {
        for hellos in hellos.chunks(DEAF / 4) {
            scope.spawn(|| attack.never_read(server, hellos));
        }
        scope.spawn(|| attack.announce(server));
        let _end = End(&attack.over);
        scene.talk(time)
    });
    // What comes first goes last: the group goes once the server is gone.
    let Scene { group, im, people, host, cast, talking, _forgetful } = scene;
    cast.stored(&host);
    // It takes everybody again, once the attack is over.
    reaches(&im, &host, "keepline_overload ", PATIENCE * 2, |level| level == 0);
    let said: u64 = talking.iter().map(|witness| witness.seen().acked).sum();
    let put_off: u64 = talking.iter().map(|witness| witness.seen().infos).sum();
    let lost: u64 = talking.iter().map(|witness| witness.seen().logins - 1).sum();
    let refused = im.metric(&host, "keepline_connections_refused_total", "server_full");
    let dropped = im.metric(&host, "keepline_overload_dropped_total", "");
    println!(
        "{} logins who never read and {} oversize headers in {time:?}: at level {worst}, {refused} lines turned away, \
         {dropped} sessions dropped, {} MiB of 256 at the most; OOM kills 0; of {said} messages of the honest {put_off} \
         were put off, {lost} of their lines lost",
        attack.logins.load(Relaxed),
        attack.headers.load(Relaxed),
        group.peak() >> 20,
    );
    assert!(refused > 0 && dropped > 0, "memory was never short: the test says nothing");
    assert_eq!(lost, 0, "an honest client was dropped; {}", im.complaint());
    let report = cast.judge(&im, &host, &people, Expect::default());
    println!("{report}");
    im.stop();
}

#[test]
fn c5_little_memory_costs_the_attackers_and_kills_nothing() {
    press(ms(12_000));
}

#[test]
#[ignore = "long: 2 minutes"]
fn c5_little_memory_costs_the_attackers_for_two_minutes() {
    press(ms(120_000));
}
