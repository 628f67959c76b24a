//! What is sent on each line, and what an answer does.

use std::time::Duration as StdDuration;

use keepline::im::{Kind, SendState, Sending};
use keepline::wire::im::v1::{self, frame::Body};

use super::server::{Server, chat, options};
use crate::client_net::settle;

fn ack(message_id: &[u8], seq: u64) -> Body {
    Body::SendAck(v1::SendAck { message_id: message_id.to_vec().into(), seq, duplicate: false, at_ms: 1 })
}

fn texts(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| number.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_line_begins_with_what_was_not_answered_in_order_and_with_the_same_ids() {
    let (chat, _events, mut net) = chat(options());
    let sendings: Vec<Sending> =
        texts(0, 40).into_iter().map(|text| chat.send("all", Kind::Text, text).unwrap()).collect();
    let mut server = Server::welcome(&mut net, 1).await;
    let mut first = Vec::new();
    for text in texts(0, 32) {
        let (id, said) = server.sent().await;
        assert_eq!(said, text);
        first.push(id);
    }
    assert!(server.hears_nothing_for(StdDuration::from_secs(20)).await, "a window of 32");
    assert_eq!(sendings[31].state(), SendState::OnItsWay);
    assert_eq!(sendings[32].state(), SendState::Waiting);
    server.say(ack(&first[1], 2)).await;
    assert_eq!(server.sent().await.1, "32");
    drop(server);
    let mut server = Server::welcome(&mut net, 1).await;
    for (place, text) in texts(0, 33).into_iter().enumerate().filter(|(place, _)| *place != 1) {
        let (id, said) = server.sent().await;
        assert_eq!((&*said, id), (&*text, sendings[place].id().to_bytes().to_vec()));
    }
    assert_eq!(chat.sends().len(), 39);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_on_its_way_when_the_line_ended_counts() {
    let (chat, _events, mut net) = chat(options());
    let sending = chat.send("all", Kind::Text, "hello").unwrap();
    let mut server = Server::welcome(&mut net, 1).await;
    let (id, _) = server.sent().await;
    server.say(ack(&id, 7)).await;
    drop(server);
    assert_eq!(sending.await.unwrap().seq, 7);
    let mut server = Server::welcome(&mut net, 1).await;
    assert!(server.hears_nothing_for(StdDuration::from_secs(10)).await, "it is not sent again");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_put_off_goes_again_later_on_the_same_line() {
    let (chat, _events, mut net) = chat(options());
    let sending = chat.send("all", Kind::Text, "hello").unwrap();
    let mut server = Server::welcome(&mut net, 1).await;
    for wait in [200, 400, 800] {
        let (id, _) = server.sent().await;
        let (message_id, code) = (id.clone().into(), "unavailable".to_owned());
        let refused = v1::SendRefused { message_id, code, detail: String::new(), retry: true };
        server.say(Body::SendRefused(refused)).await;
        settle().await;
        assert!(matches!(sending.state(), SendState::PutOff(refusal) if refusal.code == "unavailable"));
        assert!(server.hears_nothing_for(StdDuration::from_millis(wait - 5)).await, "{wait} ms");
    }
    let (id, _) = server.sent().await;
    server.say(ack(&id, 1)).await;
    assert_eq!(sending.await.unwrap().seq, 1);
}
