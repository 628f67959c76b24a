//! Figures of a benchmark: what they are called, and how the rounds of one server become one number.

use super::stats;

/// One figure of one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measure {
    /// What it is and how rounds are put together.
    pub(crate) figure: &'static Figure,
    /// Its value, in the figure's unit.
    pub(crate) value: f64,
}

/// A kind of figure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// Its name in JSON, with the unit.
    pub(crate) key: &'static str,
    /// The head of its column.
    pub(crate) title: &'static str,
    /// Digits behind the point in the table.
    pub(crate) digits: usize,
    /// How the rounds are put together.
    pub(crate) fold: Fold,
}

/// How the values of several rounds become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    /// The middle one, and the middle of the ratios to the baseline in the same round.
    Median,
    /// All of them together: a fault of any round counts.
    Sum,
    /// The largest.
    Max,
    /// The smallest: of what should be the same in each round.
    Least,
}

impl Figure {
    /// This figure with a value.
    pub(crate) const fn of(&'static self, value: f64) -> Measure {
        Measure { figure: self, value }
    }
}

/// What one run against one server brought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    /// The figures, in the order of the table's columns.
    pub(crate) measures: Vec<Measure>,
    /// What the server did wrong, though the run went on: sentences.
    pub(crate) faults: Vec<String>,
    /// What could not be measured, and why: sentences.
    pub(crate) notes: Vec<String>,
}

impl Round {
    /// The value of a figure, by its name in JSON.
    pub(super) fn value(&self, key: &str) -> Option<f64> {
        self.measures.iter().find(|measure| measure.figure.key == key).map(|measure| measure.value)
    }
}

/// All rounds of one server.
#[derive(Debug)]
pub(crate) struct Row {
    /// The server's name.
    pub(crate) label: String,
    /// Its rounds, in order.
    pub(crate) rounds: Vec<Round>,
}

impl Row {
    /// The rounds put together; `None` when no round has the figure.
    pub(super) fn folded(&self, figure: &Figure) -> Option<f64> {
        let values = self.rounds.iter().filter_map(|round| round.value(figure.key));
        match figure.fold {
            Fold::Median => stats::median(values),
            Fold::Sum => values.reduce(|sum, value| sum + value),
            Fold::Max => values.reduce(f64::max),
            Fold::Least => values.reduce(f64::min),
        }
    }

    /// The median of this row's value over the baseline's of the same round.
    pub(super) fn ratio(&self, baseline: &Self, figure: &Figure) -> Option<f64> {
        if figure.fold != Fold::Median {
            return None;
        }
        let pairs = self.rounds.iter().zip(&baseline.rounds);
        let ratios = pairs.filter_map(|(round, base)| {
            let base = base.value(figure.key).filter(|base| *base > 0.0)?;
            Some(round.value(figure.key)? / base)
        });
        stats::median(ratios)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_put_together_as_their_figure_says() {
        static IT: Figure = Figure { key: "it", title: "it", digits: 0, fold: Fold::Median };
        for (fold, together) in [(Fold::Median, 2.0), (Fold::Sum, 7.0), (Fold::Max, 4.0), (Fold::Least, 1.0)] {
            let round = |value| Round { measures: vec![IT.of(value)], ..Round::default() };
            let row = Row { label: "a server".into(), rounds: [4.0, 1.0, 2.0].map(round).to_vec() };
            assert_eq!(row.folded(&Figure { fold, ..IT }), Some(together), "{fold:?}");
        }
    }
}
