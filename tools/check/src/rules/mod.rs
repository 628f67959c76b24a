//! The rules: each watches the history for one kind of broken promise, or one kind of figure.

mod absence;
mod bodies;
mod faults;
mod gone;
mod members;
mod numbers;
mod order;
mod outcomes;
mod real_time;
mod repeats;
mod sessions;
mod stall;

use std::fmt::Debug;

use crate::event::Event;
use crate::index::Index;
use crate::report::Report;

/// One rule.
pub(crate) trait Rule: Debug {
    /// Looks at an event, which `index` has not yet taken in.
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        let _ = (event, index, report);
    }

    /// Looks at the whole history.
    fn finish(&mut self, index: &Index, report: &mut Report) {
        let _ = (index, report);
    }
}

/// Every rule, each new.
pub(crate) fn all_rules() -> Vec<Box<dyn Rule>> {
    vec![
        Box::new(absence::Absence),
        Box::new(bodies::Bodies),
        Box::new(faults::Faults),
        Box::new(gone::FalseGaps::default()),
        Box::new(members::Leaks),
        Box::new(numbers::Numbers),
        Box::new(order::Order),
        Box::new(outcomes::Outcomes),
        Box::new(real_time::RealTime::default()),
        Box::new(repeats::Repeats),
        Box::new(sessions::Zombies::default()),
        Box::new(stall::Stall::default()),
    ]
}
