//! Tests of the app: keys and answers in, effects and what is asked out.

use std::time::Duration;

use super::super::fixture::picture;
use super::*;
use crate::api::{LiveSessions, Order, SortBy};

/// An app with a screen of five rows, that was told of so many sessions.
fn app_with(total: u64, read_only: bool) -> App {
    let list = List::new(SortBy::Silent, Order::Descending, String::new());
    let mut app = App::new("http://127.0.0.1:8084".to_owned(), read_only, list);
    assert_eq!(app.update(Event::Sized { rows: 5 }, 0), Effect::Ask);
    let _ = answer(&mut app, total, 0);
    app
}

fn app(total: u64) -> App {
    app_with(total, false)
}

/// Answers what is asked: users `u0` and so on, whatever the order.
fn answer(app: &mut App, total: u64, at_ms: u64) -> Effect {
    let query = app.question().page;
    let picture = picture(total, query.offset as u64, query.limit.unwrap() as u64);
    app.update(Event::News(News::Picture(Box::new(picture))), at_ms)
}

fn press(app: &mut App, keys: &[Key]) -> Effect {
    keys.iter().fold(Effect::None, |_, key| app.update(Event::Key(*key), 1_000))
}

fn type_in(app: &mut App, text: &str) -> Effect {
    text.chars().fold(Effect::None, |_, c| app.update(Event::Key(Key::Char(c)), 1_000))
}

/// The first row of the screen, and the cursor's user.
fn place(app: &App) -> (usize, Option<String>) {
    (app.list.top(), app.under_cursor().map(|one| one.user))
}

#[test]
fn the_cursor_moves_the_screen_and_asks_for_what_is_near_it() {
    let mut app = app(20_000);
    for (key, top, cursor, effect) in [
        (Key::Up, 0, 0, Effect::None),
        (Key::Down, 0, 1, Effect::None),
        (Key::PageDown, 2, 6, Effect::None),
        (Key::PageDown, 7, 11, Effect::Ask),
        (Key::Home, 0, 0, Effect::Ask),
        (Key::End, 19_995, 19_999, Effect::Ask),
        (Key::Down, 19_995, 19_999, Effect::None),
        (Key::PageUp, 19_994, 19_994, Effect::Ask),
    ] {
        assert_eq!(press(&mut app, &[key]), effect, "{key:?}");
        let _ = answer(&mut app, 20_000, 0);
        assert_eq!(place(&app), (top, Some(format!("u{cursor}"))), "{key:?}");
        let page = app.question().page;
        assert!(page.limit == Some(15) && page.offset <= top && top + 5 <= page.offset + 15, "{key:?}: {page:?}");
    }
}

#[test]
fn a_list_that_becomes_shorter_takes_the_cursor_along() {
    let mut app = app(30);
    let _ = press(&mut app, &[Key::End]);
    let _ = answer(&mut app, 30, 0);
    assert_eq!(place(&app), (25, Some("u29".to_owned())));
    assert_eq!(answer(&mut app, 3, 0), Effect::Ask, "another part is on the screen");
    let _ = answer(&mut app, 3, 0);
    assert_eq!(place(&app), (0, Some("u2".to_owned())));
    let _ = answer(&mut app, 0, 0);
    assert_eq!((place(&app), press(&mut app, &[Key::Enter])), ((0, None), Effect::None));
    assert_eq!((press(&mut app, &[Key::Char('k')]), app.mode.clone()), (Effect::None, Mode::List), "nobody is there");
}

#[test]
fn the_cursor_stays_on_who_it_is_on_while_the_order_changes() {
    let mut app = app(4);
    let _ = press(&mut app, &[Key::Down]);
    let mut turned = picture(4, 0, 15);
    turned.page.sessions.reverse();
    let _ = app.update(Event::News(News::Picture(Box::new(turned))), 0);
    assert_eq!((app.list.cursor(), place(&app)), (2, (0, Some("u1".to_owned()))));
    let page = LiveSessions { sessions: picture(1, 0, 1).page.sessions, total: 1 };
    let _ = app.update(Event::News(News::Picture(Box::new(Picture { page, ..Picture::default() }))), 0);
    assert_eq!(place(&app).1, Some("u0".to_owned()), "who has gone is not looked for");
}

#[test]
fn columns_are_sorted_by_by_their_place_and_turned_round() {
    let mut app = app(100);
    let by = |app: &App| (app.question().page.sort, app.question().page.order);
    let (up, down) = (Some(Order::Ascending), Some(Order::Descending));
    assert_eq!(by(&app), (SortBy::Silent, down));
    for (key, expected) in [
        (Key::Right, (SortBy::Rtt, down)),
        (Key::Left, (SortBy::Silent, down)),
        (Key::Char('1'), (SortBy::User, up)),
        (Key::Char('r'), (SortBy::User, down)),
        (Key::Left, (SortBy::Session, up)),
        (Key::Right, (SortBy::User, up)),
        (Key::Char('7'), (SortBy::BytesOut, down)),
    ] {
        assert_eq!((press(&mut app, &[key]), by(&app)), (Effect::Ask, expected), "{key:?}");
    }
    assert_eq!(press(&mut app, &[Key::Char('0')]), Effect::None);
    let _ = press(&mut app, &[Key::End, Key::Char('2')]);
    assert_eq!(app.list.top(), 0, "another order begins at its first");
}

#[test]
fn a_filter_is_asked_for_as_it_is_typed_kept_by_enter_and_taken_back_by_escape() {
    let mut app = app(100);
    let like = |app: &App| app.question().page.like;
    assert_eq!((type_in(&mut app, "/"), type_in(&mut app, "qk")), (Effect::None, Effect::Ask));
    assert_eq!(like(&app).as_deref(), Some("qk"), "no key has another meaning here");
    assert_eq!(press(&mut app, &[Key::Backspace]), Effect::Ask);
    let _ = press(&mut app, &[Key::Enter]);
    assert_eq!((app.mode.clone(), like(&app).as_deref()), (Mode::List, Some("q")));
    let _ = type_in(&mut app, "/x");
    assert_eq!(press(&mut app, &[Key::Escape]), Effect::Ask);
    assert_eq!(like(&app).as_deref(), Some("q"), "as it was");
    assert_eq!((press(&mut app, &[Key::Escape]), like(&app)), (Effect::Ask, None));
    let _ = type_in(&mut app, &format!("/{}", "x".repeat(1000)));
    assert_eq!(like(&app).map(|like| like.len()), Some(LONGEST_FILTER));
    assert_eq!(press(&mut app, &[Key::Interrupt]), Effect::Quit);
}

#[test]
fn a_kick_is_asked_about_and_goes_to_who_was_under_the_cursor_then() {
    for (answered, kicked) in
        [(Key::Char('y'), true), (Key::Char('n'), false), (Key::Enter, false), (Key::Char('k'), false)]
    {
        for detail in [false, true] {
            let mut app = app(9);
            let _ = press(&mut app, &[Key::Down]);
            if detail {
                assert_eq!(press(&mut app, &[Key::Enter]), Effect::Ask);
            }
            let before = app.mode.clone();
            assert_eq!(press(&mut app, &[Key::Char('k')]), Effect::None);
            let mut turned = picture(9, 0, 15);
            turned.page.sessions.reverse();
            let _ = app.update(Event::News(News::Picture(Box::new(turned))), 0);
            let whom = One { session: Seq(1), user: "u1".to_owned(), device: "phone".to_owned() };
            let effect = if kicked { Effect::Kick(whom) } else { Effect::None };
            assert_eq!((press(&mut app, &[answered]), app.mode), (effect, before), "{answered:?}");
        }
    }
}

#[test]
fn what_became_of_a_kick_is_said_for_a_while() {
    let whom = || One { session: Seq(1), user: "u1".to_owned(), device: "phone".to_owned() };
    for (answer, said) in [
        (Ok(()), "u1 on phone was kicked"),
        (Err("no such session".to_owned()), "u1 on phone was not kicked: no such session"),
    ] {
        let mut app = app(9);
        let _ = app.update(Event::Kicked { whom: whom(), answer }, 1_000);
        let _ = app.update(Event::Tick, 5_999);
        assert_eq!(app.notice.as_ref().map(|notice| notice.text.as_str()), Some(said));
        let _ = app.update(Event::Tick, 6_000);
        assert_eq!(app.notice, None);
    }
}

#[test]
fn read_only_nobody_is_kicked() {
    let mut app = app_with(9, true);
    for keys in [&[Key::Char('k'), Key::Char('y')][..], &[Key::Enter, Key::Char('k'), Key::Char('y')]] {
        for key in keys {
            assert!(!matches!(press(&mut app, &[*key]), Effect::Kick(_)));
            assert!(!matches!(app.mode, Mode::Confirm { .. }));
        }
    }
    assert_eq!(app.notice.map(|notice| notice.text).as_deref(), Some("nobody is kicked here: --read-only"));
}

#[test]
fn one_is_asked_for_while_it_is_looked_at() {
    let mut app = app(9);
    assert_eq!(
        (press(&mut app, &[Key::Enter]), app.question().one.map(|one| one.user)),
        (Effect::Ask, Some("u0".to_owned()))
    );
    let _ = press(&mut app, &[Key::Char('k')]);
    assert!(app.question().one.is_some(), "behind the question too");
    let _ = press(&mut app, &[Key::Char('n')]);
    assert_eq!((press(&mut app, &[Key::Escape]), app.question().one), (Effect::Ask, None));
    assert_eq!(press(&mut app, &[Key::Enter, Key::Char('q')]), Effect::Quit);
}

#[test]
fn a_server_that_goes_is_counted_to_and_comes_back() {
    let mut app = app(9);
    let down = News::Down { why: "no server".to_owned(), again: Duration::from_secs(4) };
    assert_eq!(app.update(Event::News(down), 10_000), Effect::None);
    assert_eq!(app.link, Link::Down { why: "no server".to_owned(), again_ms: 14_000 });
    assert_eq!(place(&app).1.as_deref(), Some("u0"), "what was seen last is shown on");
    let _ = answer(&mut app, 9, 14_100);
    assert_eq!(app.link, Link::Up);
}
