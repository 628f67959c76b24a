//! What a benchmark hands back: figures by server, as a table for people or one JSON object for programs.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

use super::figure::{Figure, Row};

/// The result of a benchmark.
#[derive(Debug)]
pub(crate) struct Report {
    /// The benchmark's name.
    pub(crate) bench: &'static str,
    /// What was asked for, by name.
    pub(crate) settings: Map<String, Value>,
    /// One row a server; the first is the one under test, the others are for comparison.
    pub(crate) rows: Vec<Row>,
    /// The label whose figures the others are divided by.
    pub(crate) baseline: &'static str,
    /// How to read the figures of the table, if there is more to know than their titles tell.
    pub(crate) footnote: Option<String>,
}

impl Report {
    /// What the server under test did wrong; the faults of the others are only reported.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().take(1).flat_map(|row| &row.rounds).flat_map(|round| &round.faults).map(String::as_str)
    }

    /// The table, and the notes and faults under it.
    pub(crate) fn table(&self) -> String {
        let figures = self.figures();
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY);
        table.set_header(std::iter::once("server").chain(figures.iter().map(|figure| figure.title)));
        for row in &self.rows {
            let cells = figures.iter().map(|figure| self.cell(row, figure));
            table.add_row(std::iter::once(row.label.clone()).chain(cells));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut text = format!("{table}\n");
        if self.baseline().is_some() && self.rows.len() > 1 {
            let _ =
                writeln!(text, "In brackets: the ratio to {} in the same round, median of the rounds.", self.baseline);
        }
        if let Some(footnote) = &self.footnote {
            let _ = writeln!(text, "{footnote}");
        }
        for (label, remark) in self.remarks() {
            let _ = writeln!(text, "{label}: {remark}");
        }
        text
    }

    /// One object: the settings, then each server with its rounds, what they come to, and the ratios.
    pub(crate) fn json(&self) -> Value {
        let figures = self.figures();
        let by_key = |value: &dyn Fn(&Figure) -> Option<f64>| -> Map<String, Value> {
            figures.iter().filter_map(|figure| Some((figure.key.to_owned(), json!(value(figure)?)))).collect()
        };
        let servers = self.rows.iter().map(|row| {
            let ratio = |figure: &Figure| row.ratio(self.baseline()?, figure);
            json!({
                "label": row.label,
                "result": by_key(&|figure| row.folded(figure)),
                format!("ratio_to_{}", self.baseline): by_key(&ratio),
                "rounds": row.rounds.iter().map(|round| by_key(&|figure| round.value(figure.key))).collect::<Vec<_>>(),
                "faults": row.rounds.iter().flat_map(|round| &round.faults).collect::<Vec<_>>(),
                "notes": row.rounds.iter().flat_map(|round| &round.notes).collect::<Vec<_>>(),
            })
        });
        json!({ "bench": self.bench, "settings": self.settings, "servers": servers.collect::<Vec<_>>() })
    }

    fn baseline(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.label == self.baseline)
    }

    /// Each figure that any round has, in the order of the first that has it.
    fn figures(&self) -> Vec<&'static Figure> {
        let mut figures: Vec<&'static Figure> = Vec::new();
        for measure in self.rows.iter().flat_map(|row| &row.rounds).flat_map(|round| &round.measures) {
            if !figures.contains(&measure.figure) {
                figures.push(measure.figure);
            }
        }
        figures
    }

    fn cell(&self, row: &Row, figure: &Figure) -> String {
        let Some(value) = row.folded(figure) else {
            return "-".into();
        };
        let ratio = self.baseline().filter(|base| base.label != row.label).and_then(|base| row.ratio(base, figure));
        let digits = figure.digits;
        match ratio {
            Some(ratio) => format!("{value:.digits$} ({ratio:.2})"),
            None => format!("{value:.digits$}"),
        }
    }

    /// Notes and faults, each once a server.
    fn remarks(&self) -> Vec<(&str, &str)> {
        let mut remarks = Vec::new();
        for row in &self.rows {
            for remark in row.rounds.iter().flat_map(|round| round.faults.iter().chain(&round.notes)) {
                let remark = (row.label.as_str(), remark.as_str());
                if !remarks.contains(&remark) {
                    remarks.push(remark);
                }
            }
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::figure::{Fold, Round},
        *,
    };

    static SPEED: Figure = Figure { key: "cpu_us", title: "CPU us", digits: 1, fold: Fold::Median };
    static EARLY: Figure = Figure { key: "early", title: "early", digits: 0, fold: Fold::Sum };

    fn row(label: &str, values: &[(f64, f64)]) -> Row {
        let round = |(speed, early): &(f64, f64)| Round {
            measures: vec![SPEED.of(*speed), EARLY.of(*early)],
            faults: (*early > 0.0).then(|| "closed lines early".to_owned()).into_iter().collect(),
            notes: Vec::new(),
        };
        Row { label: label.into(), rounds: values.iter().map(round).collect() }
    }

    fn report() -> Report {
        let ours = row("keepline", &[(3.0, 0.0), (40.0, 1.0), (6.0, 1.0)]);
        let floor = row("floor", &[(2.0, 0.0), (20.0, 0.0), (5.0, 7.0)]);
        Report { bench: "echo", settings: Map::new(), rows: vec![ours, floor], baseline: "floor", footnote: None }
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let json = report().json();
        let ours = &json["servers"][0];
        assert_eq!(ours["result"]["cpu_us"], 6.0);
        // 1.5, 2.0 and 1.2: not the ratio of the medians, which would be 6 / 5 as well but for the wrong round.
        assert_eq!(ours["ratio_to_floor"]["cpu_us"], 1.5);
        assert_eq!(ours["rounds"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn a_fault_of_one_round_is_not_lost_in_a_median() {
        let report = report();
        assert_eq!(report.json()["servers"][0]["result"]["early"], 2.0);
        assert_eq!(report.json()["servers"][0]["ratio_to_floor"].get("early"), None);
        assert_eq!(report.faults().count(), 2, "those of the server under test");
    }

    #[test]
    fn the_table_has_ratios_and_remarks() {
        let table = report().table();
        assert!(table.contains("6.0 (1.50)"), "{table}");
        assert!(table.contains("5.0 "), "{table}");
        assert!(!table.contains("(1.00)"), "no ratio of the floor to itself: {table}");
        assert_eq!(table.matches("keepline: closed lines early").count(), 1, "{table}");
    }

    #[test]
    fn without_a_floor_there_are_no_ratios() {
        let alone = Report {
            bench: "echo",
            settings: Map::new(),
            rows: vec![row("keepline", &[(3.0, 0.0)])],
            baseline: "floor",
            footnote: None,
        };
        assert_eq!(alone.json()["servers"][0]["ratio_to_floor"], json!({}));
        assert!(!alone.table().contains('('));
    }
}
