//! Statements and jobs that the tests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use mainstay_db::{Atomic, Conn, Database, Error, Lane, Rows, Statement};
use mainstay_record::{Kind, Piece, Value};

/// Makes a statement of text in which each `?` stands for the next bind.
pub fn statement(sql: &str, kinds: &[Kind]) -> Arc<Statement> {
    shape(sql, kinds, true)
}

pub fn shape(sql: &str, kinds: &[Kind], cacheable: bool) -> Arc<Statement> {
    let mut pieces = Vec::new();
    for (slot, text) in sql.split('?').enumerate() {
        if slot > 0 {
            pieces.push(Piece::Bind { slot: slot - 1, kind: kinds[slot - 1] });
        }
        pieces.push(Piece::Text(text.to_owned()));
    }
    Statement::new(pieces, cacheable)
}

pub fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Runs SQL outside any transaction.
pub async fn batch(db: &Database, sql: &str) {
    let sql = sql.to_owned();
    let done: Result<(), Error> = db.exclusive(move |conn| Box::pin(async move { conn.batch(&sql).await })).await;
    done.unwrap();
}

/// Makes the table `t` with a text key and a number.
pub async fn table(db: &Database) {
    batch(db, "CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0)").await;
}

pub async fn insert(conn: &mut Conn<'_>, id: &str) -> Result<usize, Error> {
    conn.execute(&statement("INSERT INTO t (id) VALUES (?)", &[Kind::Text]), &[text(id)]).await
}

/// Inserts one row as a write of its own.
pub async fn add(db: &Database, id: &str) -> Result<usize, Error> {
    let id = id.to_owned();
    db.write(Atomic::Statement, move |conn| {
        let id = id.clone();
        Box::pin(async move { insert(conn, &id).await })
    })
    .await
}

/// The keys in `t`, in order.
pub async fn keys(db: &Database) -> Vec<String> {
    let statement = statement("SELECT id FROM t ORDER BY id", &[]);
    let rows = db.fetch(Lane::Inline, &statement, Vec::new(), Rows::of(&[Kind::Text])).await.unwrap();
    rows.rows
        .into_iter()
        .map(|row| if let [Value::Text(id)] = &row[..] { id.clone() } else { panic!("{row:?}") })
        .collect()
}

/// The first number of a statement's first row.
pub async fn number(db: &Database, sql: &str) -> i64 {
    let rows = db.fetch(Lane::Inline, &statement(sql, &[]), Vec::new(), Rows::of(&[Kind::Int])).await.unwrap();
    if let Value::Int(n) = rows.rows[0][0] { n } else { panic!("{rows:?}") }
}

/// A place where a thread waits until the test lets it go.
#[derive(Clone)]
pub struct Gate {
    reached: mpsc::Sender<()>,
    arrivals: Arc<Mutex<mpsc::Receiver<()>>>,
    open: mpsc::Sender<()>,
    pass: Arc<Mutex<mpsc::Receiver<()>>>,
    passed: Arc<AtomicU64>,
}

impl Gate {
    pub fn new() -> Gate {
        let (reached, arrivals) = mpsc::channel();
        let (open, pass) = mpsc::channel();
        let (arrivals, pass) = (Arc::new(Mutex::new(arrivals)), Arc::new(Mutex::new(pass)));
        Gate { reached, arrivals, open, pass, passed: Arc::default() }
    }

    /// Says that the gate is reached and waits; only the first visitor does.
    pub fn stop(&self) {
        if self.passed.fetch_add(1, Ordering::Relaxed) == 0 {
            self.reached.send(()).unwrap();
            self.pass.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap();
        }
    }

    /// Waits until somebody stands at the gate.
    pub async fn reached(&self) {
        let arrivals = Arc::clone(&self.arrivals);
        tokio::task::spawn_blocking(move || arrivals.lock().unwrap().recv().unwrap()).await.unwrap();
    }

    pub fn open(&self) {
        self.open.send(()).unwrap();
    }
}

/// Keeps the SQLite writer busy until the gate opens, so that what is written meanwhile meets in one group.
pub async fn hold_writer(db: &Database) -> (Gate, tokio::task::JoinHandle<Result<(), Error>>) {
    let gate = Gate::new();
    let (db, stop) = (db.clone(), gate.clone());
    let held = tokio::spawn(async move {
        db.write(Atomic::Transaction, move |_| {
            let stop = stop.clone();
            Box::pin(async move {
                stop.stop();
                Ok(())
            })
        })
        .await
    });
    gate.reached().await;
    (gate, held)
}
