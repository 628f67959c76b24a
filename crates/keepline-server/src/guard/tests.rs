//! Tests of the guard: who is let through, who is not, and for how long.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::advance;

use super::*;

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn home(last: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(127, 0, 0, last).into())
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Tries so often with a wrong password; how many were let through.
fn wrong(guard: &Arc<Guard>, name: &str, address: Option<IpAddr>, tries: usize) -> usize {
    (0..tries).filter(|_| guard.attempt(&user(name), address).map(Attempt::failed).is_ok()).count()
}

fn right(guard: &Arc<Guard>, name: &str, address: Option<IpAddr>) -> Result<(), Duration> {
    guard.attempt(&user(name), address).map(Attempt::passed).map_err(|refused| refused.retry_after)
}

#[tokio::test(start_paused = true)]
async fn a_user_is_banned_from_where_he_fails_and_from_nowhere_else() {
    let guard = Guard::new(GuardLimits::default());
    assert_eq!(wrong(&guard, "ann", home(1), 100), 5);
    assert_eq!(right(&guard, "ann", home(1)), Err(secs(300)), "the right password is not looked at");
    assert_eq!(right(&guard, "ann", home(2)), Ok(()), "her own place");
    assert_eq!(right(&guard, "bob", home(1)), Ok(()), "another at that place");
    advance(secs(299)).await;
    assert_eq!(right(&guard, "ann", home(1)), Err(secs(1)));
    advance(secs(1)).await;
    assert_eq!(right(&guard, "ann", home(1)), Ok(()));
    assert_eq!(wrong(&guard, "ann", home(1), 4), 4);
    assert_eq!(right(&guard, "ann", home(1)), Ok(()));
    assert_eq!(wrong(&guard, "ann", home(1), 4), 4, "who has found his password begins anew");
}

#[tokio::test(start_paused = true)]
async fn an_address_is_banned_however_many_users_it_tries() {
    let guard = Guard::new(GuardLimits::default());
    let through: usize = (0..100).map(|i| wrong(&guard, &format!("u{i}"), home(1), 1)).sum();
    assert_eq!(through, 30);
    assert_eq!(right(&guard, "own", home(1)), Err(secs(300)));
    assert_eq!(right(&guard, "own", home(2)), Ok(()));
    assert_eq!(guard.token(home(1)), Err(Refused { retry_after: secs(300) }), "nor with a token");
    assert_eq!(guard.token(home(2)), Ok(()));
    advance(secs(300)).await;
    // An account of one's own does not pay for what one does to others.
    for i in 0..15 {
        assert_eq!(wrong(&guard, &format!("v{i}"), home(1), 2), 2);
        assert_eq!(right(&guard, "own", home(1)).is_ok(), i < 14, "{i}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_tokens_count_for_their_address_and_good_ones_for_nobody() {
    let guard = Guard::new(GuardLimits::default());
    for _ in 0..30 {
        assert_eq!(guard.token(home(1)), Ok(()));
        guard.bad_token(home(1));
    }
    assert!(guard.token(home(1)).is_err());
    assert!(right(&guard, "ann", home(1)).is_err());
    for _ in 0..1000 {
        assert_eq!(guard.token(home(2)), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn who_fails_slowly_is_never_banned_and_what_broke_was_no_attempt() {
    let guard = Guard::new(GuardLimits::default());
    for i in 0..100 {
        assert_eq!(wrong(&guard, "ann", home(1), 1), 1, "{i}");
        advance(secs(15)).await;
    }
    for _ in 0..100 {
        drop(guard.attempt(&user("ann"), home(1)).unwrap());
    }
    assert_eq!(right(&guard, "ann", home(1)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_device_logs_in_fifteen_times_a_minute() {
    let guard = Guard::new(GuardLimits::default());
    let (ann, phone) = (user("ann"), "phone".parse().unwrap());
    for _ in 0..15 {
        assert_eq!(guard.login(&ann, &phone), Ok(()));
        advance(secs(2)).await;
    }
    for _ in 0..100 {
        assert_eq!(guard.login(&ann, &phone), Err(Refused { retry_after: secs(30) }), "and does not pay for asking");
    }
    assert_eq!(guard.login(&ann, &"tablet".parse().unwrap()), Ok(()));
    advance(secs(30)).await;
    assert_eq!(guard.login(&ann, &phone), Ok(()));
    assert!(guard.login(&ann, &phone).is_err(), "one for the one that is over");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_for_one_minute_one_address_and_one_time() {
    let guard = Guard::new(GuardLimits::default());
    assert!(!guard.take_ticket(1, home(1)), "none");
    guard.give_ticket(1, home(1));
    assert!(!guard.take_ticket(2, home(1)), "another's");
    assert!(!guard.take_ticket(1, home(2)), "from another address, which takes nothing away");
    assert!(guard.take_ticket(1, home(1)));
    assert!(!guard.take_ticket(1, home(1)), "a second time");
    guard.give_ticket(1, home(1));
    guard.give_ticket(1, home(2));
    assert!(!guard.take_ticket(1, home(1)), "the newer counts");
    advance(secs(60)).await;
    assert!(!guard.take_ticket(1, home(2)), "too late");
    guard.give_ticket(1, home(1));
    advance(secs(59)).await;
    assert!(guard.take_ticket(1, home(1)));
    assert!(Guard::new(GuardLimits::off()).take_ticket(9, None));
}

#[tokio::test(start_paused = true)]
async fn without_limits_nobody_is_ever_refused() {
    let guard = Guard::new(GuardLimits::off());
    assert_eq!(wrong(&guard, "ann", home(1), 1000), 1000);
    for _ in 0..1000 {
        assert_eq!(guard.login(&user("ann"), &"phone".parse().unwrap()), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_counts_for_all_that_its_subscriber_has() {
    let table = [
        ("2001:db8::1", "2001:db8::2:3", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
    ];
    for (one, other, is_one) in table {
        let guard = Guard::new(GuardLimits::default());
        let [one, other] = [one, other].map(|text| Some(text.parse::<IpAddr>().unwrap()));
        assert_eq!(wrong(&guard, "ann", one, 5), 5);
        assert_eq!(right(&guard, "ann", other).is_err(), is_one, "a user from {one:?} and {other:?}");
        guard.give_ticket(1, one);
        assert_eq!(guard.take_ticket(1, other), is_one, "a ticket of {one:?} at {other:?}");
        for _ in 0..30 {
            guard.bad_token(one);
        }
        assert_eq!(guard.token(other).is_err(), is_one, "{one:?} and {other:?}");
    }
}

/// Fewer than a device has had already: it is told when enough of them are over, and not when the first is.
#[tokio::test(start_paused = true)]
async fn who_has_logged_in_more_often_than_a_new_limit_allows_is_told_when_to_come() {
    let guard = Guard::new(GuardLimits::default());
    let (ann, phone) = (user("ann"), "phone".parse().unwrap());
    for _ in 0..10 {
        assert_eq!(guard.login(&ann, &phone), Ok(()));
        advance(secs(1)).await;
    }
    let logins_of_device = Some(LoginLimit { logins: 3, within: secs(60) });
    guard.set_limits(GuardLimits { logins_of_device, ..GuardLimits::default() });
    assert_eq!(guard.login(&ann, &phone), Err(Refused { retry_after: secs(57) }));
    advance(secs(57)).await;
    assert_eq!(guard.login(&ann, &phone), Ok(()));
}
