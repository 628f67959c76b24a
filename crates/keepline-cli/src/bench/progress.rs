//! The bar on a terminal's standard error; nothing elsewhere.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar may be drawn.
const EVERY: Duration = Duration::from_millis(100);

/// One bar, for one step of a benchmark.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    drawn: Cell<Instant>,
}

impl Progress {
    /// A bar of `length` steps.
    pub(crate) fn new(label: &str, length: u64) -> Self {
        let style = ProgressStyle::with_template("{prefix:28} {bar:32} {pos}/{len} {elapsed}");
        let bar = ProgressBar::new(length).with_prefix(label.to_owned());
        let bar = match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        Self { bar, drawn: Cell::new(Instant::now()) }
    }

    /// Shows how far it is. Cheap enough for each turn of the load: most calls are one clock read.
    pub(crate) fn at(&self, position: u64) {
        if self.drawn.get().elapsed() >= EVERY {
            self.bar.set_position(position);
            self.drawn.set(Instant::now());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
