//! Query: the part of a URL behind the question mark.

/// Names and values, in order, as RFC 3986 writes them: `?a=1&b=x%20y`, or nothing.
#[derive(Debug, Default)]
pub(super) struct Query(String);

impl Query {
    /// Adds a value, if there is one. Names are ours, and plain.
    pub(super) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        let Some(value) = value else { return self };
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.to_string().bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => self.0.push(char::from(byte)),
                _ => self.0.push_str(&format!("%{byte:02X}")),
            }
        }
        self
    }

    pub(super) fn after(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_arrives() {
        let query = Query::default().with("a", Some("x y&=%ä")).with("b", None::<u8>).with("c", Some(7));
        assert_eq!(query.after("/p"), "/p?a=x%20y%26%3D%25%C3%A4&c=7");
        assert_eq!(Query::default().after("/p"), "/p");
    }
}
