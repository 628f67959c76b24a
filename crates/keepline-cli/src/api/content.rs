//! Content: what a message says, in JSON: `text` for a text, `data` in base64 for the other kinds.

use base64ct::{Base64, Encoding as _};
use serde::{Deserialize, Serialize};

/// The largest body of a message, in bytes.
pub(crate) const LARGEST: usize = 60 << 10;

/// What a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Words, in UTF-8.
    #[default]
    Text,
    /// A picture, or where it is.
    Image,
    /// A reference to a file that is kept elsewhere.
    File,
    /// The application's own.
    Custom,
}

/// A body with its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) kind: Kind,
    /// Of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// Of the other kinds, and of a text that is no UTF-8: base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<String>,
}

impl Content {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { kind: Kind::Text, text: Some(text.into()), data: None }
    }

    /// Bytes of this kind. `None` for a text that is no UTF-8.
    pub(crate) fn new(kind: Kind, body: Vec<u8>) -> Option<Self> {
        match kind {
            Kind::Text => String::from_utf8(body).ok().map(Self::text),
            kind => Some(Self { kind, text: None, data: Some(Base64::encode_string(&body)) }),
        }
    }

    /// As a person is shown it: the words, or the kind and the size. It has the words of a peer: to be escaped.
    pub(crate) fn shown(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let data = self.data.as_deref().unwrap_or_default();
        let padding = data.bytes().rev().take_while(|byte| *byte == b'=').count();
        let bytes = (data.len() / 4 * 3).saturating_sub(padding);
        let kind = match self.kind {
            Kind::Text => "text that is no UTF-8",
            Kind::Image => "image",
            Kind::File => "file",
            Kind::Custom => "custom",
        };
        format!("[{kind}, {bytes} bytes]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_that_is_shown_is_that_of_the_bytes() {
        for size in 0..7 {
            let image = Content::new(Kind::Image, vec![0; size]).unwrap();
            assert_eq!(image.shown(), format!("[image, {size} bytes]"));
        }
        assert_eq!(Content::new(Kind::Text, b"hi".to_vec()).unwrap().shown(), "hi");
        assert_eq!(Content::new(Kind::Text, vec![0xff]), None);
    }
}
