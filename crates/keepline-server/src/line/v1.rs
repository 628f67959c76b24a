//! Version 1: what a line does with the frames of our own protocol.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use keepline::{Flow, Reason, Turn};
use keepline_proto::wire::im::v1::{self, frame::Body, hello::Role};
use keepline_proto::wire::im::{Frame, Im};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

pub(super) use keepline_proto::wire::im::v1::Hello;

use super::{Checking, Line, State, Terms, turn_away};
use crate::accounts::{AuthError, Identity};
use crate::conversation::Conversation;
use crate::delivery::{Draft, Receipt, SendError, Sender};
use crate::id::{DeviceId, MessageId};
use crate::message::Kind;
use crate::session::{Login, Resumed, Session, Speaks, Token, frame as framed};

impl Line {
    pub(super) fn on_hello(&mut self, frame: Frame<'_>, peer: Option<SocketAddr>, turn: &mut Turn<'_, Im>) -> Flow {
        let Ok(v1::Frame { body: Some(Body::Hello(mut hello)), .. }) = frame.v1() else {
            return Flow::Close(Reason::ProtocolError);
        };
        match Role::try_from(hello.role) {
            Ok(Role::Probe) => {
                self.state = State::Probe;
                let welcome = self.welcome(0, "", self.lines.settings.terms);
                let Some(frame) = framed(Body::Welcome(welcome)) else { return Flow::Close(Reason::ServerError) };
                turn.connection().push(frame).map_or(Flow::Close(Reason::SlowConsumer), |()| Flow::Continue)
            }
            Ok(Role::Session) => {
                // Before anything is spent on it.
                if let Err(refused) = self.lines.guard.token(peer.map(|peer| peer.ip())) {
                    return turn_away(refused, turn);
                }
                let (tell, answer) = oneshot::channel();
                let (accounts, connection) = (Arc::clone(&self.lines.accounts), turn.connection());
                let token = std::mem::take(&mut hello.token);
                let asking = tokio::spawn(async move {
                    // Nobody hears it where the line has ended.
                    let _ = tell.send(accounts.authenticate(&token).await);
                    connection.wake();
                });
                let _asking = AbortOnDropHandle::new(asking);
                self.state = State::Checking(Box::new(Checking { answer, hello, peer, _asking }));
                Flow::Pause
            }
            Err(_) => Flow::Close(Reason::ProtocolError),
        }
    }

    /// The token may have been looked up.
    pub(super) fn on_checked(&mut self, turn: &mut Turn<'_, Im>) -> Flow {
        let State::Checking(checking) = &mut self.state else { return Flow::Continue };
        let answer = match checking.answer.try_recv() {
            Ok(answer) => answer,
            Err(oneshot::error::TryRecvError::Empty) => return Flow::Continue,
            Err(oneshot::error::TryRecvError::Closed) => return Flow::Close(Reason::ServerError),
        };
        let (hello, peer) = (std::mem::take(&mut checking.hello), checking.peer);
        match answer {
            Ok(identity) => self.on_identity(identity, &hello, peer, turn),
            Err(AuthError::Refused) => {
                self.lines.guard.bad_token(peer.map(|peer| peer.ip()));
                Flow::Close(Reason::AuthFailed)
            }
            Err(error) => {
                tracing::warn!(%error, "a token can't be looked up");
                Flow::Close(Reason::ServerError)
            }
        }
    }

    fn on_identity(
        &mut self,
        identity: Identity,
        hello: &Hello,
        peer: Option<SocketAddr>,
        turn: &mut Turn<'_, Im>,
    ) -> Flow {
        let said = hello.device.parse::<DeviceId>();
        let device = match (identity.device, said) {
            (Some(its), Ok(said)) if its == said => its,
            (Some(its), Err(_)) if hello.device.is_empty() => its,
            (None, Ok(said)) => said,
            // A token of another device.
            (Some(_), Ok(_)) => return Flow::Close(Reason::AuthFailed),
            (_, Err(_)) => return Flow::Close(Reason::ProtocolError),
        };
        if let Err(refused) = self.lines.guard.login(&identity.user, &device) {
            return turn_away(refused, turn);
        }
        let Some(terms) = self.agree(hello.wish.as_ref(), turn) else { return Flow::Close(Reason::ServerError) };
        let welcome = self.welcome(0, identity.user.as_str(), terms);
        let token = Some(Token { proof: identity.proof, expires_ms: identity.expires_ms });
        let (user, connection) = (identity.user, turn.connection());
        let login = Login { user, device, speaks: Speaks::V1, connection, peer, token };
        self.enter(login, turn, |session| framed(Body::Welcome(v1::Welcome { session: session.get(), ..welcome })))
    }

    /// The terms from now on; `None` if the wished ones can't work.
    fn agree(&self, wish: Option<&v1::Terms>, turn: &mut Turn<'_, Im>) -> Option<Terms> {
        let ours = self.lines.settings.terms;
        let terms = wish.map_or(ours, |wish| ours.wished(wish, &self.lines.settings.limits));
        let heartbeat =
            if terms == ours { Arc::clone(&self.lines.heartbeat) } else { Arc::new(terms.heartbeat().ok()?) };
        turn.set_terms(heartbeat);
        let past = &self.lines.hub.environment().past;
        past.agreed(turn.connection().id(), (terms != ours).then(|| terms.to_wire()));
        Some(terms)
    }

    fn welcome(&self, session: u64, user: &str, terms: Terms) -> v1::Welcome {
        let environment = self.lines.hub.environment();
        v1::Welcome {
            session,
            epoch: environment.directory.epoch(),
            terms: Some(terms.to_wire()),
            user: user.to_owned(),
            node: self.lines.settings.node.clone(),
            durability: environment.store.durability().to_string(),
        }
    }

    pub(super) fn on_v1(&mut self, session: &Arc<Session>, frame: Frame<'_>, turn: &mut Turn<'_, Im>) -> Flow {
        let Ok(frame) = frame.v1() else { return Flow::Close(Reason::ProtocolError) };
        match frame.body {
            Some(Body::DeliverAck(ack)) => {
                let Ok(conversation) = ack.conversation.parse() else { return Flow::Close(Reason::ProtocolError) };
                return match session.ack(&conversation, ack.seq) {
                    Ok(()) => Flow::Continue,
                    Err(error) => {
                        tracing::info!(session = %session.id(), %conversation, %error, "a peer breaks the protocol");
                        Flow::Close(Reason::ProtocolError)
                    }
                };
            }
            Some(Body::Send(send)) => {
                let Some(answer) = turn.defer() else { return Flow::Close(Reason::ServerError) };
                self.send(session, send, answer);
            }
            Some(Body::Resume(resume)) => {
                let Ok(conversation) = resume.conversation.parse() else { return Flow::Close(Reason::ProtocolError) };
                return match session.resume(&conversation, resume.epoch, resume.seq) {
                    Resumed::Reset => self.keep_room(turn),
                    // Of a conversation that he was taken from while he was away, there is nothing to say.
                    Resumed::Fits | Resumed::NotMember => self.keep_pace(turn),
                };
            }
            Some(Body::ReadMark(mark)) => {
                let Ok(conversation) = mark.conversation.parse() else { return Flow::Close(Reason::ProtocolError) };
                session.read(&conversation, mark.seq);
            }
            Some(Body::Terms(wish)) => {
                let Some(terms) = self.agree(Some(&wish), turn) else { return Flow::Close(Reason::ServerError) };
                if let Some(frame) = framed(Body::Terms(terms.to_wire())) {
                    // A full outbox closes the line.
                    let _ = turn.connection().push(frame);
                }
                return self.keep_room(turn);
            }
            // Its own verdict, that nobody was here: it leaves as if its kernel had closed.
            Some(Body::Close(close)) if close.code == u32::from(Reason::Silent.code()) => {
                return Flow::Close(Reason::PeerClosed);
            }
            Some(Body::Close(_)) => return Flow::Close(Reason::Bye),
            // Of a later version: skipped.
            None => {}
            Some(_) => return Flow::Close(Reason::ProtocolError),
        }
        self.keep_pace(turn)
    }

    fn send(&self, session: &Arc<Session>, send: v1::Send, answer: keepline::Answer) {
        let id = send.message_id.clone();
        let sending = match draft(send) {
            Ok(draft) => {
                let sender = Sender { user: session.user().clone(), session: Some(Arc::clone(session)) };
                self.lines.delivery.send(sender, draft)
            }
            Err(error) => {
                if let Some(frame) = refused(id, &error) {
                    session.answer(answer, frame);
                }
                return;
            }
        };
        let session = Arc::clone(session);
        drop(tokio::spawn(async move {
            let frame = match sending.await {
                Ok(receipt) => acknowledged(id, receipt),
                Err(error) => refused(id, &error),
            };
            if let Some(frame) = frame {
                session.answer(answer, frame);
            }
        }));
    }
}

fn draft(send: v1::Send) -> Result<Draft, SendError> {
    let id = MessageId::try_from(&send.message_id[..])?;
    let conversation = send.conversation.parse::<Conversation>().map_err(|_| SendError::UnknownConversation)?;
    Ok(Draft { conversation, id, kind: Kind::from_number(send.kind), body: send.body })
}

fn acknowledged(message_id: Bytes, receipt: Receipt) -> Option<Bytes> {
    let Receipt { seq, duplicate, at_ms } = receipt;
    framed(Body::SendAck(v1::SendAck { message_id, seq, duplicate, at_ms }))
}

/// An id that is none is sent back only as far as one goes.
fn refused(mut message_id: Bytes, error: &SendError) -> Option<Bytes> {
    message_id.truncate(16);
    let (code, detail, retry) = (error.code().to_owned(), error.to_string(), error.is_retryable());
    framed(Body::SendRefused(v1::SendRefused { message_id, code, detail, retry }))
}
