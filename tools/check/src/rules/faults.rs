//! The figures that say whether faults hit: cuts, unknown outcomes, announced gaps, resets.

use super::Rule;
use crate::event::{Event, Kind};
use crate::index::Index;
use crate::report::{Counter, Report};

/// Redeliveries are counted with the repeats.
#[derive(Debug)]
pub(super) struct Faults;

impl Rule for Faults {
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        if event.uncertain {
            report.add(Counter::Infos, || index.device_name(event.device));
        }
        match event.kind {
            Kind::Cut => report.add(Counter::Cuts, || index.device_name(event.device)),
            Kind::Reset => report.add(Counter::Resets, || index.device_name(event.device)),
            Kind::Announced(conv, from, to) => report.add(Counter::Announced, || {
                let device = index.device_name(event.device);
                format!("seq {from} to {to} of {} to {device}", index.names.text(conv))
            }),
            _ => {}
        }
    }
}
