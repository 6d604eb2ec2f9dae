//! Accounts that are looked for: a page at a time, by one index.
//!
//! One condition leads: the most selective one that an index serves. The page is in the order of that index, and goes on behind the
//! last account of the one before; the other conditions are looked at on the way.

use mainstay_db::{self as db, Conn, Rows, Statement};
use mainstay_record::{Kind, Piece, Value};

use super::accounts::{self, AccountRow};
use crate::domain::search::{Condition, Key};

/// Where a page ends: what its last account is ordered by, and its uid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub order: String,
    pub uid: String,
}

/// Which index leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Key(Key),
    Role,
    Disabled,
    Time,
    All,
}

/// Gives a page of the accounts that fulfil all conditions, with what each is ordered by.
pub async fn page(
    conn: &mut Conn<'_>,
    conditions: &[Condition],
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<(AccountRow, String)>, db::Error> {
    let (statement, binds) = statement(conditions, after, limit);
    let mut found = Rows::of(&[Kind::Text, Kind::Text]);
    conn.fetch(&statement, &binds, &mut found).await?;
    let found: Vec<(String, String)> = found.rows.into_iter().map(pair).collect();
    let uids: Vec<String> = found.iter().map(|(uid, _)| uid.clone()).collect();
    let mut rows = accounts::of_uids(conn, &uids).await?;
    let in_order = found.into_iter().filter_map(|(uid, order)| {
        let index = rows.iter().position(|row| row.uid == uid)?;
        Some((rows.swap_remove(index), order))
    });
    Ok(in_order.collect())
}

/// Writes the statement of a page, as text that has no values in it.
pub fn statement(
    conditions: &[Condition],
    after: Option<&Place>,
    limit: i64,
) -> (std::sync::Arc<Statement>, Vec<Value>) {
    let lead = lead(conditions);
    let mut sql = Writer::default();
    let order = match lead {
        Lead::Key(key) => column(key),
        Lead::Role => "l.account_uid",
        Lead::Time => "a.create_time",
        Lead::Disabled | Lead::All => "a.uid",
    };
    // A number is written as a text of fixed width for the page token alone; it is ordered as a number.
    let shown = if lead == Lead::Time { "CAST(a.create_time AS TEXT)" } else { order };
    sql.text(&format!("SELECT a.uid, {shown} FROM accounts AS a"));
    if lead == Lead::Role {
        sql.text(" JOIN account_roles AS l ON l.account_uid = a.uid");
    }
    sql.text(" WHERE TRUE");
    let mut has_lead = false;
    for condition in conditions {
        sql.text(" AND ");
        let leads = !has_lead && lead == Lead::Role && matches!(condition, Condition::Role(_));
        has_lead |= leads;
        sql.condition(condition, leads);
    }
    if let Some(Place { order: last, uid }) = after {
        match lead {
            Lead::Disabled | Lead::All => sql.compare(" AND a.uid > ", uid),
            Lead::Role => sql.compare(" AND l.account_uid > ", uid),
            Lead::Key(Key::Email | Key::UserName) => sql.compare(&format!(" AND {order} > "), last),
            Lead::Key(Key::DisplayName) => {
                sql.compare(&format!(" AND ({order}, a.uid) > ("), last);
                sql.compare(", ", uid);
                sql.text(")");
            }
            Lead::Time => {
                sql.text(" AND (a.create_time, a.uid) > (");
                sql.number(last.parse().unwrap_or(i64::MAX));
                sql.compare(", ", uid);
                sql.text(")");
            }
        }
    }
    let then = if matches!(lead, Lead::Time | Lead::Key(Key::DisplayName)) { ", a.uid" } else { "" };
    sql.text(&format!(" ORDER BY {order}{then} LIMIT "));
    sql.number(limit);
    // How a filter is made of conditions is its caller's: too many shapes to keep them all prepared.
    (Statement::new(sql.pieces, false), sql.binds)
}

/// The condition that an index serves best: one address or name, then those that begin so, then roles, then what is rare.
fn lead(conditions: &[Condition]) -> Lead {
    let rank = |condition: &Condition| match condition {
        Condition::Is(key, _) => Some((0, Lead::Key(*key))),
        Condition::Begins(key, _) => Some((1, Lead::Key(*key))),
        Condition::Role(_) => Some((2, Lead::Role)),
        Condition::Disabled(true) => Some((3, Lead::Disabled)),
        Condition::From(_) | Condition::Before(_) => Some((4, Lead::Time)),
        Condition::Disabled(false) | Condition::Verified(_) | Condition::Anonymous(_) => None,
    };
    conditions.iter().filter_map(rank).min_by_key(|(rank, _)| *rank).map_or(Lead::All, |(_, lead)| lead)
}

fn column(key: Key) -> &'static str {
    match key {
        Key::Email => "a.email_key",
        Key::UserName => "a.user_name",
        Key::DisplayName => "a.display_name_key",
    }
}

#[derive(Default)]
struct Writer {
    pieces: Vec<Piece>,
    binds: Vec<Value>,
}

impl Writer {
    fn text(&mut self, text: &str) {
        self.pieces.push(Piece::Text(text.to_owned()));
    }

    fn bind(&mut self, value: Value, kind: Kind) {
        self.pieces.push(Piece::Bind { slot: self.binds.len(), kind });
        self.binds.push(value);
    }

    fn number(&mut self, number: i64) {
        self.bind(Value::Int(number), Kind::Int);
    }

    fn compare(&mut self, text: &str, value: &str) {
        self.text(text);
        self.bind(Value::Text(value.into()), Kind::Text);
    }

    fn condition(&mut self, condition: &Condition, leads: bool) {
        match condition {
            Condition::Is(key, value) => self.compare(&format!("{} = ", column(*key)), value),
            Condition::Begins(key, value) => {
                // What begins so lies between it and what comes after everything that does.
                self.compare(&format!("({0} >= ", column(*key)), value);
                match after_all(value) {
                    Some(end) => self.compare(&format!(" AND {} < ", column(*key)), &end),
                    None => self.text(" AND TRUE"),
                }
                if *key == Key::Email {
                    // The keys of those without an address are no addresses.
                    self.text(" AND a.email <> ''");
                }
                self.text(")");
            }
            Condition::Role(role) if leads => self.compare("l.role = ", role),
            Condition::Role(role) => {
                self.compare(
                    "EXISTS (SELECT 1 FROM account_roles AS r WHERE r.account_uid = a.uid AND r.role = ",
                    role,
                );
                self.text(")");
            }
            Condition::Disabled(true) => self.text("a.disable_time IS NOT NULL"),
            Condition::Disabled(false) => self.text("a.disable_time IS NULL"),
            Condition::Verified(true) => self.text("a.email_verified"),
            Condition::Verified(false) => self.text("NOT a.email_verified"),
            Condition::Anonymous(true) => self.text("a.anonymous"),
            Condition::Anonymous(false) => self.text("NOT a.anonymous"),
            Condition::From(time) => {
                self.text("a.create_time >= ");
                self.number(*time);
            }
            Condition::Before(time) => {
                self.text("a.create_time < ");
                self.number(*time);
            }
        }
    }
}

/// The first text that comes after everything that begins so, in the order of bytes; nothing where there is none.
fn after_all(prefix: &str) -> Option<String> {
    let mut signs: Vec<char> = prefix.chars().collect();
    while let Some(last) = signs.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            return Some(signs.into_iter().chain([next]).collect());
        }
    }
    None
}

fn pair(row: Vec<Value>) -> (String, String) {
    let mut texts = row.into_iter().map(|value| if let Value::Text(text) = value { text } else { String::new() });
    (texts.next().unwrap_or_default(), texts.next().unwrap_or_default())
}
