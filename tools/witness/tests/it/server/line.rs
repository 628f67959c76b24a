//! One line: login, messages in, messages out, until it ends or another session takes its place.

use std::collections::HashMap;
use std::sync::Arc;

use keepline_proto::Reason;
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::wire::im::{Accepts, Im, framed};
use keepline_proto::wire::{Codec, Decoded, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Shared, State, Stored};

/// Who speaks on a line.
struct Peer {
    user: String,
    device: String,
    session: u64,
    /// By conversation, the last message that was given to this line.
    given: HashMap<String, u64>,
}

/// The nonce of the ping that follows each login.
pub(crate) const PING: u32 = 0xdead_beef;

/// Why a line ends here.
struct Cut;

pub(super) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let (mut codec, mut input, mut output) = (Im::server(Accepts { cim: false }), Vec::new(), Vec::new());
    let mut peer = None;
    let mut changes = shared.changes.subscribe();
    loop {
        let end = turn(&mut codec, &mut input, &mut output, &mut peer, &shared).is_err();
        if shared.state().faults.mute {
            output.clear();
        }
        if stream.write_all(&output).await.is_err() || end {
            return;
        }
        output.clear();
        tokio::select! {
            read = stream.read_buf(&mut input) => if !matches!(read, Ok(1..)) { return },
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

/// Takes all that has come, and gives all that there is.
fn turn(
    codec: &mut Im,
    input: &mut Vec<u8>,
    output: &mut Vec<u8>,
    peer: &mut Option<Peer>,
    shared: &Shared,
) -> Result<(), Cut> {
    loop {
        let (bytes, body) = match codec.decode(input).map_err(|_| Cut)? {
            Decoded::Partial { .. } => break,
            Decoded::Skip { bytes, .. } => (bytes, None),
            Decoded::Frame { bytes, message: Message::Data(frame) } => (bytes, frame.v1().map_err(|_| Cut)?.body),
            Decoded::Frame { bytes, message: Message::Ping(nonce) } => {
                codec.pong(nonce, output);
                shared.state().pings += 1;
                shared.changed();
                (bytes, None)
            }
            Decoded::Frame { bytes, message: Message::Pong(nonce) } => {
                shared.state().pongs.extend(nonce);
                shared.changed();
                (bytes, None)
            }
        };
        input.drain(..bytes);
        match (body, peer.as_mut()) {
            (Some(Body::Hello(hello)), None) => {
                codec.set_limit(Im::AFTER_LOGIN);
                *peer = Some(login(&hello, output, shared)?);
                codec.ping(Some(PING), output);
            }
            (Some(body), Some(peer)) => take(body, peer, output, shared)?,
            _ => {}
        }
    }
    peer.as_mut().map_or(Ok(()), |peer| give(peer, output, shared))
}

fn login(hello: &v1::Hello, output: &mut Vec<u8>, shared: &Shared) -> Result<Peer, Cut> {
    let known = hello.token.split_once('/').filter(|(_, device)| *device == hello.device);
    let Some((user, device)) = known else {
        close(Reason::AuthFailed, output);
        return Err(Cut);
    };
    let mut state = shared.state();
    state.sessions += 1;
    let session = state.sessions;
    let epoch = state.epoch;
    state.live.insert((user.to_owned(), device.to_owned()), session);
    drop(state);
    shared.changed();
    let terms = Some(v1::Terms { ping_after_ms: 200, silence_ms: 0 });
    say(Body::Welcome(v1::Welcome { session, epoch, terms, node: "fake".to_owned(), ..Default::default() }), output);
    Ok(Peer { user: user.to_owned(), device: device.to_owned(), session, given: HashMap::new() })
}

fn take(body: Body, peer: &mut Peer, output: &mut Vec<u8>, shared: &Shared) -> Result<(), Cut> {
    match body {
        Body::Send(send) => {
            let answer = shared.state().store(peer, &send);
            shared.changed();
            say(answer?, output);
        }
        Body::DeliverAck(ack) => {
            let key = (peer.user.clone(), peer.device.clone(), ack.conversation);
            let mut state = shared.state();
            let cursor = state.cursors.entry(key).or_default();
            *cursor = ack.seq.max(*cursor);
        }
        Body::Resume(resume) => {
            shared.state().resumes.push((resume.conversation.clone(), resume.epoch, resume.seq));
            peer.given.insert(resume.conversation, resume.seq);
        }
        Body::Close(_) => return Err(Cut),
        _ => {}
    }
    Ok(())
}

impl State {
    fn store(&mut self, peer: &Peer, send: &v1::Send) -> Result<Body, Cut> {
        self.sent += 1;
        let hit = |every: u64| every > 0 && self.sent.is_multiple_of(every);
        let faults = self.faults;
        let (cut_before, cut_after) = (hit(faults.cut_before), hit(faults.cut_after));
        let (conversation, message_id) = (send.conversation.clone(), send.message_id.clone());
        if hit(faults.refuse) || hit(faults.put_off) {
            let (code, retry) = ("refused".to_owned(), hit(faults.put_off));
            return Ok(Body::SendRefused(v1::SendRefused { message_id, code, retry, ..Default::default() }));
        }
        let ack = |seq, duplicate| {
            Body::SendAck(v1::SendAck { message_id: send.message_id.clone(), seq, duplicate, at_ms: 0 })
        };
        let id = (conversation.clone(), message_id.to_vec());
        if let Some(seq) = self.ids.get(&id).filter(|_| !faults.forget_ids) {
            return Ok(ack(*seq, true));
        }
        let seq = self.logs.get(&conversation).map_or(0, Vec::len) as u64 + 1;
        if cut_before {
            return Err(Cut);
        }
        if hit(faults.ack_only) {
            return Ok(ack(seq, false));
        }
        self.ids.insert(id, seq);
        let (sender, body) = (peer.user.clone(), send.body.clone());
        let message =
            v1::Deliver { conversation: conversation.clone(), seq, sender, message_id, body, ..Default::default() };
        self.logs.entry(conversation).or_default().push(Stored { device: peer.device.clone(), message });
        if cut_after { Err(Cut) } else { Ok(ack(seq, false)) }
    }
}

/// Gives the peer what it does not have, and ends it if a later session is open.
fn give(peer: &mut Peer, output: &mut Vec<u8>, shared: &Shared) -> Result<(), Cut> {
    let state = shared.state();
    let live = state.live.get(&(peer.user.clone(), peer.device.clone()));
    if live != Some(&peer.session) && !state.faults.no_fence {
        close(Reason::Replaced, output);
        return Err(Cut);
    }
    for (conv, log) in &state.logs {
        if !conv.split('.').skip(1).any(|user| user == peer.user) {
            continue;
        }
        let key = (peer.user.clone(), peer.device.clone(), conv.clone());
        let given = peer.given.entry(conv.clone()).or_insert_with(|| state.cursors.get(&key).copied().unwrap_or(0));
        let from = usize::try_from(*given).expect("a test's log fits");
        for Stored { device, message } in log.iter().skip(from) {
            let hit = |every: u64| every > 0 && message.seq.is_multiple_of(every);
            // A device has what it sent itself.
            if !hit(state.faults.skip) && (message.sender != peer.user || *device != peer.device) {
                let (conversation, from, to) = (conv.clone(), message.seq, message.seq);
                let gone = hit(state.faults.say_gone).then_some(Body::Gap(v1::Gap { conversation, from, to }));
                say(gone.unwrap_or_else(|| Body::Deliver(message.clone())), output);
            }
            *given = message.seq;
        }
    }
    Ok(())
}

fn close(reason: Reason, output: &mut Vec<u8>) {
    let (code, reason) = (reason.code().into(), reason.name().to_owned());
    say(Body::Close(v1::Close { code, reason, retry_after_ms: 0 }), output);
}

fn say(body: Body, output: &mut Vec<u8>) {
    let frame = v1::Frame { magic: 0, body: Some(body) };
    output.extend_from_slice(&framed(&frame, Im::AFTER_LOGIN).expect("a frame within the limit"));
}
