//! Clock: row G1: a wall clock that jumps by an hour and by a day, on and back, under a whole server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use keepline_check::{Counter, Expect};
use keepline_witness::{Response, Witness, private, request};
use serde_json::{Value, json};

use super::sessions::{all_are_there, log_in};
use crate::harness::{Cast, Faketime, Host, Im, PATIENCE, People, ms, wall_ms};

/// Clients that only ping, then those that talk, in pairs.
const QUIET: usize = 50;
const TALKING: [&str; 4] = ["ann", "bob", "cid", "dan"];
/// Who has a message delayed, and for whom.
const DELAYED: [&str; 2] = ["eve", "fay"];
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// In turn, from what the machine's clock says.
const JUMPS: [i64; 6] = [0, HOUR, -HOUR, DAY, -DAY, 0];

struct Scene {
    im: Im,
    host: Host,
    people: People,
    clock: Faketime,
}

impl Scene {
    /// What HTTP answers.
    #[track_caller]
    fn ask(&self, method: &'static str, path: &str, user: &str, body: Option<Value>) -> Response {
        let (http, token, path) = (self.im.server.http, self.people.token(user).to_owned(), path.to_owned());
        let asked = async move { request(http, method, &path, Some(&token), body.as_ref()).await };
        self.host.run(asked).unwrap_or_else(|error| panic!("{error}; {}", self.im.complaint()))
    }

    /// A message for later, with the time at which it was made by the server's clock.
    #[track_caller]
    fn delay(&self, text: &str, due_ms: u64) -> u64 {
        let conversation = private(DELAYED[0], DELAYED[1]);
        let body = json!({ "conversation": conversation, "due_ms": due_ms, "text": text });
        let made = self.ask("POST", "/v1/schedules", DELAYED[0], Some(body));
        assert_eq!(made.status, 201, "{}", made.json());
        let name = made.json()["schedule"].as_str().expect("a name").to_owned();
        let all = self.ask("GET", "/v1/schedules", DELAYED[0], None).json();
        let ours = all["schedules"].as_array().expect("a list").iter().find(|one| one["schedule"] == name.as_str());
        ours.and_then(|one| one["created_ms"].as_u64()).unwrap_or_else(|| panic!("{name} is not in {all}"))
    }

    /// The texts of the delayed messages that were sent, in order.
    #[track_caller]
    fn sent(&self) -> Vec<String> {
        let path = format!("/v1/conversations/{}/messages", private(DELAYED[0], DELAYED[1]));
        let answer = self.ask("GET", &path, DELAYED[1], None);
        let all = answer.json();
        let Some(messages) = all["messages"].as_array() else { return Vec::new() };
        messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The number of a new user of cim's: it is made of the time.
    #[track_caller]
    fn cim_number(&self, name: &str) -> i64 {
        let body = json!({ "userName": name });
        let answer = self.ask("POST", "/registerAccount", DELAYED[0], Some(body)).json();
        answer["dataBody"]["userId"].as_i64().unwrap_or_else(|| panic!("no number: {answer}"))
    }
}

#[test]
fn g1_a_wall_clock_that_jumps_evicts_nobody_and_doubles_nothing() {
    let Some(clock) = Faketime::open() else { return };
    let others: Vec<&str> = TALKING.into_iter().chain(DELAYED).collect();
    let (people, host) = (People::crowd(QUIET, &others), Host::here());
    let command = clock.command(env!("CARGO_BIN_EXE_keepline"));
    let im = Im::start_by(command, &people, "--ping-after 1500ms --silence 3s --limits bench");
    let fleet = log_in(&im, &host, &people, QUIET, ms(1200));
    let mut cast = Cast::new();
    let talking: Vec<Arc<Witness>> =
        TALKING.iter().map(|name| cast.enter(&host, Cast::options(&im, &people, name))).collect();
    cast.up(&host, &talking);
    let scene = Scene { im, host, people, clock };
    let first_due = wall_ms(HOUR - 600);
    scene.delay("within the hour", first_due);
    let mut numbers = Vec::new();
    for (turn, jump) in JUMPS.into_iter().enumerate() {
        scene.clock.set(jump);
        // Its own clock says so: else nothing was tried. And whoever waits for a time looks at it again.
        let made = scene.delay("in a month", wall_ms(30 * DAY));
        assert!(made.abs_diff(wall_ms(jump)) < 60_000, "the server's clock did not jump to {jump:+}: {made}");
        numbers.push(scene.cim_number(&format!("cim{turn}")));
        for (number, witness) in talking.iter().enumerate() {
            let to = TALKING[number ^ 1].to_owned();
            cast.say(&scene.host, witness, &[to], 5);
        }
        cast.stored(&scene.host);
        all_are_there(&scene.im, &fleet, 0);
        // From the first jump beyond its time on, and once.
        let due = usize::from(JUMPS[..=turn].iter().any(|jump| wall_ms(*jump) >= first_due));
        let by = Instant::now() + PATIENCE;
        while scene.sent().len() < due {
            assert!(Instant::now() < by, "the delayed message is not sent; {}", scene.im.complaint());
            thread::sleep(ms(50));
        }
        assert_eq!(scene.sent(), vec!["within the hour"; due], "at {jump:+}");
    }
    assert!(numbers.is_sorted(), "cim's numbers go back: {numbers:?}");
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len(), "{numbers:?}");
    assert_eq!(scene.im.metric(&scene.host, "keepline_connections_closed_total", ""), 0, "{}", scene.im.complaint());
    // A token is good for 30 days by the wall's clock.
    let whoami = |seconds| {
        scene.clock.set(seconds);
        scene.ask("GET", "/v1/accounts/me", TALKING[0], None).status
    };
    assert_eq!([29 * DAY, 31 * DAY, 0].map(whoami), [200, 401, 200]);
    let Scene { im, host, people, .. } = &scene;
    let report = cast.judge(im, host, people, Expect::default());
    println!("{report}");
    assert_eq!(report.count(Counter::Cuts), 0, "{report}");
    println!("jumps of an hour and a day: false evictions 0, doubled numbers 0; {QUIET} quiet lines stayed");
    scene.im.stop();
}
