//! cim's flaws of delayed messages, by number (docs/cim.md).

use std::time::Duration;

use keepline_server::clock::Clock as _;
use keepline_server::store::memory::Memory;

use super::{Post, node, text};
use crate::support::id;
use crate::support::wall::Wall;

/// A delay of over 64 s can be cancelled, those with the same delay are not cancelled with it, and a server that is
/// started anew has them still.
#[tokio::test(start_paused = true)]
async fn cim_flaw_36_a_delayed_message_is_cancelled_alone_and_outlives_the_server() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let before = node(store.clone(), &post, &wall).await;
    let (ann, due_ms) = (id("ann"), wall.now_ms() + 200_000);
    let mut made = Vec::new();
    for name in ["first", "second", "third"] {
        made.push(before.create(&ann, text(name), due_ms).await.unwrap());
    }
    tokio::time::sleep(Duration::from_secs(100)).await;
    before.cancel(&ann, &made[1]).await.unwrap();
    drop(before);
    let after = node(store.clone(), &post, &wall).await;
    let stored = post.stored(2).await;
    assert!(stored.iter().all(|stored| (due_ms..due_ms + 10).contains(&stored.at_ms)), "{stored:?} for {due_ms}");
    tokio::time::sleep(Duration::from_secs(200)).await;
    let mut texts = post.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["first", "third"]);
    drop(after);
}
