//! One Diesel DSL expression, compiled for both engines.

/// Marks a place where a test can make the process die. `failpoint!("name")` or `failpoint!("name", place)`.
#[macro_export]
macro_rules! failpoint {
    ($name:expr) => {
        $crate::failpoint::hit($name, || "")
    };
    ($name:expr, $place:expr) => {
        $crate::failpoint::hit($name, || $place)
    };
}

/// Runs a query and returns all rows: `db::load!(conn, users::table.select(UserRow::as_select()) => UserRow)` is a
/// `Result<Vec<UserRow>, db::Error>`. Stands in an `async` function; `conn` is a `&mut Conn<'_>`.
#[macro_export]
macro_rules! load {
    ($conn:expr, $query:expr => $row:ty) => {{
        let conn: &mut $crate::Conn<'_> = &mut *$conn;
        let rows = match conn.link()? {
            $crate::Link::Sqlite(link) => $crate::macro_support::diesel::RunQueryDsl::load::<$row>($query, link),
            $crate::Link::Postgres(link) => {
                $crate::macro_support::diesel_async::RunQueryDsl::load::<$row>($query, link).await
            }
        };
        conn.settle(rows, |rows: &Vec<$row>| rows.len())
    }};
}

/// Runs a query and returns its first row, if it has one: a `Result<Option<Row>, db::Error>`. Says nothing of `LIMIT`:
/// the query should.
#[macro_export]
macro_rules! first {
    ($conn:expr, $query:expr => $row:ty) => {
        $crate::load!($conn, $query => $row).map(|rows| rows.into_iter().next())
    };
}

/// Runs a statement and returns how many rows it changed: a `Result<usize, db::Error>`.
#[macro_export]
macro_rules! execute {
    ($conn:expr, $query:expr) => {{
        let conn: &mut $crate::Conn<'_> = &mut *$conn;
        let changed = match conn.link()? {
            $crate::Link::Sqlite(link) => $crate::macro_support::diesel::RunQueryDsl::execute($query, link),
            $crate::Link::Postgres(link) => {
                $crate::macro_support::diesel_async::RunQueryDsl::execute($query, link).await
            }
        };
        conn.settle(changed, |changed| *changed)
    }};
}
