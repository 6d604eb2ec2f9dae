//! What an expression is evaluated on.

use mainstay_record::Value;
use serde_json::{Map, Value as Json};

use crate::around::Around;
use crate::row::{Root, Row};

/// The caller, as rules see them.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuthView<'a> {
    /// Nothing (or an empty text, which is the same) where nobody is signed in: `auth.uid` is then NULL.
    pub uid: Option<&'a str>,
    pub email: Option<&'a str>,
    pub email_verified: bool,
    /// Those of the account, and those that it has in the organisation that it acts in, as far as the contract declares them so.
    pub roles: &'a [String],
    /// What those roles grant by the contract.
    pub permissions: &'a [String],
    /// How the caller has shown who they are, in the words of RFC 8176 (`pwd`). Empty where nobody is signed in.
    pub amr: &'a [String],
    /// How sure that is, from 1 to 3 (the authentication assurance levels of NIST SP 800-63B); 0 where nobody is signed in.
    pub aal: i64,
    /// The organisation that the caller acts in: nothing (or an empty text, which is the same) where in none.
    pub org: Option<&'a str>,
    /// How long ago the caller last showed who they are, in microseconds; nothing where that is not known.
    pub fresh: Option<i64>,
    /// What kind of caller it is: `user`, `anonymous` (an account without an address) or `service`. Nothing where nobody is
    /// signed in: a rule that excludes one kind then lets in nobody as little.
    pub kind: Option<&'a str>,
    /// What administrators have the caller's tokens say, by names of their own.
    pub claims: Option<&'a Map<String, Json>>,
}

impl<'a> AuthView<'a> {
    /// The value of `auth.uid`: never empty.
    pub fn uid(&self) -> Option<&'a str> {
        self.uid.filter(|uid| !uid.is_empty())
    }

    /// The value of `auth.email`: never empty.
    pub fn email(&self) -> Option<&'a str> {
        self.email.filter(|email| !email.is_empty())
    }

    /// The value of `auth.org`: never empty.
    pub fn org(&self) -> Option<&'a str> {
        self.org.filter(|org| !org.is_empty())
    }
}

/// The caller, the time and the records that an expression may name. What hangs on a record that is left out is unknown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    pub auth: AuthView<'a>,
    /// Microseconds since 1970 UTC.
    pub now: i64,
    /// Values in the order of `Layout::columns`.
    pub resource: Option<&'a [Value]>,
    pub old: Option<&'a [Value]>,
    pub new: Option<&'a [Value]>,
    /// The element that is `this`, for what is asked of each element of a list.
    pub element: Option<&'a serde_json::Value>,
    /// The rows that the expression looks at. What hangs on one that was not looked for is unknown.
    pub around: Option<&'a Around>,
}

impl<'a> Scope<'a> {
    /// The record in hand.
    fn record(&self, root: Root) -> Option<&'a [Value]> {
        match root {
            Root::Resource => self.resource,
            Root::Old => self.old,
            Root::New => self.new,
            Root::Bound(_) => None,
        }
    }

    /// A row, in hand or found: nothing where it was left out or not looked for, nothing inside where there is none.
    pub fn row(&self, row: &Row) -> Option<Option<&'a [Value]>> {
        if row.is_in_hand() { self.record(row.root).map(Some) } else { self.around?.get(row) }
    }
}
