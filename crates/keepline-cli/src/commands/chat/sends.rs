//! Sends: what became of my messages, each by the number that it has here.

use std::collections::VecDeque;

use keepline::im::{MessageId, Receipt, SendState, Unsent};

use super::clock::{self, Moment};

/// Messages with their last word that are remembered.
const REMEMBERED: usize = 200;

/// Steps of one message that are remembered: a line that comes and goes makes two each time.
const STEPS: usize = 40;

/// The first characters of a text that are shown with its number.
const SHOWN: usize = 40;

/// My messages of this chat, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Sends {
    sent: VecDeque<Sent>,
    /// The number of the last one.
    last: u64,
}

/// One message of mine.
#[derive(Debug)]
pub(super) struct Sent {
    /// From 1, for a person.
    pub(super) number: u64,
    pub(super) id: MessageId,
    /// The name of the conversation.
    pub(super) conversation: String,
    pub(super) text: String,
    pub(super) typed: Moment,
    /// Whether it was said that it waits.
    pub(super) announced: bool,
    /// Whether it came back, as it does to each device of its sender.
    came_back: bool,
    steps: VecDeque<(Moment, SendState)>,
}

impl Sends {
    /// Notes a message that was handed over; its number.
    pub(super) fn note(&mut self, id: MessageId, conversation: &str, text: &str, typed: Moment) -> u64 {
        self.last += 1;
        let over = self.sent.len().saturating_sub(REMEMBERED);
        // Those without their last word stay; the library bounds them.
        for _ in 0..over {
            if let Some(at) = self.sent.iter().position(Sent::is_over) {
                self.sent.remove(at);
            }
        }
        let (conversation, text) = (conversation.to_owned(), text.to_owned());
        let (number, steps) = (self.last, VecDeque::new());
        let sent = Sent { number, id, conversation, text, typed, announced: false, came_back: false, steps };
        self.sent.push_back(sent);
        number
    }

    /// Notes what has become of one. It, if it is remembered.
    pub(super) fn step(&mut self, number: u64, at: Moment, state: SendState) -> Option<&mut Sent> {
        let sent = self.sent.iter_mut().find(|sent| sent.number == number)?;
        if sent.steps.len() == STEPS {
            sent.steps.pop_front();
        }
        sent.steps.push_back((at, state));
        Some(sent)
    }

    /// A message has come; whether it is one of these.
    pub(super) fn comes_back(&mut self, id: MessageId) -> bool {
        let sent = self.sent.iter_mut().rev().find(|sent| sent.id == id);
        sent.map(|sent| sent.came_back = true).is_some()
    }

    /// Whether one is still to be stored, or to come back.
    pub(super) fn are_out(&self) -> bool {
        let is_stored = |sent: &Sent| matches!(sent.state(), Some(SendState::Acknowledged(_)));
        self.sent.iter().any(|sent| !sent.is_over() || is_stored(sent) && !sent.came_back)
    }

    /// Those without their last word, or with one that says they are not stored for sure.
    pub(super) fn unsent(&self) -> impl Iterator<Item = &Sent> {
        self.sent
            .iter()
            .filter(|sent| !matches!(sent.state(), Some(SendState::Acknowledged(_) | SendState::Refused(_))))
    }

    /// How many have no last word.
    pub(super) fn waiting(&self) -> usize {
        self.sent.iter().filter(|sent| !sent.is_over()).count()
    }

    /// By its number, as `3` or `#3`, by its id, or the last one.
    pub(super) fn find(&self, name: Option<&str>) -> Option<&Sent> {
        let Some(name) = name else { return self.sent.back() };
        let number = name.strip_prefix('#').unwrap_or(name).parse().ok();
        let id = name.replace('-', "").to_lowercase();
        self.sent.iter().find(|sent| Some(sent.number) == number || sent.id.to_string().replace('-', "") == id)
    }
}

impl Sent {
    /// Where it is, as far as was told.
    pub(super) fn state(&self) -> Option<&SendState> {
        self.steps.back().map(|(_, state)| state)
    }

    fn is_over(&self) -> bool {
        let state = self.state();
        matches!(state, Some(SendState::Acknowledged(_) | SendState::Refused(_) | SendState::Ended(_)))
    }

    /// Its number and how it begins, for a person. To be escaped.
    pub(super) fn title(&self) -> String {
        let mut begin: String = self.text.chars().take(SHOWN).collect();
        if begin.len() < self.text.len() {
            begin.push('…');
        }
        format!("#{} {begin:?}", self.number)
    }

    /// All that is known of it. To be escaped.
    pub(super) fn story(&self, place: &str, now: Moment) -> Vec<String> {
        let when = |at: Moment| clock::short(at, now);
        let head = format!("{} to {place}, id {}", self.title(), self.id);
        let typed = format!("  {}  typed", when(self.typed));
        let steps = self.steps.iter().map(|(at, state)| format!("  {}  {}", when(*at), word(state, now)));
        [head, typed].into_iter().chain(steps).collect()
    }
}

/// What a state means, for a person.
pub(super) fn word(state: &SendState, now: Moment) -> String {
    match state {
        SendState::Waiting => "waits for the line".to_owned(),
        SendState::OnItsWay => "on its way".to_owned(),
        SendState::PutOff(refusal) => format!("put off by the server ({refusal}): it goes again by itself"),
        SendState::Acknowledged(receipt) => stored(receipt, now),
        SendState::Refused(refusal) => format!("refused ({refusal})"),
        SendState::Ended(Unsent::NotSent) => "not sent".to_owned(),
        SendState::Ended(Unsent::MaybeSent) => {
            "sent, but no answer came: the server may have it (:history tells)".to_owned()
        }
    }
}

fn stored(receipt: &Receipt, now: Moment) -> String {
    let at = clock::short(clock::of_ms(receipt.at_ms), now);
    let again = if receipt.duplicate { ", by an earlier try of which only the answer was lost" } else { "" };
    format!("stored as number {} at {at}{again}", receipt.seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> MessageId {
        MessageId::from_bytes([byte; 16])
    }

    fn noted(count: u8) -> Sends {
        let mut sends = Sends::default();
        for n in 1..=count {
            sends.note(id(n), "all", "text", clock::of_ms(0));
        }
        sends
    }

    #[test]
    fn a_message_is_found_by_number_id_or_as_the_last() {
        let sends = noted(3);
        let number = |name: Option<&str>| sends.find(name).map(|sent| sent.number);
        for (name, found) in [
            (None, Some(3)),
            (Some("2"), Some(2)),
            (Some("#1"), Some(1)),
            (Some("02020202-0202-0202-0202-020202020202"), Some(2)),
            (Some("02020202020202020202020202020202"), Some(2)),
            (Some("9"), None),
            (Some("x"), None),
        ] {
            assert_eq!(number(name), found, "{name:?}");
        }
        assert_eq!(Sends::default().find(None).map(|sent| sent.number), None);
    }

    #[test]
    fn those_that_wait_are_never_forgotten() {
        let mut sends = noted(250);
        assert_eq!(sends.waiting(), 250);
        for n in 1..=240 {
            sends.step(n, clock::of_ms(0), SendState::Ended(Unsent::NotSent));
        }
        let more = sends.note(id(251), "all", "text", clock::of_ms(0));
        assert_eq!((more, sends.waiting(), sends.sent.len()), (251, 11, REMEMBERED + 1));
        assert!(sends.find(Some("241")).is_some() && sends.find(Some("1")).is_none());
    }

    #[test]
    fn one_is_out_until_it_is_stored_and_has_come_back_or_is_refused() {
        let mut sends = noted(1);
        assert!(sends.are_out() && !sends.comes_back(id(7)) && sends.comes_back(id(1)));
        assert!(sends.are_out(), "it is not known to be stored");
        sends.step(1, clock::of_ms(0), SendState::Ended(Unsent::NotSent));
        assert!(!sends.are_out());
    }

    #[test]
    fn the_steps_of_one_are_bounded_and_the_story_tells_them() {
        let mut sends = noted(1);
        for _ in 0..100 {
            sends.step(1, clock::of_ms(0), SendState::OnItsWay);
            sends.step(1, clock::of_ms(0), SendState::Waiting);
        }
        let sent = sends.find(None).unwrap();
        let story = sent.story("all", clock::of_ms(0));
        assert_eq!(story.len(), STEPS + 2);
        assert!(story[0].starts_with("#1 \"text\" to all, id 01010101-"), "{}", story[0]);
        assert!(story[2].ends_with("on its way") && story[3].ends_with("waits for the line"), "{story:?}");
    }
}
