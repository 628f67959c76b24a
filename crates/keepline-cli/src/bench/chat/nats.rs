//! As much of the NATS client protocol as a fan-out needs: CONNECT, SUB, PUB, MSG, PING.

use std::borrow::Cow;

use super::speech::{Cast, Heard, Message, Publish, Ready, Speech};

const SUBJECT: &str = "bench";

/// Clients of a NATS server: the first ones subscribe, and one behind them publishes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nats {
    /// How many subscribe.
    pub(super) members: usize,
}

impl Speech for Nats {
    /// Whether the PONG to the greeting has come.
    type Voice = bool;

    fn greet(&self, id: usize, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n");
        if id < self.members {
            out.extend_from_slice(format!("SUB {SUBJECT} 1\r\n").as_bytes());
        }
        // Its answer says that all before it is done.
        out.extend_from_slice(b"PING\r\n");
        false
    }

    fn hear<'a>(
        &self,
        ready: &mut bool,
        input: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, Heard<'a>)>, String> {
        let Some(end) = input.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let (line, behind) = (&input[..end], end + 2);
        let mut words = line.split(|byte| *byte == b' ');
        let heard = match words.next().unwrap_or_default() {
            b"MSG" => {
                let size = words.next_back().and_then(|word| std::str::from_utf8(word).ok()?.parse::<usize>().ok());
                let size = size.ok_or("a MSG without a size")?;
                let Some(body) = input.get(behind..behind + size + 2) else { return Ok(None) };
                let message = Message { conversation: String::new(), seq: 0, body: Cow::Borrowed(&body[..size]) };
                return Ok(Some((behind + size + 2, Heard::Message(message))));
            }
            b"PING" => {
                out.extend_from_slice(b"PONG\r\n");
                Heard::Nothing
            }
            b"PONG" if !*ready => {
                *ready = true;
                Heard::Ready(Ready::default())
            }
            b"PONG" | b"INFO" | b"+OK" => Heard::Nothing,
            b"-ERR" => Heard::farewell(String::from_utf8_lossy(line)),
            _ => return Err(format!("the NATS server said {:?}", String::from_utf8_lossy(line))),
        };
        Ok(Some((behind, heard)))
    }
}

impl Publish for Nats {
    fn cast(members: usize) -> Cast {
        Cast { connections: members + 1, publisher: members }
    }

    fn publish(&self, _: u64, body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(format!("PUB {SUBJECT} {}\r\n", body.len()).as_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_greets_and_one_that_publishes_does_not_subscribe() {
        let (nats, mut out) = (Nats { members: 1 }, Vec::new());
        assert!(!nats.greet(0, &mut out));
        assert_eq!(out, b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB bench 1\r\nPING\r\n");
        out.clear();
        nats.greet(1, &mut out);
        assert_eq!(out, b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n");
    }

    #[test]
    fn each_line_has_its_meaning() {
        for (line, want, answer) in [
            (&b"INFO {\"a\":1}\r\n"[..], Heard::Nothing, &b""[..]),
            (b"PING\r\n", Heard::Nothing, b"PONG\r\n"),
            (b"PONG\r\n", Heard::Ready(Ready::default()), b""),
            (b"-ERR 'Stale'\r\n", Heard::farewell("-ERR 'Stale'"), b""),
        ] {
            let mut out = Vec::new();
            assert_eq!(Nats { members: 1 }.hear(&mut false, line, &mut out), Ok(Some((line.len(), want))));
            assert_eq!(out, answer);
        }
        assert!(Nats { members: 1 }.hear(&mut false, b"HTTP/1.1 400\r\n", &mut Vec::new()).is_err());
    }

    #[test]
    fn a_message_is_heard_however_it_is_cut() {
        // A body may hold the line end, and another line's begin.
        let frame = b"MSG bench 1 8\r\n\r\nPING\r\n\r\n";
        for cut in 0..frame.len() {
            assert_eq!(Nats { members: 1 }.hear(&mut true, &frame[..cut], &mut Vec::new()), Ok(None), "cut at {cut}");
        }
        let message = Message { conversation: String::new(), seq: 0, body: Cow::Borrowed(&b"\r\nPING\r\n"[..]) };
        let heard = Nats { members: 1 }.hear(&mut true, frame, &mut Vec::new());
        assert_eq!(heard, Ok(Some((frame.len(), Heard::Message(message)))));
    }
}
