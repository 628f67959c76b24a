//! Scene: a server that takes the tokens of others, whoever signs them, and lines that log in with one.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::wire::im::{Im, framed};
use keepline_witness::request;
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData as _, SigningKey as _};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::super::keepline;
use crate::harness::{Folder, Host, PATIENCE, Process};

/// A server, with the file of its keys.
pub(super) struct Scene {
    keys: PathBuf,
    server: Process,
    told: Value,
    host: Host,
    folder: Folder,
}

/// Who signs tokens.
pub(super) struct Signer {
    kid: &'static str,
    key: KeyPair,
}

/// A line that is logged in.
pub(super) struct Line(TcpStream);

impl Signer {
    pub(super) fn new(kid: &'static str) -> Self {
        Self { kid, key: KeyPair::generate_for(&PKCS_ED25519).expect("a key") }
    }

    /// A JWT of this user's, with further claims.
    pub(super) fn token(&self, user: &str, claims: &Value) -> String {
        let mut all = json!({ "sub": user, "aud": "chat", "iss": "https://id.example" });
        for (name, value) in claims.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let header = json!({ "alg": "EdDSA", "kid": self.kid });
        let signed = [header, all].map(|part| text(part.to_string().as_bytes())).join(".");
        let signature = self.key.sign(signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", text(&signature))
    }

    fn public(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": text(self.key.der_bytes()) })
    }
}

impl Scene {
    #[track_caller]
    pub(super) fn new(name: &str, signers: &[&Signer], arguments: &str) -> Self {
        let folder = Folder::new(name);
        let keys = folder.path().join("jwks.json");
        fs::write(&keys, set(signers)).expect("a file");
        let free = "--http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin off --cim off --limits proxied --drain 0s";
        let tokens = "--token-keys jwks.json --token-audience chat --token-issuer https://id.example";
        let mut command = keepline(&format!("serve --json {free} {tokens} {arguments}"), &[]);
        command.current_dir(folder.path());
        let server = Process::spawn("keepline serve", command);
        let line = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
        let told = serde_json::from_str(&line.text).expect("JSON");
        Self { keys, server, told, host: Host::here(), folder }
    }

    /// Where the verbs find it.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address("http"))
    }

    /// What `/v1` answers to who shows this token.
    #[track_caller]
    pub(super) fn ask(&self, method: &'static str, path: &'static str, token: &str) -> (u16, Value) {
        let (http, token) = (self.address("http"), token.to_owned());
        let asked = self.host.run(async move { request(http, method, path, Some(&token), None).await });
        let answer = asked.unwrap_or_else(|error| panic!("{error}; {}", self.server.complaint()));
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// How many live sessions the token's user has.
    #[track_caller]
    pub(super) fn live(&self, token: &str) -> usize {
        let (status, sessions) = self.ask("GET", "/v1/sessions", token);
        assert_eq!(status, 200, "{sessions}");
        sessions.as_array().map_or(0, Vec::len)
    }

    /// A line that is let in with this token, or else what it heard.
    pub(super) fn log_in(&self, token: &str, device: &str) -> Result<Line, String> {
        let mut stream = TcpStream::connect(self.address("tcp")).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        let hello = v1::Hello { token: token.to_owned(), device: device.to_owned(), ..v1::Hello::default() };
        let frame = v1::Frame { magic: Dialect::MAGIC, body: Some(Body::Hello(hello)) };
        stream.write_all(&framed(&frame, Im::BEFORE_LOGIN).expect("it fits")).expect("an open socket");
        let mut heard = [0; 512];
        let length = stream.read(&mut heard).expect("an answer");
        let heard = String::from_utf8_lossy(&heard[..length]).into_owned();
        // The welcome names the node.
        if heard.contains("keepline") { Ok(Line(stream)) } else { Err(heard) }
    }

    /// The lines of the audit log with this action, once there are so many.
    #[track_caller]
    pub(super) fn audited(&self, action: &str, count: usize) -> Vec<Value> {
        let (path, by) = (self.folder.path().join("keepline-data/audit.log"), Instant::now() + PATIENCE);
        loop {
            let text = fs::read_to_string(&path).expect("an audit log");
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let lines: Vec<Value> = lines.filter(|line| line["action"] == action).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(Instant::now() < by, "{count} of {action} in {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Puts these keys in the file.
    pub(super) fn keys(&self, signers: &[&Signer]) {
        self.write(&set(signers));
    }

    pub(super) fn write(&self, text: &str) {
        fs::write(&self.keys, text).expect("a file");
    }

    /// Has it read its files again; its line about this.
    #[track_caller]
    pub(super) fn hangup(&self, about: &str) -> String {
        self.server.signal(Signal::HUP);
        self.server.err("an account of the reload", |line| line.contains(about))
    }

    fn address(&self, name: &str) -> SocketAddr {
        self.told[name].as_str().expect("an address").parse().expect("an address")
    }
}

impl Line {
    /// Whether nothing has come over it, its end neither.
    pub(super) fn is_up(&mut self) -> bool {
        self.0.set_nonblocking(true).expect("an open socket");
        let nothing = self.0.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        self.0.set_nonblocking(false).expect("an open socket");
        nothing
    }

    /// Waits for its end: when that was, since 1970, and what was said last.
    pub(super) fn end(mut self) -> (Duration, String) {
        let mut last = Vec::new();
        self.0.read_to_end(&mut last).expect("the end of the line");
        (since_1970(), String::from_utf8_lossy(&last).into_owned())
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    since_1970().as_secs()
}

pub(super) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

fn set(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.public()).collect::<Vec<_>>() }).to_string()
}

fn text(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
