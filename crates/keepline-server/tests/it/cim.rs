//! cim's dialects on the line: what its clients are sent, and when that counts as delivered.

use keepline_proto::wire::dialect::Dialect;
use keepline_server::line::LineSettings;

use crate::stage::*;

/// A stage with cim's dialects on, and two of its users with their numbers.
async fn stage() -> (Stage, i64, i64) {
    let lines = LineSettings { cim: true, ..Setting::default().lines };
    let stage = Stage::set(Setting { lines, ..Setting::default() }, &["ann"]).await;
    let (zs, _) = stage.accounts.cim().register("zs").await.unwrap();
    let (ls, _) = stage.accounts.cim().register("ls").await.unwrap();
    (stage, zs, ls)
}

fn pair(one: i64, other: i64) -> String {
    let mut users = [format!("cim-{one}"), format!("cim-{other}")];
    users.sort();
    format!("p.{}.{}", users[0], users[1])
}

#[tokio::test]
async fn a_message_is_shown_with_its_sender_and_marked_once_the_kernel_has_it() {
    let (stage, zs, ls) = stage().await;
    let port = stage.listen();
    for (dialect, text, command) in [(Dialect::Cim21, "hi", 1), (Dialect::Cim1, "ls:hi", 2)] {
        let mut peer = port.cim(dialect, zs, "zs").await;
        eventually("he is online", || stage.is_online(&format!("cim-{zs}"))).await;
        eventually("he is caught up", || stage.is_quiet()).await;
        let pair = pair(zs, ls);
        let sent = stage.say(&format!("cim-{ls}"), &pair, "hi").await;
        let seq = match sent {
            Ok(receipt) if !receipt.duplicate => receipt.seq,
            _ => stage.say_as(&format!("cim-{ls}"), &pair, "again", "hi").await.unwrap().seq,
        };
        let frame = peer.next_of_cim().await.unwrap();
        assert_eq!((frame.text.as_str(), frame.id, frame.command), (text, zs, command), "{dialect}");
        if dialect == Dialect::Cim21 {
            let expected =
                [("receiveUserId", zs.to_string()), ("sendUserId", ls.to_string()), ("sendUserName", "ls".into())];
            let expected = expected.map(|(key, value)| (key.to_owned(), value));
            assert_eq!(frame.properties.into_iter().collect::<Vec<_>>(), expected);
        }
        eventually("it is marked as delivered", || stage.is_quiet()).await;
        assert_eq!(stage.marks(&format!("cim-{zs}"), "cim").await, [(format!("m.{pair}"), seq)]);
    }
}
