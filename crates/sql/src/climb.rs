//! The rows that relations lead to, one after the other: a recursive query.

use mainstay_expr::Climb;
use mainstay_record::Layout;

use crate::expression::Writer;

impl Writer<'_> {
    /// Writes the keys of the rows that are reached from a first one, each with how far it is.
    pub fn climbed(&mut self, climb: &Climb) {
        let Climb { table, start, relations, most, from_above: _ } = climb;
        let depth = self.open.len();
        let Some(known) = self.tables.known(*table) else { return };
        let keys: Vec<String> = (0..start.len()).map(|key| format!("k{key}")).collect();
        self.text(&format!("WITH RECURSIVE up{depth}({}, n) AS (SELECT ", keys.join(", ")));
        for part in start {
            self.operand(part);
            self.either(", ", " COLLATE \"C\", ");
        }
        self.text("0 UNION SELECT ");
        for key in 0..start.len() {
            self.onward(&known.layout, relations, key);
            self.either(", ", " COLLATE \"C\", ");
        }
        self.text(&format!("u.n + 1 FROM up{depth} AS u JOIN "));
        self.source(*table);
        self.text(" AS f ON ");
        for (key, name) in keys.iter().enumerate() {
            self.text(if key > 0 { " AND " } else { "" });
            self.out.column_of("f", &known.layout, key);
            self.text(&format!(" = u.{name}"));
        }
        if relations.len() > 1 {
            let ways: Vec<String> = (0..relations.len()).map(|way| format!("SELECT {way} AS w")).collect();
            self.text(&format!(" CROSS JOIN ({}) AS c", ways.join(" UNION ALL ")));
        }
        self.text(&format!(" WHERE u.n < {most} AND "));
        self.onward(&known.layout, relations, 0);
        self.text(" IS NOT NULL) ");
    }

    /// Writes a part of the key that a row leads on to.
    fn onward(&mut self, layout: &Layout, relations: &[Vec<usize>], key: usize) {
        if let [only] = relations {
            return self.out.column_of("f", layout, only[key]);
        }
        self.text("CASE c.w");
        for (way, columns) in relations.iter().enumerate() {
            self.text(&format!(" WHEN {way} THEN "));
            self.out.column_of("f", layout, columns[key]);
        }
        self.text(" END");
    }
}
