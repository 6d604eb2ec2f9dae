//! The table: what was measured, beside what it is compared with.

use std::fmt::Write as _;

use crate::measure::Measured;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// One line of the table.
pub struct Row {
    pub what: String,
    pub who: String,
    pub measured: Measured,
}

/// One aim, and whether it was reached.
pub struct Aim {
    pub what: String,
    pub wanted: String,
    pub got: String,
    pub reached: bool,
}

/// What one request takes of a process, in thousands of instructions.
pub struct Counted {
    pub what: String,
    pub who: String,
    pub thousands: f64,
}

/// Everything that a run found.
#[derive(Default)]
pub struct Report {
    pub rows: Vec<Row>,
    pub counted: Vec<Counted>,
    pub aims: Vec<Aim>,
    pub notes: Vec<String>,
}

impl Report {
    /// Adds a line and prints it, so that one sees how far the run is.
    pub fn add(&mut self, what: &str, who: &str, measured: Measured) -> Measured {
        let m = &measured;
        println!(
            "  {what:<46} {who:<26} {:>9.0}/s  p50 {:>7.2}  p99 {:>7.2} ms  cpu {:.2}/{:.2}  {:>4.0} MiB",
            m.per_second, m.p50_ms, m.p99_ms, m.server_cpu, m.load_cpu, m.resident_mib
        );
        self.rows.push(Row { what: what.to_owned(), who: who.to_owned(), measured: measured.clone() });
        measured
    }

    /// Adds an aim that is a ratio to reach.
    pub fn at_least(&mut self, what: &str, got: f64, wanted: f64, unit: &str) {
        let (show, factor) = if unit == "%" { (unit, 100.0) } else { (unit, 1.0) };
        self.aims.push(Aim {
            what: what.to_owned(),
            wanted: format!("at least {:.1}{show}", wanted * factor),
            got: format!("{:.1}{show}", got * factor),
            reached: got >= wanted,
        });
    }

    /// Adds an aim that is a ratio not to exceed.
    pub fn at_most(&mut self, what: &str, got: f64, limit: f64, unit: &str) {
        self.aims.push(Aim {
            what: what.to_owned(),
            wanted: format!("at most {limit:.1}{unit}"),
            got: format!("{got:.2}{unit}"),
            reached: got <= limit,
        });
    }

    /// Adds an aim that is a number to stay below.
    pub fn below(&mut self, what: &str, got: f64, limit: f64, unit: &str) {
        self.aims.push(Aim {
            what: what.to_owned(),
            wanted: format!("under {limit:.0} {unit}"),
            got: format!("{got:.1} {unit}"),
            reached: got < limit,
        });
    }

    /// Adds how many thousand instructions a request takes of Mainstay, as an aim that is a ceiling. What could not be
    /// counted is not below it.
    pub fn instructions(&mut self, what: &str, got: Result<f64, String>, ceiling: f64) {
        let (got, reached) = match got {
            Ok(thousands) => {
                self.count(Counted { what: what.to_owned(), who: "Mainstay".to_owned(), thousands });
                (format!("{thousands:.1} k"), thousands <= ceiling)
            }
            Err(failure) => (format!("not counted: {failure}"), false),
        };
        let (what, wanted) = (format!("{what}: instructions"), format!("at most {ceiling:.1} k"));
        self.aims.push(Aim { what, wanted, got, reached });
    }

    /// Adds a count and prints it.
    pub fn count(&mut self, counted: Counted) {
        println!("  {:<46} {:<26} {:>8.1} k instructions", counted.what, counted.who, counted.thousands);
        self.counted.push(counted);
    }

    /// Adds a remark below the tables.
    pub fn note(&mut self, note: String) {
        println!("  {note}");
        self.notes.push(note);
    }

    /// Fails where an aim was not reached, and says which.
    pub fn verdict(&self) -> Result<(), Failure> {
        let missed = self.aims.iter().filter(|aim| !aim.reached);
        let missed: Vec<_> = missed.map(|aim| format!("{} ({}, wanted {})", aim.what, aim.got, aim.wanted)).collect();
        if missed.is_empty() { Ok(()) } else { Err(format!("missed: {}", missed.join("; ")).into()) }
    }

    /// The report as Markdown.
    pub fn markdown(&self, method: &str) -> String {
        let mut text = String::from("# Results\n\nWritten by `make bench`; ratios hold within one run only.\n\n");
        let _ = writeln!(text, "{method}\n\n| aim | wanted | got | |\n|---|--:|--:|---|");
        for aim in &self.aims {
            let mark = if aim.reached { "reached" } else { "**missed**" };
            let _ = writeln!(text, "| {} | {} | {} | {mark} |", aim.what, aim.wanted, aim.got);
        }
        text.push_str(
            "\n| work | who | req/s | p50 ms | p99 ms | CPU server / load | MiB |\n|---|---|--:|--:|--:|--:|--:|\n",
        );
        for row in &self.rows {
            let m = &row.measured;
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.2} | {:.2} | {:.2} / {:.2} | {:.0} |",
                row.what, row.who, m.per_second, m.p50_ms, m.p99_ms, m.server_cpu, m.load_cpu, m.resident_mib
            );
        }
        text.push_str("\n| one request | of | thousand instructions |\n|---|---|--:|\n");
        for counted in &self.counted {
            let _ = writeln!(text, "| {} | {} | {:.1} |", counted.what, counted.who, counted.thousands);
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        text
    }

    /// Prints the aims.
    pub fn print_aims(&self) {
        println!();
        for aim in &self.aims {
            let mark = if aim.reached { "reached" } else { "MISSED" };
            println!("  {:<70} {:>18}  {:>12}  {mark}", aim.what, aim.wanted, aim.got);
        }
    }
}
