//! What cim's endpoints leave in the audit log: their clients prove nothing, so an address is all there is to find them by.

use serde_json::{Value, json};

use super::cim_line::CimLine;
use super::fixture::Fixture;
use crate::store::engine::Folder;

#[tokio::test]
async fn users_of_cims_and_sessions_that_they_end_are_noted() {
    let folder = Folder::new();
    let path = folder.path().join("audit.log");
    let server = Fixture::configured(true, |config| config.audit = Some(path.clone())).await;
    let zs = server.cim_user("zs").await;
    assert_eq!(server.cim_user("zs").await, zs, "who is there is not made again");
    let mut line = CimLine::login(&server, zs, "zs").await;
    assert_eq!(server.cim("/offLine", &json!({ "userId": zs }).to_string()).await.code(), "9000");
    assert!(line.next().await.is_none());
    server.services().audit().flush().await;
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<String> =
        lines.map(|line| format!("{} {} {}", line["actor"], line["action"], line["object"])).collect();
    let of = |action: &str| told.iter().filter(|line| line.contains(action)).cloned().collect::<Vec<_>>();
    assert_eq!(of("account.create"), [format!("\"cim-{zs}\" \"account.create\" \"zs\"")]);
    let kicks = of("kick");
    assert!(kicks.len() == 1 && kicks[0].contains(&format!(" of cim-{zs}, ")), "{told:?}");
}
