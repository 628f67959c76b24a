//! Accounts: names, passwords, tokens, and what calls them back.

use keepline_server::accounts::{AccountError, Accounts, AuthError, Hashing};
use keepline_server::id::{DeviceId, UserId};
use keepline_server::store::memory::Memory;

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn device(name: &str) -> DeviceId {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_password_gives_a_token_and_a_token_tells_who_it_is() {
    let accounts = Accounts::load(Memory::new(), Hashing::cheapest()).await.unwrap();
    accounts.create(user("ann"), "correct horse").await.unwrap();
    let token = accounts.issue(&user("ann"), "correct horse", device("phone")).await.unwrap();
    let identity = accounts.authenticate(&token.text).await.unwrap();
    assert_eq!((identity.user, identity.device), (user("ann"), Some(device("phone"))));
    accounts.revoke(token.id).await.unwrap();
    assert_eq!(accounts.authenticate(&token.text).await, Err(AuthError::Refused));
    assert_eq!(accounts.create(user("ann"), "correct horse").await, Err(AccountError::Taken));
}
