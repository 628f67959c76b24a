//! Seq: a number of 64 bits as JSON has to write it: as a string, because a JSON number loses digits above 2^53.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// A number of 64 bits in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "42", pattern = "^[0-9]{1,20}$")]
pub(super) struct Seq(pub(super) u64);

impl Serialize for Seq {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Digits;

        impl Visitor<'_> for Digits {
            type Value = Seq;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes, as \"42\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Seq, E> {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits);
                number.map(Seq).ok_or_else(|| E::custom("a number in quotes has digits only, and at most 64 bits"))
            }
        }

        from.deserialize_str(Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digit_is_lost() {
        for number in [0, 9_007_199_254_740_993, u64::MAX] {
            let json = serde_json::to_string(&Seq(number)).unwrap();
            assert_eq!(json, format!("\"{number}\""));
            assert_eq!(serde_json::from_str::<Seq>(&json).unwrap(), Seq(number));
        }
        for bad in ["1", "\"\"", "\"+1\"", "\"-1\"", "\"1.0\"", "\"18446744073709551616\"", "null"] {
            assert!(serde_json::from_str::<Seq>(bad).is_err(), "{bad}");
        }
    }
}
