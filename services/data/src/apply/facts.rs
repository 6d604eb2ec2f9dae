//! Answers a plan's questions about the rows that exist.

use mainstay_db::{Conn, Error, Statement};
use mainstay_ledger::{Answer, Answers};
use mainstay_record::{Kind, Row as _, Value};
use mainstay_sql::Probe;

use super::dialect;

/// Runs the questions' statements.
pub async fn answers(conn: &mut Conn<'_>, probes: Vec<Probe>) -> Result<Answers, Error> {
    let mut answers = Answers::default();
    for probe in probes {
        let answer = answer(conn, &probe).await?;
        answers.0.insert(probe, answer);
    }
    Ok(answers)
}

async fn answer(conn: &mut Conn<'_>, probe: &Probe) -> Result<Answer, Error> {
    let dialect = dialect(conn.engine());
    let mut count = 0;
    let statement = Statement::new(probe.count_sql(dialect).pieces, false);
    conn.query(&statement, &[], &mut |row| {
        if let Value::Int(n) = row.get(0, Kind::Int) {
            count = u64::try_from(n).unwrap_or(0);
        }
    })
    .await?;
    let mut sample = Vec::new();
    if let (Some(sql), true) = (probe.sample_sql(dialect), count > 0) {
        let columns = probe.sample_columns();
        let statement = Statement::new(sql.pieces, false);
        conn.query(&statement, &[], &mut |row| {
            sample.push((0..columns).map(|index| text(row.get(index, Kind::Text))).collect());
        })
        .await?;
    }
    Ok(Answer { count, sample })
}

fn text(value: Value) -> String {
    if let Value::Text(text) = value { text } else { String::new() }
}
