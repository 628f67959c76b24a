//! Parrot: cim's AI mode, a joke that answers here and sends nothing.

/// What cim says as the mode begins, and as it ends.
pub(super) const HELLO: &str = "the AI is here: what you type stays here, until :qai";
pub(super) const BYE: &str = "the AI has gone: what you type is sent again";

/// The answer to a text: the text without its question, and about the other one.
pub(super) fn answer(text: &str) -> String {
    let turned = text.chars().filter_map(|c| match c {
        '吗' | '嘛' => None,
        '?' | '？' => Some('!'),
        '你' => Some('我'),
        c => Some(c),
    });
    format!("AI:{}", turned.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_as_that_of_cim() {
        for (text, said) in [("你在吗？", "AI:我在!"), ("are you there?", "AI:are you there!"), ("", "AI:")] {
            assert_eq!(answer(text), said);
        }
    }
}
