//! History: pages and searches, for members and from their coming on.

use keepline_server::groups::Role;
use keepline_server::history::{Cursor, History, HistoryError, SEARCHED_BYTES, SEARCHED_RECORDS, Start};
use keepline_server::id::UserId;

use crate::stage::*;

const PAIR: &str = "p.ann.bob";

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn history(stage: &Stage) -> History {
    History::new(stage.hub.environment().clone())
}

#[tokio::test(start_paused = true)]
async fn pages_go_both_ways_and_end() {
    let stage = Stage::new(&["ann", "bob"]).await;
    for i in 1..=5 {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    stage.store.trim(&stage.log(PAIR), 1).await.unwrap();
    let (history, pair) = (history(&stage), PAIR.parse().unwrap());
    let table = [
        (Start::Before(u64::MAX), 3, vec![5, 4, 3], Some(Start::Before(3))),
        (Start::Before(3), 3, vec![2], None),
        (Start::Before(2), 3, vec![], None),
        (Start::After(0), 2, vec![2, 3], Some(Start::After(3))),
        (Start::After(3), 2, vec![4, 5], None),
        (Start::After(5), 2, vec![], None),
        (Start::After(4), 0, vec![5], None),
    ];
    for (start, limit, seqs, next) in table {
        let page = history.page(&user("bob"), &pair, start, limit).await.unwrap();
        let found: Vec<u64> = page.entries.iter().map(|entry| entry.seq).collect();
        assert_eq!((found, page.next), (seqs, next), "{start:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_members_read_and_only_from_their_coming_on() {
    let stage = Stage::new(&["ann", "bob", "eve"]).await;
    stage.group("team", &["ann"]).await;
    stage.say("ann", "g.team", "secret one").await.unwrap();
    stage.say("ann", PAIR, "secret pair").await.unwrap();
    let (history, team) = (history(&stage), "g.team".parse().unwrap());
    for conversation in [&team, &PAIR.parse().unwrap()] {
        let page = history.page(&user("eve"), conversation, Start::After(0), 10).await;
        assert_eq!(page, Err(HistoryError::NotMember), "{conversation}");
        let found = history.search(&user("eve"), "secret", Some(conversation), None, 10).await;
        assert_eq!(found, Err(HistoryError::NotMember), "{conversation}");
    }
    stage.groups.add(&user("ann"), &"team".parse().unwrap(), &user("eve"), Role::Member).await.unwrap();
    stage.say("ann", "g.team", "secret two").await.unwrap();
    for start in [Start::After(0), Start::Before(u64::MAX)] {
        let page = history.page(&user("eve"), &team, start, 10).await.unwrap();
        assert_eq!(page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2], "{start:?}");
        assert_eq!(page.next, None, "nothing more is there for her");
    }
    stage.told("g.team", 2).await;
    let found = history.search(&user("eve"), "SECRET", None, None, 10).await.unwrap();
    assert_eq!(found.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_search_goes_on_where_it_stopped_and_finds_each_once() {
    let stage = Stage::new(&["ann", "bob", "carl"]).await;
    let mut expected = Vec::new();
    for i in 1..=30_u64 {
        for conversation in ["p.ann.carl", PAIR] {
            let text = if i % 3 == 0 { format!("Äpfel {i}") } else { format!("Birnen {i}") };
            stage.say_as("ann", conversation, &format!("{conversation}{i}"), &text).await.unwrap();
            if i % 3 == 0 {
                expected.push((conversation.to_owned(), i));
            }
        }
    }
    stage.told("p.ann.carl", 30).await;
    stage.told(PAIR, 30).await;
    let history = history(&stage);
    for limit in [1, 4, 200] {
        let (mut found, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let part = history.search(&user("ann"), "äPFEL", None, cursor.as_ref(), limit).await.unwrap();
            assert!(part.entries.len() <= limit);
            found.extend(part.entries.iter().map(|entry| (entry.conversation.to_string(), entry.seq)));
            let Some(next) = part.next else { break };
            cursor = Some(next.to_string().parse().unwrap());
        }
        let newest_first = found.windows(2).all(|two| two[0].0 != two[1].0 || two[0].1 > two[1].1);
        assert!(newest_first, "{found:?}");
        found.sort();
        let mut expected = expected.clone();
        expected.sort();
        assert_eq!(found, expected, "limit {limit}");
    }
    for query in ["", &"x".repeat(257)] {
        assert_eq!(history.search(&user("ann"), query, None, None, 10).await, Err(HistoryError::BadQuery));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_looks_at_a_bounded_part() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let many = SEARCHED_RECORDS as u64 + 10;
    for i in 1..=many {
        stage.say("ann", PAIR, &format!("m{i}")).await.unwrap();
    }
    stage.told(PAIR, many).await;
    let history = history(&stage);
    let first = history.search(&user("ann"), "m1", Some(&PAIR.parse().unwrap()), None, 1).await.unwrap();
    assert_eq!(first.entries.len(), 1);
    let none = history.search(&user("ann"), "nothing", None, None, 10).await.unwrap();
    assert_eq!(none.entries, []);
    let rest = history.search(&user("ann"), "m1", None, none.next.as_ref(), 200).await.unwrap();
    let seqs: Vec<u64> = rest.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!((seqs, rest.next), (vec![10, 1], None), "what the first call did not look at");
}

/// A message may have sixty thousand bytes: two thousand of them are more than one answer is worth.
#[tokio::test(start_paused = true)]
async fn a_call_looks_at_a_bounded_number_of_bytes() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let (large, many) = ("x".repeat(50_000), SEARCHED_BYTES as u64 / 50_000 + 10);
    for i in 1..=many {
        stage.say_as("ann", PAIR, &format!("m{i}"), &large).await.unwrap();
    }
    stage.told(PAIR, many).await;
    let history = history(&stage);
    let (mut calls, mut cursor) = (1, None::<Cursor>);
    while let Some(next) = history.search(&user("ann"), "nothing", None, cursor.as_ref(), 10).await.unwrap().next {
        (calls, cursor) = (calls + 1, Some(next));
    }
    assert_eq!(calls, 2);
}

#[test]
fn a_cursor_is_one_of_ours_or_none() {
    for bad in ["", "7", "x.all", "7.nothing", ".all", "-1.all"] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
    }
}
