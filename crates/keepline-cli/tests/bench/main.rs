//! `keepline bench` as a user runs it, against servers that behave and servers that don't.

mod peer;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Output, Stdio},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use peer::Manner;
use serde_json::Value;

/// Long enough for two readings of memory before the first close.
const LIMIT: Duration = Duration::from_secs(4);
const LONG: Duration = Duration::from_secs(60);

fn bench(args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keepline"))
        .arg("bench")
        .args(args.split_ascii_whitespace())
        .output()
        .expect("the binary runs")
}

/// Runs against `addr`, whose process is this one.
fn against(addr: SocketAddr, args: &str) -> Output {
    let pid = std::process::id();
    bench(&format!("{args} --json --target {addr} --pid {pid}"))
}

fn result(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let json: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?} {}", complaint(output)));
    json["servers"][0]["result"].clone()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn number(result: &Value, key: &str) -> f64 {
    result[key].as_f64().unwrap_or_else(|| panic!("no {key} in {result}"))
}

#[test]
fn echo_counts_what_came_back() {
    let addr = peer::start(LONG, Manner::Honest);
    let output = against(addr, "echo --connections 4 --depth 8 --size 33 --duration 300ms --warmup 50ms");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let result = result(&output);
    assert!(number(&result, "messages") >= 32.0, "{result}");
    assert!(number(&result, "rate_per_s") > 0.0);
    assert!(number(&result, "cpu_us_per_message") > 0.0);
    assert!(number(&result, "p50_us") <= number(&result, "p99_us"));
    assert!(number(&result, "p99_us") <= number(&result, "max_us"));
}

#[test]
fn latencies_say_whether_they_are_corrected() {
    let addr = peer::start(LONG, Manner::Honest);
    for (rate, json, table) in [
        ("", "closed loop, uncorrected", "not corrected for coordinated omission"),
        ("--rate 100", "open loop, corrected for coordinated omission", "so corrected for coordinated omission"),
    ] {
        let args = format!("echo --connections 1 --depth 1 --duration 50ms --warmup 0s --target {addr} {rate}");
        let output = bench(&format!("{args} --json"));
        let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(found["settings"]["latency"], json, "{args}");
        let output = bench(&args);
        let found = String::from_utf8_lossy(&output.stdout);
        assert!(found.contains(table), "{args}: {found}");
    }
}

/// More under way than the sockets of both ends hold: the load must wait until it may write on.
#[test]
fn messages_that_fill_the_sockets_come_back_whole() {
    let addr = peer::start(LONG, Manner::Honest);
    let output = against(addr, "echo --connections 2 --depth 512 --size 65536 --duration 100ms --warmup 0s");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert!(number(&result(&output), "messages") >= 1024.0);
}

#[test]
fn an_open_loop_keeps_its_rate_and_shows_a_stall() {
    let addr = peer::start(LONG, Manner::Stalling(300));
    let args = "echo --connections 1 --depth 4 --rate 400 --duration 400ms --warmup 0s";
    let output = against(addr, args);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let result = result(&output);
    // Message k is due k / 400 s after the begin: 0 to 160 of them.
    assert_eq!(number(&result, "messages"), 161.0, "{result}");
    // The stall of 300 ms holds up 120 of them, by 150 ms on average. Measured from the write, it would be four.
    assert!(number(&result, "max_us") >= 300_000.0, "{result}");
    assert!(number(&result, "p50_us") >= 50_000.0, "{result}");
}

#[test]
fn wrong_answers_fail_the_echo() {
    for (manner, what) in [
        (Manner::Garbling, "wrong byte"),
        (Manner::Forgetful, "wrong byte"),
        (Manner::Talkative, "more answers than it asked for"),
        (Manner::Closing, "closed line"),
    ] {
        let addr = peer::start(LONG, manner);
        let output = against(addr, "echo --connections 2 --depth 4 --duration 200ms --warmup 0s");
        assert_eq!(output.status.code(), Some(1), "{manner:?}");
        assert!(complaint(&output).contains(what), "{manner:?}: {}", complaint(&output));
        assert!(output.stdout.is_empty(), "{manner:?} has no figures");
    }
}

#[test]
fn echoes_that_never_come_are_a_fault_and_count_as_waiting() {
    // One echo a line, which makes room for a fifth message: four are under way on each in the end.
    let addr = peer::start(LONG, Manner::Stuck);
    let output = against(addr, "echo --connections 2 --depth 4 --duration 200ms --warmup 0s");
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("8 messages had no echo"), "{}", complaint(&output));
    let result = result(&output);
    assert_eq!(number(&result, "messages"), 2.0, "{result}");
    assert!(number(&result, "p99_us") >= 5e6, "{result}");
}

#[test]
fn idle_lines_are_closed_after_the_limit_and_none_before() {
    let addr = peer::start(LIMIT, Manner::Honest);
    let output = against(addr, "idle --connections 10,30 --evict-limit 4s");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let result = result(&output);
    assert_eq!((number(&result, "early"), number(&result, "unclosed")), (0.0, 0.0), "{result}");
    assert!(number(&result, "evict_p50_ms") <= number(&result, "evict_max_ms"), "{result}");
    // A thread for each line: at least some stack, and no more than a few pages.
    assert!(number(&result, "user_bytes_per_line") > 0.0, "{result}");
}

#[test]
fn closes_before_the_limit_are_counted() {
    let addr = peer::start(LIMIT, Manner::Hasty(50));
    let output = against(addr, "idle --connections 10,30 --evict-limit 4s");
    assert_eq!(output.status.code(), Some(1));
    // All 30 after 2 s; a busy machine may hold up our look at some of them past the limit of 4 s, not at all of them.
    let early = number(&result(&output), "early");
    assert!((1.0..=30.0).contains(&early), "{early}");
    assert!(complaint(&output).contains("closed early"), "{}", complaint(&output));
}

#[test]
fn lines_that_are_never_closed_are_counted() {
    let addr = peer::start(LIMIT, Manner::Patient);
    let output = against(addr, "idle --connections 2,5 --evict-limit 100ms");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(number(&result(&output), "unclosed"), 5.0);
    assert!(complaint(&output).contains("5 lines were not closed"), "{}", complaint(&output));
}

#[test]
fn a_close_with_a_ping_unanswered_is_a_fault() {
    let addr = peer::start(LIMIT, Manner::Curt);
    let output = against(addr, "idle --connections 2,5 --evict-limit 4s");
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("5 lines were closed with a PING unanswered"), "{}", complaint(&output));
}

#[test]
fn a_storm_ends_when_each_line_has_its_pong() {
    let addr = peer::start(LONG, Manner::Honest);
    let output = against(addr, "storm --connections 50");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let result = result(&output);
    assert_eq!(number(&result, "up"), 50.0);
    assert!(0.0 < number(&result, "p50_s") && number(&result, "p50_s") <= number(&result, "max_s"), "{result}");
    assert!(number(&result, "peak_per_s") > 0.0 && number(&result, "cpu_us_per_connection") > 0.0, "{result}");
}

/// Answers nobody until this many lines are there, then all of them; ends when the benchmark does.
fn answer_together(listener: TcpListener, count: usize) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut lines: Vec<TcpStream> = Vec::new();
        while lines.len() < count {
            lines.push(listener.accept().expect("a line").0);
        }
        for line in &mut lines {
            line.read_exact(&mut [0; 5]).expect("a PING");
            line.write_all(b"\0\0\0\x05\x02").expect("room for a PONG");
        }
        // Until the benchmark closes them.
        lines.iter_mut().filter_map(|line| line.read(&mut [0; 1]).ok()).count()
    })
}

#[test]
fn a_storm_holds_as_many_lines_open_as_it_says() {
    for (flags, at_once) in [("", 40), ("--at-once 10", 10)] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("its address");
        let server = answer_together(listener, 40);
        let args = format!("storm --connections 40 {flags} --json --time-limit 1s --target {addr}");
        let output = bench(&args);
        // With fewer lines than this server waits for, the storm stands still.
        assert_eq!(output.status.code(), Some(i32::from(at_once < 40)), "{args}: {}", complaint(&output));
        if at_once == 40 {
            let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
            assert_eq!(json["settings"]["at_once"], at_once);
            server.join().expect("it answered all");
        }
    }
}

/// A command that announces a server of this process instead of starting one.
fn announce(addr: SocketAddr) -> String {
    format!("sh -c 'echo listening on {addr}; exec sleep 600'")
}

#[test]
fn compared_servers_have_ratios_and_commands_are_filled_in() {
    let (ours, floor) = (peer::start(LONG, Manner::Honest), peer::start(LONG, Manner::Honest));
    let output = Command::new(env!("CARGO_BIN_EXE_keepline"))
        .args(["bench", "storm", "--connections", "20", "--rounds", "3", "--json"])
        .args(["--server", &announce(ours), "--compare", &format!("floor={}", announce(floor))])
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(json["servers"][0]["rounds"].as_array().map(Vec::len), Some(3));
    assert!(json["servers"][0]["ratio_to_floor"]["max_s"].is_number(), "{json}");
    assert_eq!(json["servers"][1]["ratio_to_floor"]["max_s"], 1.0);
}

#[test]
fn a_started_server_ends_with_the_benchmark() {
    let addr = peer::start(LONG, Manner::Honest);
    let file = std::env::temp_dir().join(format!("keepline-bench-pid-{}", std::process::id()));
    let server = format!("sh -c 'echo $$ > {}; echo listening on {addr}; exec sleep 600'", file.display());
    let output = Command::new(env!("CARGO_BIN_EXE_keepline"))
        .args(["bench", "storm", "--connections", "2", "--server", &server])
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("server"), "a table");
    let pid = std::fs::read_to_string(&file).expect("the server ran");
    let _ = std::fs::remove_file(&file);
    assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists(), "it runs on");
}

#[test]
fn a_started_server_ends_with_a_killed_benchmark() {
    if Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("not run: setpriv (util-linux) is not installed");
        return;
    }
    // It never answers, so the benchmark waits until it is killed.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("its address");
    let server = format!("sh -c 'echo listening on {addr}; exec sleep 600'");
    let mut benchmark = Command::new(env!("CARGO_BIN_EXE_keepline"))
        .args(["bench", "storm", "--connections", "1", "--server", &server])
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let _line = listener.accept().expect("the benchmark connects, so its server runs");
    let children = format!("/proc/{0}/task/{0}/children", benchmark.id());
    let children = std::fs::read_to_string(children).expect("its children");
    let child = std::path::Path::new("/proc").join(children.trim());
    assert!(child.join("stat").exists(), "one child: {children:?}");
    benchmark.kill().expect("it still waits");
    benchmark.wait().expect("it is reaped");
    let start = Instant::now();
    // Whoever inherits the ended child may not reap it: a zombie has ended too.
    let runs = || std::fs::read_to_string(child.join("stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while runs() {
        assert!(start.elapsed() < LONG, "the server runs on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn flags_that_cannot_be_are_refused_with_what_to_change() {
    for (args, code, what) in [
        ("storm --target 192.0.2.1:80", 2, "--allow-remote"),
        ("storm --target 127.0.0.1:80 --server x", 2, "cannot be used with"),
        ("storm --connections 4000000000 --target 127.0.0.1:80", 2, "ask for at most"),
        ("storm --pid 1", 2, "--target"),
        ("storm --compare floor", 2, "LABEL=COMMAND"),
        ("storm --rounds 0", 2, "1..=100"),
        ("storm --limits default", 2, "add --on im"),
        ("storm --tls-cert x --tls-key y", 2, "add --on im"),
        ("storm --on im --target 127.0.0.1:80", 2, "leave --on im out"),
        ("storm --on im --reader-idle 1s", 2, "leave --on im out"),
        ("storm --on im --tls-cert x", 2, "--tls-key"),
        ("idle --connections 20", 2, "two numbers"),
        ("idle --connections 20,10", 2, "no slope"),
        ("idle --server floor", 2, "{reader_idle}"),
        ("idle --reader-idle 0s", 2, "above zero"),
        ("echo --depth 0", 2, "1..=1024"),
        ("echo --rate 0", 2, "above zero"),
        ("echo --time-limit 2h", 2, "at most 1h"),
        ("echo --duration 5s --time-limit 2s", 2, "raise --time-limit"),
        ("echo --connections 19000 --depth 1024", 2, "under way"),
        ("session --sessions 20", 2, "two numbers"),
        ("session --sessions 20,10", 2, "no slope"),
        ("send --connections 3", 2, "in pairs"),
        ("send --limits bench,bench", 2, "named twice"),
        ("send --data /dev/null", 1, "no folder"),
        ("fanout --beside mosquitto,mosquitto", 2, "named twice"),
        ("fanout --members 1", 2, "2..=5000"),
        ("resume --sessions 4000000000", 2, "ask for at most"),
        ("storm --server false", 1, "listening on"),
        ("storm --server echo", 1, "listening on"),
    ] {
        let output = bench(args);
        assert_eq!(output.status.code(), Some(code), "{args}: {}", complaint(&output));
        assert!(complaint(&output).contains(what), "{args}: {}", complaint(&output));
    }
}

#[test]
fn nobody_there_is_unreachable() {
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let output = bench(&format!("storm --connections 1 --target {gone}"));
    assert_eq!(output.status.code(), Some(3), "{}", complaint(&output));
    assert!(complaint(&output).contains("check that the server runs"), "{}", complaint(&output));
}

#[test]
fn the_time_limit_ends_a_silent_server() {
    // Connects succeed in the backlog, but nobody ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("its address");
    let mut benchmark = Command::new(env!("CARGO_BIN_EXE_keepline"))
        .args(["bench", "storm", "--connections", "3", "--time-limit", "300ms", "--target", &addr.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let start = Instant::now();
    while benchmark.try_wait().expect("its state").is_none() {
        if start.elapsed() > LONG {
            let _ = benchmark.kill();
            panic!("it runs on after {LONG:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = benchmark.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("the time limit of 300ms is over"), "{}", complaint(&output));
}
