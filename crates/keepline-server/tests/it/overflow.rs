//! A user who is away longer than his conversation is kept: what is gone is told, and nothing else is missing (E8).

use std::sync::Arc;

use keepline_server::clock::System;
use keepline_server::retention::{Limits, Retention};

use crate::stage::*;

#[tokio::test(start_paused = true)]
async fn e8_what_overflows_while_a_user_is_away_is_told_as_one_gap() {
    const SAID: u64 = 5_000;
    const KEPT: u64 = 1_000;
    let stage = Stage::new(&["ann", "bob"]).await;
    let mut limits = Limits::default();
    limits.records = KEPT;
    let retention = Retention::new(Arc::clone(&stage.store), Arc::new(System), limits);
    let mut dropped = 0;
    for seq in 1..=SAID {
        stage.say("ann", "p.ann.bob", &seq.to_string()).await.unwrap();
        if seq % 1_700 == 0 {
            dropped += retention.pass().await.unwrap().records;
        }
    }
    dropped += retention.pass().await.unwrap().records;
    assert_eq!(dropped, SAID - KEPT);
    let mut bob = stage.login("bob", "phone").await;
    let (mut told, mut heard) = (0, Vec::new());
    while heard.len() < KEPT as usize {
        match bob.next().await {
            Some(Body::Gap(gap)) => told += gap.to - gap.from + 1,
            Some(Body::Deliver(deliver)) => {
                heard.push(deliver.seq);
                bob.ack("p.ann.bob", deliver.seq).await;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, dropped, "as many are told as were dropped");
    assert_eq!(heard, (SAID - KEPT + 1..=SAID).collect::<Vec<_>>());
}
