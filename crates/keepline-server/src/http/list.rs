//! List: a JSON array with no more items than it may have. Of a body of one mebibyte a quarter of a million strings can be
//! made, which are fifteen.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// At most `MOST` items.
#[derive(Debug)]
pub(super) struct List<T, const MOST: usize>(pub(super) Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Items<T, const MOST: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {MOST} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let mut taken = Vec::new();
                while let Some(item) = items.next_element()? {
                    if taken.len() == MOST {
                        return Err(A::Error::custom(format_args!("a list has at most {MOST} items")));
                    }
                    taken.push(item);
                }
                Ok(taken)
            }
        }

        from.deserialize_seq(Items::<T, MOST>(PhantomData)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_items_are_taken_than_may_be() {
        let read = |json: &str| serde_json::from_str::<List<u8, 2>>(json).map(|list| list.0).map_err(|e| e.to_string());
        assert_eq!((read("[]"), read("[1,2]")), (Ok(vec![]), Ok(vec![1, 2])));
        assert_eq!(read("[1,2,3]"), Err("a list has at most 2 items at line 1 column 7".to_owned()));
        assert!(read("{}").is_err_and(|error| error.contains("an array of at most 2 items")));
    }
}
