//! Keys: what is pressed, read on a thread of its own.

use std::io;
use std::thread;

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use tokio::sync::mpsc;

/// Keys that wait: who holds one down does not fill the memory.
const WAITING: usize = 64;

/// A key that means something somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    /// Ctrl-C, or a terminal that has gone.
    Interrupt,
}

/// What the terminal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Key(Key),
    /// It has another size.
    Resized,
}

/// Reads until nobody takes the keys any more. The thread may wait for one more key then; it ends with the process.
///
/// # Errors
/// There is no thread.
pub(super) fn start() -> io::Result<mpsc::Receiver<Input>> {
    let (to, keys) = mpsc::channel(WAITING);
    thread::Builder::new().name("keys".to_owned()).spawn(move || {
        loop {
            let input = match read() {
                Ok(event) => of(&event),
                Err(_) => Some(Input::Key(Key::Interrupt)),
            };
            let Some(input) = input else { continue };
            if to.blocking_send(input).is_err() || input == Input::Key(Key::Interrupt) {
                return;
            }
        }
    })?;
    Ok(keys)
}

fn of(event: &Event) -> Option<Input> {
    match event {
        Event::Resize(..) => Some(Input::Resized),
        Event::Key(key) if key.kind != KeyEventKind::Release => key_of(*key).map(Input::Key),
        _ => None,
    }
}

fn key_of(KeyEvent { code, modifiers, .. }: KeyEvent) -> Option<Key> {
    let plain = !modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match code {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Interrupt),
        KeyCode::Char(c) if plain => Some(Key::Char(c)),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Esc => Some(Key::Escape),
        KeyCode::Backspace => Some(Key::Backspace),
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        KeyCode::PageUp => Some(Key::PageUp),
        KeyCode::PageDown => Some(Key::PageDown),
        KeyCode::Home => Some(Key::Home),
        KeyCode::End => Some(Key::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_is_on_them_and_ctrl_c_the_end() {
        let press = |code, modifiers| of(&Event::Key(KeyEvent::new(code, modifiers)));
        let key = |key| Some(Input::Key(key));
        for (code, modifiers, read) in [
            (KeyCode::Char('c'), KeyModifiers::CONTROL, key(Key::Interrupt)),
            (KeyCode::Char('c'), KeyModifiers::NONE, key(Key::Char('c'))),
            (KeyCode::Char('A'), KeyModifiers::SHIFT, key(Key::Char('A'))),
            (KeyCode::Char('k'), KeyModifiers::ALT, None),
            (KeyCode::Enter, KeyModifiers::NONE, key(Key::Enter)),
            (KeyCode::F(1), KeyModifiers::NONE, None),
        ] {
            assert_eq!(press(code, modifiers), read, "{code:?} {modifiers:?}");
        }
        assert_eq!((of(&Event::Resize(1, 1)), of(&Event::FocusGained)), (Some(Input::Resized), None));
    }
}
