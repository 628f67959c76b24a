//! Accounts and tokens over HTTP.

use keepline_witness::{AccountError, Ended, Options, Witness, private, request};

use crate::folder::Folder;
use crate::server::{Fake, Faults};
use crate::soon;

#[tokio::test]
async fn an_account_is_made_once_and_a_token_opens_a_session() {
    let fake = Fake::start(Faults::default()).await;
    soon("the account", fake.server.register("ann", "secret")).await.expect("a new user");
    let again = soon("the answer", fake.server.register("ann", "secret")).await;
    assert!(matches!(again, Err(AccountError::Refused { status: 409, .. })), "{again:?}");
    let stranger = soon("the answer", fake.server.token("bob", "secret", "phone")).await;
    assert!(matches!(stranger, Err(AccountError::Refused { status: 401, .. })), "{stranger:?}");

    let token = soon("the token", fake.server.token("ann", "secret", "phone")).await.expect("a token");
    let folder = Folder::new("accounts");
    let options = Options::new(fake.server.tcp, "ann", "phone", &token);
    let ann = soon("the login", Witness::connect(options, &folder.history("p"))).await.expect("a good token");
    assert_eq!(ann.seen().logins, 1);
}

#[tokio::test]
async fn a_wrong_token_ends_the_witness_with_the_servers_word() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("wrong-token");
    let options = Options::new(fake.server.tcp, "ann", "phone", "made up");
    let refused = soon("the refusal", Witness::connect(options, &folder.history("p"))).await;
    let Err(Ended { reason, .. }) = refused else { panic!("logged in with a wrong token") };
    assert_eq!(reason, "auth_failed");
    let phases: Vec<String> = folder.records("p").iter().map(|r| format!("{:?} {:?}", r.op, r.phase)).collect();
    assert_eq!(phases, ["Login Invoke", "Login Fail"]);
}

#[tokio::test]
async fn an_http_request_without_a_listener_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = listener.local_addr().expect("its address");
    drop(listener);
    assert!(soon("the refusal", request(nobody, "GET", "/", None, None)).await.is_err());
}

#[test]
fn a_private_conversation_has_one_name() {
    assert_eq!(private("bob", "ann"), "p.ann.bob");
    assert_eq!(private("ann", "bob"), "p.ann.bob");
}
