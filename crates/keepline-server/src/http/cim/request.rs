//! Request: JSON as cim's servers read it. Unknown fields are ignored, a number may stand in quotes, nothing is required.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use crate::http::list::List;

/// `registerAccount` and `login`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    #[serde(default, deserialize_with = "number")]
    pub(super) user_id: Option<i64>,
    #[serde(default)]
    pub(super) user_name: Option<String>,
}

/// `groupRoute`, `p2pRoute` and `offLine`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chat {
    #[serde(default, deserialize_with = "number")]
    pub(super) user_id: Option<i64>,
    #[serde(default)]
    pub(super) msg: Option<String>,
    #[serde(default, deserialize_with = "number")]
    pub(super) receive_user_id: Option<i64>,
    #[serde(default)]
    pub(super) batch_msg: Option<Batch>,
}

/// Texts of one request: more than any client sends.
pub(super) type Batch = List<Option<String>, 10_000>;

impl Chat {
    /// The texts in order: the batch where there is one, else the one text. Empty and null items say nothing and are
    /// left out.
    pub(super) fn texts(self) -> Vec<String> {
        let batch = self.batch_msg.map(|List(batch)| batch).filter(|batch| !batch.is_empty());
        let items = batch.unwrap_or_else(|| vec![self.msg]);
        items.into_iter().flatten().filter(|text| !text.is_empty()).collect()
    }
}

/// `fetchOfflineMsgs`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fetch {
    #[serde(default, deserialize_with = "number")]
    pub(super) receive_user_id: Option<i64>,
}

/// A whole number, or one in quotes, or nothing: as Jackson reads a `Long`.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    struct Number;

    impl Visitor<'_> for Number {
        type Value = Option<i64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number of 64 bits")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Option<i64>, E> {
            Ok(Some(number))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Option<i64>, E> {
            let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
            i64::try_from(number).map(Some).map_err(wrong)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Option<i64>, E> {
            match text.trim() {
                "" => Ok(None),
                digits => digits.parse().map(Some).map_err(|_| E::invalid_value(Unexpected::Str(text), &self)),
            }
        }

        fn visit_unit<E: Error>(self) -> Result<Option<i64>, E> {
            Ok(None)
        }
    }

    from.deserialize_any(Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cim_flaw_28_a_batch_leaves_out_what_says_nothing() {
        for (json, texts) in [
            (r#"{"msg":"one"}"#, &["one"][..]),
            (r#"{"msg":"one","batchMsg":[]}"#, &["one"]),
            (r#"{"msg":"one","batchMsg":["a",null,"","b"],"reqNo":"1","timeStamp":5}"#, &["a", "b"]),
            (r#"{"batchMsg":[null]}"#, &[]),
            (r#"{"msg":""}"#, &[]),
            ("{}", &[]),
        ] {
            assert_eq!(serde_json::from_str::<Chat>(json).unwrap().texts(), texts, "{json}");
        }
    }

    #[test]
    fn a_number_is_read_as_jackson_reads_it() {
        for (json, id) in [
            (r#"{"userId":1547028929407}"#, Some(1_547_028_929_407)),
            (r#"{"userId":"1547028929407"}"#, Some(1_547_028_929_407)),
            (r#"{"userId":null}"#, None),
            (r#"{"userId":""}"#, None),
            (r#"{"other":[{"a":1}]}"#, None),
        ] {
            assert_eq!(serde_json::from_str::<Account>(json).unwrap().user_id, id, "{json}");
        }
        for json in
            [r#"{"userId":"x"}"#, r#"{"userId":18446744073709551615}"#, r#"{"userId":[]}"#, r#"{"userId":true}"#]
        {
            assert!(serde_json::from_str::<Account>(json).is_err(), "{json}");
        }
    }
}
