//! Crowded: every listener filled to its bound in a process that may have few files open.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::harness::{Host, Im, PATIENCE, People, hello, user};

/// The limit of open files: so few that a mistake of one listener's bound is over it.
const FILES: u32 = 512;
/// How many knock at each full listener.
const KNOCKING: usize = 20;

/// A client that has logged in.
#[track_caller]
fn login(to: SocketAddr, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    stream.write_all(&hello(token)).expect("it reads");
    assert_eq!(stream.read(&mut [0]).expect("a welcome"), 1, "there was room for it");
    stream
}

/// A request of which the rest does not come: for 30 s it has its connection.
#[track_caller]
fn half_a_request(to: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).expect("the kernel queues");
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    write!(stream, "{head}content-length: 100\r\n\r\n{{").expect("the kernel takes it");
    stream
}

#[test]
fn listeners_filled_to_their_bounds_leave_the_process_its_descriptors() {
    let told = |im: &Im, path: &str| im.told.pointer(path).and_then(serde_json::Value::as_u64).expect("a number");
    let count = |number: u64| usize::try_from(number).expect("a small number");
    let people = People::crowd(FILES as usize, &[]);
    let (im, home) = (Im::start_under(FILES, &people), Host::here());
    assert_eq!(told(&im, "/descriptors"), u64::from(FILES));
    let [lines, http, cim_http] =
        ["/connections", "/http_connections/http", "/http_connections/cim_http"].map(|path| count(told(&im, path)));

    let mut logged_in: Vec<_> = (0..lines).map(|i| login(im.server.tcp, people.token(&user(i)))).collect();
    let public: Vec<_> = (0..http).map(|_| half_a_request(im.server.http, "/v1/accounts")).collect();
    let push: Vec<_> = (0..cim_http).map(|_| half_a_request(im.cim_http, "/sendMsg")).collect();
    im.wait_for_metric(&home, "keepline_http_connections", "public", |count| count == http as u64);
    im.wait_for_metric(&home, "keepline_http_connections", "cim_push", |count| count == cim_http as u64);
    assert_eq!(im.sessions(&home), lines as u64);

    // The long connections that find no room are told so, HTTP's wait.
    for i in lines..lines + KNOCKING {
        let mut late = TcpStream::connect(im.server.tcp).expect("it listens");
        late.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        // It may be closed before this is written.
        let _ = late.write_all(&hello(people.token(&user(i))));
        let mut answer = Vec::new();
        late.read_to_end(&mut answer).expect("an end in order");
        assert!(String::from_utf8_lossy(&answer).contains("server_full"), "{answer:x?}");
    }
    let waiting: Vec<_> = (0..KNOCKING).map(|_| half_a_request(im.server.http, "/v1/accounts")).collect();
    im.wait_for_metric(&home, "keepline_connections_refused_total", "server_full", |count| count == KNOCKING as u64);
    im.wait_for_metric(&home, "keepline_http_connections", "public", |count| count == http as u64);

    let open = fs::read_dir(format!("/proc/{}/fd", im.pid().as_raw_nonzero())).expect("it runs").count();
    println!("{open} of {FILES} files open, with {lines} long connections, {http} and {cim_http} of HTTP");
    assert_eq!(im.metric(&home, "keepline_accept_errors_total", ""), 0);
    assert!(!im.complaint().contains("accept"), "{}", im.complaint());
    // Whoever is in is served, and a place that becomes free is given again.
    drop(logged_in.pop());
    im.wait_for_metric(&home, "keepline_connections ", "", |count| count == (lines - 1) as u64);
    logged_in.push(login(im.server.tcp, people.token(&user(lines))));
    for stream in &logged_in {
        stream.set_nonblocking(true).expect("an open socket");
        let mut byte = [0];
        let ended = matches!(stream.peek(&mut byte), Ok(0));
        assert!(!ended, "a line that was in was ended");
    }
    drop(waiting);
    drop((public, push));
    let served = TcpStream::connect(im.server.http).and_then(|mut stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).map(|()| answer)
    });
    assert_eq!(&served.expect("an answer"), b"HTTP/1.1 200");
    im.stop();
}

#[test]
fn what_does_not_fit_the_limit_of_open_files_is_refused_before_it_starts() {
    let serve = |script: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("{script} exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_keepline")]);
        command.args(["serve", "--memory", "--http", "127.0.0.1:0", "--tcp", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.arg("--cim-http").arg("127.0.0.1:0");
        command
    };
    let mut many = serve("ulimit -n 1000 &&");
    many.args(["--max-connections", "600"]);
    for (mut command, said) in [
        (many, "allow at most 560 long connections (--max-connections), or raise that limit (ulimit -n) to at least"),
        (serve("ulimit -n 300 &&"), "only 300 files may be open at one time, of which 256 are not for connections"),
    ] {
        let output = command.output().expect("it runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(said), "{complaint}");
        assert_eq!(output.status.code(), Some(2), "{complaint}");
    }
}
