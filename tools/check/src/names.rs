//! `Names`: each name once, and a small number in its place.

use std::collections::HashMap;

/// A name that was seen. Only the `Names` that gave it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name(u32);

/// The names of a history: users, devices, conversations and processes.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<str>, Name>,
    texts: Vec<Box<str>>,
}

impl Names {
    /// The number of a name, the same for the same name.
    pub(crate) fn number(&mut self, text: &str) -> Name {
        if let Some(name) = self.numbers.get(text) {
            return *name;
        }
        let name = Name(u32::try_from(self.texts.len()).expect("a history has fewer than 2^32 names"));
        self.numbers.insert(text.into(), name);
        self.texts.push(text.into());
        name
    }

    /// The name itself.
    pub(crate) fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}
