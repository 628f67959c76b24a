//! Tests of the view: whole screens as text.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use super::super::app::{Event, List};
use super::super::feed::News;
use super::super::fixture::{closer, end, live, picture};
use super::super::keys::Key;
use super::super::picture::Picture;
use super::*;
use crate::api::{Counters, Order, SortBy};

/// 1970-01-01, one minute past midnight.
const NOW_MS: u64 = 60_000;

fn app_at(size: Size, read_only: bool) -> App {
    let list = List::new(SortBy::Silent, Order::Descending, String::new());
    let mut app = App::new("http://127.0.0.1:8084".to_owned(), read_only, list);
    let _ = app.update(Event::Sized { rows: rows(size) }, NOW_MS);
    app
}

fn shown_as(app: &App, size: Size, theme: Theme) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    terminal.draw(|frame| draw(frame, app, theme)).unwrap();
    terminal.backend().clone()
}

/// What is on the screen, a row a line, without the spaces at its end.
fn shown(app: &App, size: Size) -> String {
    let backend = shown_as(app, size, Theme::Plain);
    let rows = backend.buffer().content().chunks(usize::from(size.width));
    let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned());
    rows.collect::<Vec<_>>().join("\n")
}

fn tell(app: &mut App, picture: Picture, at_ms: u64) {
    let _ = app.update(Event::News(News::Picture(Box::new(picture))), at_ms);
}

/// A server at work: two looks at its counters, two ends.
fn busy(app: &mut App, total: u64) {
    let mut first = picture(total, 0, 100);
    first.counters.closed =
        [(("kicked".to_owned(), "server".to_owned()), 1), (("reset".to_owned(), "client".to_owned()), 12)].into();
    first.counters.heartbeats_missed = 3;
    first.ends = vec![end(8, "bob", 58_000, "kicked", "server"), end(7, "eve", 30_000, "reset", "client")];
    let counters = Counters { messages_stored: 50, messages_delivered: 300, logins: 1, ..first.counters.clone() };
    let second = Picture { counters, ..first.clone() };
    tell(app, first, NOW_MS - 2_000);
    tell(app, second, NOW_MS);
}

const USUAL: Size = Size { width: 80, height: 24 };

#[test]
fn a_terminal_of_the_usual_size_shows_it_all() {
    let mut app = app_at(USUAL, false);
    busy(&mut app, 3);
    let expected = "\
keepline top  http://127.0.0.1:8084  00:01:00Z  live
sessions 3 (v1 3)  connections 3  heartbeats missed 3
messages 25.0/s  delivered 150/s  logins 0.5/s  refused 0.0/s
ended: reset (client) 12, kicked (server) 1
last: bob/phone kicked (server) 2s ago, eve/phone reset (client) 30s ago
  USER         DEVICE      IDLE▼     RTT  QUEUE    IN   OUT VIA     SINCE
> u0           phone          0s  0.04ms      0    0B    0B v1/tcp  01-01 00:00
  u1           phone          1s  0.04ms      1  100B  3.9K v1/tcp  01-01 00:00
  u2           phone          2s  0.04ms      2  200B  7.8K v1/tcp  01-01 00:00
";
    let screen = shown(&app, USUAL);
    assert!(screen.starts_with(expected), "{screen}");
    let rest = screen[expected.len()..].trim_start_matches('\n');
    let footer = "1-3 of 3  by IDLE, descending\nq quit  / filter  ←→ 1-9 sort  r reverse  Enter detail  k kick";
    assert_eq!(rest, footer, "{screen}");
}

#[test]
fn every_size_says_something_sensible_and_none_panics() {
    for width in (1..130).step_by(3) {
        for height in 1..30 {
            let size = Size { width, height };
            let mut app = app_at(size, true);
            busy(&mut app, 20_000);
            let screen = shown(&app, size);
            if width < SMALLEST.width || height < SMALLEST.height {
                assert!(width < 20 || screen.starts_with("40 columns and 8 ro"), "{size:?}: {screen}");
                continue;
            }
            let wanted: &[&str] = &["keepline top", "sessions 20,000", "USER", "> u0", "of 20,000", "q quit"];
            for word in wanted {
                assert!(screen.contains(word), "no {word} at {size:?}:\n{screen}");
            }
            assert_eq!(screen.lines().count(), usize::from(height), "{size:?}:\n{screen}");
            assert_eq!(screen.matches("phone").count() >= rows(size), width >= 40, "{size:?}:\n{screen}");
        }
    }
}

#[test]
fn a_wide_terminal_has_every_column_and_the_last_minute() {
    let size = Size { width: 140, height: 20 };
    let mut app = app_at(size, false);
    busy(&mut app, 1);
    let screen = shown(&app, size);
    for word in ["PEER", "127.0.0.1:4000", "SESSION", "refused 0.0/s  █"] {
        assert!(screen.contains(word), "no {word}:\n{screen}");
    }
}

#[test]
fn a_server_that_does_not_answer_stands_in_the_head() {
    let mut app = app_at(USUAL, false);
    busy(&mut app, 2);
    let why = "no server at http://127.0.0.1:8084: \u{1b}[2J refused".to_owned();
    let _ = app.update(Event::News(News::Down { why, again: Duration::from_secs(4) }), NOW_MS);
    for (at_ms, state) in [(NOW_MS, "next try in 4s"), (NOW_MS + 2_001, "next try in 2s"), (NOW_MS + 9_000, "trying")] {
        let _ = app.update(Event::Tick, at_ms);
        let screen = shown(&app, USUAL);
        let mut lines = screen.lines();
        assert!(lines.next().unwrap().ends_with(&format!("no answer, {state}")), "{screen}");
        assert!(lines.next().unwrap().starts_with("no server at http://127.0.0.1:8084: \\u{1b}[2J"), "{screen}");
        assert!(screen.contains("> u0"), "what was seen last stays: {screen}");
    }
}

#[test]
fn a_store_that_takes_no_writes_is_told_of_first() {
    let mut app = app_at(USUAL, false);
    let mut failing = picture(1, 0, 1);
    failing.counters.store_up = Some(false);
    tell(&mut app, failing, NOW_MS);
    assert!(shown(&app, USUAL).lines().next().unwrap().ends_with("THE STORE TAKES NO WRITES"));
}

#[test]
fn what_is_asked_stands_above_the_keys() {
    let press = |app: &mut App, keys: &str| {
        keys.chars().for_each(|c| {
            let _ = app.update(Event::Key(Key::Char(c)), NOW_MS);
        });
    };
    for (keys, read_only, status, footer) in [
        ("k", false, "kick u0 on phone (session 0)?", "y yes, kick  any other key: no"),
        ("k", true, "nobody is kicked here: --read-only", "  read-only: no kick"),
        ("/an", false, "filter: an_", "Enter keep it  Escape as it was"),
    ] {
        let mut app = app_at(USUAL, read_only);
        busy(&mut app, 2);
        press(&mut app, keys);
        let screen = shown(&app, USUAL);
        let lines: Vec<_> = screen.lines().collect();
        assert_eq!(lines[22], status, "{screen}");
        assert!(lines[23].ends_with(footer), "{screen}");
    }
    let mut app = app_at(USUAL, false);
    tell(&mut app, picture(0, 0, 1), NOW_MS);
    let screen = shown(&app, USUAL);
    assert!(screen.contains("  nobody is logged in\n") && screen.contains("\nsessions 0  connections 0  "), "{screen}");
    press(&mut app, "/x");
    assert!(shown(&app, USUAL).contains("  nobody fits the filter\n"));
}

#[test]
fn one_session_is_shown_with_its_timeline() {
    let mut app = app_at(USUAL, false);
    busy(&mut app, 2);
    let _ = app.update(Event::Key(Key::Enter), NOW_MS);
    assert!(shown(&app, USUAL).contains("u0 on phone  session 0\nasking the server ...\n"));
    let mut one = closer(live(0, "u0"));
    one.ends = vec![end(9, "u0", 4_000, "silent", "network")];
    tell(&mut app, Picture { one: Some(one.clone()), ..picture(2, 0, 10) }, NOW_MS);
    let screen = shown(&app, USUAL);
    let expected = "
u0 on phone  session 0
v1 over tcp, from 127.0.0.1:4000, since 1970-01-01T00:00:05Z
idle 0s  round trip 0.04ms  in 0B  out 0B
nothing waits; it has everything
timeline
00:00:04Z  an earlier session ended: silent (network), after 3s, last byte in 1s
  before, pings unanswered: 1
00:00:05Z  logged in from 127.0.0.1:4000, v1 over tcp
00:00:05Z  terms: it pings after 25s, and is cut off after 1m00s without a sign
  of life

";
    assert!(screen.contains(expected) && screen.ends_with("\nEnter back  ↑↓ timeline  k kick  q quit"), "{screen}");
    one.detail = None;
    tell(&mut app, Picture { one: Some(one), ..picture(2, 0, 10) }, NOW_MS);
    assert!(shown(&app, USUAL).contains("it has ended\ntimeline\n"));
}

#[test]
fn a_long_timeline_is_seen_whole_on_a_small_screen() {
    let size = Size { width: 40, height: 10 };
    let mut app = app_at(size, false);
    busy(&mut app, 2);
    let _ = app.update(Event::Key(Key::Enter), NOW_MS);
    let mut one = closer(live(0, "u0"));
    one.detail = None;
    one.ends = (1..=9).map(|at| end(at, "u0", at * 1000, "kicked", "server")).collect();
    tell(&mut app, Picture { one: Some(one), ..picture(2, 0, 10) }, NOW_MS);
    // An end takes three rows here, and three are left of ten.
    for (key, at, place) in [
        (Key::Escape, 9, ""),
        (Key::Enter, 9, "8 earlier, 0 later"),
        (Key::Down, 9, "8 earlier, 0 later"),
        (Key::Up, 8, "7 earlier, 1 later"),
        (Key::Home, 1, "0 earlier, 8 later"),
        (Key::Up, 1, "0 earlier, 8 later"),
        (Key::Down, 2, "1 earlier, 7 later"),
        (Key::PageDown, 7, "6 earlier, 2 later"),
        (Key::PageUp, 2, "1 earlier, 7 later"),
        (Key::Char('k'), 2, "1 earlier, 7 later"),
        (Key::Char('n'), 2, "1 earlier, 7 later"),
        (Key::End, 9, "8 earlier, 0 later"),
    ] {
        let _ = app.update(Event::Key(key), NOW_MS);
        let screen = shown(&app, size);
        let whole = format!("timeline  {place}\n00:00:0{at}Z  an earlier session ended:\n");
        assert!(place.is_empty() || screen.contains(&whole), "{key:?}: {whole}{screen}");
        assert!(place.is_empty() || screen.contains("unanswered: 1\n"), "{key:?}: {screen}");
    }
}

#[test]
fn whether_the_server_answers_is_never_cut_off() {
    let far = "https://admin.of.a.far.and.long.example.com:8084";
    let down = || News::Down { why: "gone".to_owned(), again: Duration::from_secs(10) };
    for (width, server, answers, expected) in [
        (80, far, true, "keepline top  https://admin.of.a.far.and.long.example.com:8084  00:01:00Z  live"),
        (70, far, false, "keepline top  https://admin.of…  00:01:00Z  no answer, next try in 10s"),
        (60, far, false, "keepline top  00:01:00Z  no answer, next try in 10s"),
        (40, far, false, "keepline top  no answer, next try in 10s"),
        (40, "http://[::1]", true, "keepline top  00:01:00Z  live"),
        (43, "http://[::1]", true, "keepline top  http://[::1]  00:01:00Z  live"),
    ] {
        let size = Size { width, height: 10 };
        let mut app = app_at(size, false);
        server.clone_into(&mut app.server);
        busy(&mut app, 1);
        if !answers {
            let _ = app.update(Event::News(down()), NOW_MS);
        }
        assert_eq!(shown(&app, size).lines().next(), Some(expected), "{width}");
    }
    let size = Size { width: 40, height: 10 };
    let mut app = app_at(size, false);
    let mut failing = picture(1, 0, 1);
    failing.counters.store_up = Some(false);
    tell(&mut app, failing, NOW_MS);
    assert_eq!(shown(&app, size).lines().next(), Some("live  THE STORE TAKES NO WRITES"));
}

#[test]
fn a_narrow_screen_with_rows_enough_has_the_facts_whole() {
    for (height, whole) in [(10, false), (24, true)] {
        let size = Size { width: 40, height };
        let mut app = app_at(size, false);
        busy(&mut app, 1);
        let _ = app.update(Event::Key(Key::Enter), NOW_MS);
        tell(&mut app, Picture { one: Some(closer(live(0, "u0"))), ..picture(1, 0, 10) }, NOW_MS);
        let screen = shown(&app, size);
        assert_eq!(screen.contains("\n  1970-01-01T00:00:05Z\n"), whole, "{screen}");
        assert!(screen.contains("\ntimeline"), "{screen}");
    }
}

#[test]
fn what_to_press_is_never_cut_off() {
    let size = Size { width: 40, height: 10 };
    let mut app = app_at(size, false);
    let mut long = picture(1, 0, 1);
    long.page.sessions[0].user = "u".repeat(64);
    tell(&mut app, long, NOW_MS);
    let _ = app.update(Event::Key(Key::Char('k')), NOW_MS);
    let screen = shown(&app, size);
    assert!(screen.contains("\nkick uuu") && screen.ends_with("\ny yes, kick  any other key: no"), "{screen}");
    let _ = app.update(Event::Key(Key::Char('n')), NOW_MS);
    assert!(shown(&app, size).ends_with("\nq quit  / filter  ←→ sort  Enter  k kick"), "{screen}");
    for c in "/".chars().chain("x".repeat(60).chars()).chain("end".chars()) {
        let _ = app.update(Event::Key(Key::Char(c)), NOW_MS);
    }
    let screen = shown(&app, size);
    assert!(screen.contains("xxxend_\n") && screen.ends_with("\nEnter keep it  Escape as it was"), "{screen}");
}

#[test]
fn words_of_others_are_no_commands() {
    let mut app = app_at(USUAL, false);
    let mut evil = picture(1, 0, 1);
    evil.page.sessions[0].user = "\u{1b}[2Jbob".to_owned();
    evil.page.sessions[0].device = "a\u{202e}b".to_owned();
    evil.counters.closed = [(("x\u{7}".to_owned(), "y\r\n".to_owned()), 1)].into();
    tell(&mut app, evil, NOW_MS);
    let screen = shown(&app, USUAL);
    assert!(!screen.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{screen:?}");
    for word in ["\\u{1b}[2Jbob", "a\\u{202e}b", "x\\u{7} (y\\r\\n) 1"] {
        assert!(screen.contains(word), "no {word}: {screen}");
    }
}

#[test]
fn without_colours_nothing_is_styled_and_with_them_what_matters_is() {
    let mut app = app_at(USUAL, false);
    busy(&mut app, 2);
    let _ = app.update(Event::News(News::Down { why: "gone".to_owned(), again: Duration::from_secs(1) }), NOW_MS);
    let plain = shown_as(&app, USUAL, Theme::Plain);
    assert!(plain.buffer().content().iter().all(|cell| cell.modifier.is_empty() && cell.fg == Color::Reset));
    let styled = shown_as(&app, USUAL, Theme::Styled);
    let cell = |row: u16| &styled.buffer()[(0, row)];
    assert_eq!((cell(0).fg, cell(1).fg, cell(6).modifier), (Color::Red, Color::Red, Modifier::REVERSED));
    assert_eq!(cell(6).symbol(), ">");
}
