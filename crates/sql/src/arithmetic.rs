//! Arithmetic as SQL. No operand is ever such that an engine fails: what is out of range, or divided by zero, is NULL.
//!
//! The operands are computed once, in a subquery. SQLite makes a fraction of an integer that does not fit, by which it is
//! told; PostgreSQL computes integers as NUMERIC, which has room for them.

use mainstay_expr::{ArithmeticOp, Expr, GREATEST, LEAST, Numbers};
use mainstay_record::time::TIME_RANGE_US;

use crate::expression::Writer;
use crate::open::Open;

impl Writer<'_> {
    pub fn arithmetic(&mut self, op: ArithmeticOp, (left, right): (&Expr, &Expr), within: Numbers) {
        if within == Numbers::Double {
            return self.doubles(op, left, right);
        }
        let (quotient, remainder) = match self.postgres() {
            false => ("n.a / n.b", "n.a % n.b"),
            true => ("div(n.a, NULLIF(n.b, 0))", "mod(n.a, NULLIF(n.b, 0))"),
        };
        let (test, value) = match op {
            ArithmeticOp::Add => ("n.a + n.b", "n.a + n.b"),
            ArithmeticOp::Subtract => ("n.a - n.b", "n.a - n.b"),
            ArithmeticOp::Multiply => ("n.a * n.b", "n.a * n.b"),
            ArithmeticOp::Divide => (quotient, quotient),
            ArithmeticOp::Remainder => (quotient, remainder),
        };
        self.text("(SELECT ");
        self.fitting(test, value, within);
        self.operands("::numeric", left, right);
    }

    /// Writes a value where what is tested is in range, as an integer.
    fn fitting(&mut self, test: &str, value: &str, within: Numbers) {
        let range = within.range();
        let (low, high) = (range.start(), range.end());
        let text = match (self.postgres(), within) {
            (false, Numbers::Integer) => format!("CASE WHEN typeof({test}) = 'integer' THEN {value} END"),
            (false, _) => {
                format!("CASE WHEN typeof({test}) = 'integer' AND ({test}) BETWEEN {low} AND {high} THEN {value} END")
            }
            // What does not fit is cut before it is made an integer, since the planner may do that ahead of the test.
            (true, _) => format!(
                "CASE WHEN {test} BETWEEN {low} AND {high} THEN LEAST(GREATEST({value}, {low}), {high})::bigint END"
            ),
        };
        self.text(&text);
    }

    fn doubles(&mut self, op: ArithmeticOp, left: &Expr, right: &Expr) {
        let value = match op {
            ArithmeticOp::Add => "n.a + n.b",
            ArithmeticOp::Subtract => "n.a - n.b",
            ArithmeticOp::Multiply => "n.a * n.b",
            ArithmeticOp::Divide => "n.a / NULLIF(n.b, 0)",
            ArithmeticOp::Remainder => "NULL",
        };
        let fits = |name: &str| format!("({name} = 0 OR abs({name}) BETWEEN {LEAST:e} AND {GREATEST:e})");
        self.text(&format!("(SELECT CASE WHEN {} AND {} THEN {value} END", fits("n.a"), fits("n.b")));
        self.operands("", left, right);
    }

    /// Writes where the operands come from. PostgreSQL would put them wherever they are named, without the OFFSET.
    pub fn operands(&mut self, cast: &str, left: &Expr, right: &Expr) {
        self.text(" FROM (SELECT ");
        for (operand, name) in [(left, " AS a, "), (right, " AS b")] {
            self.text("(");
            self.operand(operand);
            self.either(")", &format!("){cast}"));
            self.text(name);
        }
        self.either(") AS n)", " OFFSET 0) AS n)");
    }

    /// Writes the microseconds of a moment.
    pub fn micros(&mut self, of: &Expr) {
        self.either("(", "(EXTRACT(EPOCH FROM ");
        self.operand(of);
        self.either(")", ") * 1000000)::bigint");
    }

    /// Writes the date of a moment in microseconds, which may be beyond what a date can be.
    pub fn date_of(&mut self, of: &Expr) {
        let (low, high) = (TIME_RANGE_US.start(), TIME_RANGE_US.end());
        self.text(&format!("(SELECT CASE WHEN n.v BETWEEN {low} AND {high} THEN "));
        self.either(
            "CAST(strftime('%Y%m%d', (n.v - ((n.v % 86400000000) + 86400000000) % 86400000000) / 1000000, 'unixepoch') \
             AS INTEGER)",
            &format!(
                "to_char(timestamp 'epoch' + floor(LEAST(GREATEST(n.v, {low}), {high})::numeric / 86400000000)\
                 ::double precision * interval '1 day', 'YYYYMMDD')::bigint"
            ),
        );
        self.text(" END FROM (SELECT ");
        self.operand(of);
        self.either(" AS v) AS n)", " AS v OFFSET 0) AS n)");
    }

    /// Writes a sum over the elements of a list: of those that are kept, and of none if it is not known of one. SQLite fails
    /// where a sum has no place in 64 bits on the way, so it adds the upper and the lower halves.
    pub fn sum(&mut self, level: u8, list: &Expr, (keep, value): (&Expr, &Expr), within: Numbers) {
        let range = within.range();
        let (low, high) = (range.start(), range.end());
        const UNKNOWN: &str = "count(*) FILTER (WHERE n.k IS NULL OR (n.k AND n.v IS NULL))";
        if self.postgres() {
            let sum = "coalesce(sum(n.v) FILTER (WHERE n.k), 0)";
            self.text(&format!(
                "(SELECT CASE WHEN {UNKNOWN} = 0 AND {sum} BETWEEN {low} AND {high} \
                 THEN LEAST(GREATEST({sum}, {low}), {high})::bigint END FROM ("
            ));
        } else {
            let range = if within == Numbers::Integer {
                String::new()
            } else {
                format!(" AND (s.h << 32 | s.l & 4294967295) BETWEEN {low} AND {high}")
            };
            let lower = "coalesce(sum(n.v & 4294967295) FILTER (WHERE n.k), 0)";
            self.text(&format!(
                "(SELECT CASE WHEN s.u = 0 AND s.h BETWEEN -2147483648 AND 2147483647{range} \
                 THEN (s.h << 32) | (s.l & 4294967295) END FROM (SELECT {UNKNOWN} AS u, \
                 coalesce(sum(n.v >> 32) FILTER (WHERE n.k), 0) + ({lower} >> 32) AS h, {lower} AS l FROM ("
            ));
        }
        let name = self.next_element();
        self.open.push((level, Open::Element { name: name.clone() }));
        self.text("SELECT ");
        self.condition(keep);
        self.text(" AS k, ");
        self.operand(value);
        self.text(" AS v FROM ");
        self.open.pop();
        self.elements(list, &name);
        self.either(") AS n) AS s)", " OFFSET 0) AS n)");
    }
}
