//! Few: a list that mostly has one element, for which nothing is allocated then.

use std::mem;
use std::ops::Deref;
use std::slice;

/// A list in no order.
#[derive(Debug)]
pub(super) enum Few<T> {
    One(T),
    /// None, or more than one.
    List(Vec<T>),
}

// What a list takes by itself: one element costs nothing more.
const _: () = assert!(size_of::<Few<Box<u8>>>() == size_of::<Vec<Box<u8>>>(), "a list of one");

impl<T> Few<T> {
    pub(super) fn push(&mut self, more: T) {
        *self = match mem::take(self) {
            Self::One(one) => Self::List(vec![one, more]),
            Self::List(list) if list.is_empty() => Self::One(more),
            Self::List(mut list) => {
                list.push(more);
                Self::List(list)
            }
        };
    }

    /// Takes one out that fits.
    pub(super) fn take(&mut self, mut fits: impl FnMut(&T) -> bool) -> Option<T> {
        let at = self.iter().position(&mut fits)?;
        let (taken, rest) = match mem::take(self) {
            Self::One(one) => (one, Self::default()),
            Self::List(mut list) => {
                let taken = list.swap_remove(at);
                match <[T; 1]>::try_from(list) {
                    Ok([one]) => (taken, Self::One(one)),
                    Err(list) => (taken, Self::List(list)),
                }
            }
        };
        *self = rest;
        Some(taken)
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::List(list) => list,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_list_that_allocates_nothing_for_one(steps in prop::collection::vec((0..2_u8, 0..6_u32), 0..100)) {
            let (mut few, mut model) = (Few::default(), Vec::new());
            for (step, number) in steps {
                if step == 0 {
                    few.push(number);
                    model.push(number);
                } else {
                    let at = model.iter().position(|known| *known == number);
                    prop_assert_eq!(few.take(|known| *known == number), at.map(|at| model.swap_remove(at)));
                }
                let [mut ours, mut theirs] = [few.to_vec(), model.clone()];
                ours.sort_unstable();
                theirs.sort_unstable();
                prop_assert_eq!(ours, theirs);
                prop_assert_eq!(matches!(few, Few::One(_)), model.len() == 1);
            }
        }
    }
}
