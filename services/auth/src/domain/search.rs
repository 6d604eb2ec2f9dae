//! What accounts are looked for by: a filter of AIP-160, of the part of it that indexes serve.

use icu_casemap::CaseMapper;
use mainstay_record::time::Timestamp;
use unicode_normalization::UnicodeNormalization;

use super::email::Email;
use super::profile::display_name_key;
use super::user_name::UserName;

/// Longest filter that is read, in bytes.
pub const MAX_FILTER_BYTES: usize = 1024;

/// Most conditions of one filter.
pub const MAX_CONDITIONS: usize = 8;

/// One condition that an account has to fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A key is this one.
    Is(Key, String),
    /// A key begins so.
    Begins(Key, String),
    /// It has a role.
    Role(String),
    /// Whether it is disabled.
    Disabled(bool),
    /// Whether its address is verified.
    Verified(bool),
    /// Whether it has no address.
    Anonymous(bool),
    /// It was made at this time or later, in microseconds since the Unix epoch.
    From(i64),
    /// It was made before this time.
    Before(i64),
}

/// What is compared in a canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Email,
    UserName,
    DisplayName,
}

/// Says what is wrong with a filter, and at which character, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {what}")]
pub struct FilterError {
    pub at: usize,
    pub what: String,
}

/// Reads a filter: conditions that hold all, with AND between them or nothing.
pub fn parse(text: &str) -> Result<Vec<Condition>, FilterError> {
    let problem = |at: usize, what: String| Err(FilterError { at: at + 1, what });
    if text.len() > MAX_FILTER_BYTES {
        return problem(0, format!("a filter has at most {MAX_FILTER_BYTES} bytes"));
    }
    let signs: Vec<char> = text.chars().collect();
    let mut reader = Reader { signs: &signs, at: 0 };
    let mut conditions = Vec::new();
    loop {
        reader.skip_blanks();
        if reader.at == signs.len() {
            return Ok(conditions);
        }
        if !conditions.is_empty() && reader.takes_word("AND") {
            reader.skip_blanks();
        }
        let at = reader.at;
        if conditions.len() == MAX_CONDITIONS {
            return problem(at, format!("a filter has at most {MAX_CONDITIONS} conditions"));
        }
        conditions.push(reader.condition()?);
    }
}

struct Reader<'s> {
    signs: &'s [char],
    at: usize,
}

/// What stands right of a comparator.
struct Argument {
    text: String,
    /// Whether a star without a backslash stands at its end.
    is_prefix: bool,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.signs.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn problem<T>(&self, at: usize, what: impl Into<String>) -> Result<T, FilterError> {
        Err(FilterError { at: at + 1, what: what.into() })
    }

    /// Takes a word that stands alone.
    fn takes_word(&mut self, word: &str) -> bool {
        let length = word.chars().count();
        let is_it =
            self.signs.get(self.at..self.at + length).is_some_and(|signs| signs.iter().copied().eq(word.chars()));
        let ends = self.signs.get(self.at + length).is_none_or(|sign| sign.is_whitespace() || *sign == '(');
        if is_it && ends {
            self.at += length;
        }
        is_it && ends
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        let begin = self.at;
        if self.peek().is_some_and(|sign| matches!(sign, '(' | '-')) || self.takes_word("NOT") {
            return self.problem(begin, "only conditions that hold all are supported: no NOT, no parentheses");
        }
        while self.peek().is_some_and(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '.')) {
            self.at += 1;
        }
        let field: String = self.signs[begin..self.at].iter().collect();
        if field == "OR" {
            return self.problem(begin, "OR is not supported: ask twice");
        }
        if field.is_empty() {
            return self.problem(begin, "a field is expected");
        }
        self.skip_blanks();
        let operator_at = self.at;
        while self.peek().is_some_and(|sign| "=!<>:".contains(sign)) {
            self.at += 1;
        }
        let operator: String = self.signs[operator_at..self.at].iter().collect();
        self.skip_blanks();
        let argument = self.argument()?;
        self.read(&field, begin, (&operator, operator_at), argument)
    }

    /// A text in quotes, or a word without blanks.
    fn argument(&mut self) -> Result<Argument, FilterError> {
        let at = self.at;
        let quote = self.peek().filter(|sign| matches!(sign, '"' | '\''));
        self.at += usize::from(quote.is_some());
        let (mut text, mut is_prefix) = (String::new(), false);
        loop {
            let Some(sign) = self.peek() else {
                if quote.is_some() {
                    return self.problem(at, "the quotes are not closed");
                }
                break;
            };
            let ends = quote.map_or_else(|| sign.is_whitespace() || matches!(sign, '(' | ')'), |quote| sign == quote);
            if ends {
                self.at += usize::from(quote.is_some());
                break;
            }
            if is_prefix {
                return self.problem(self.at - 1, "`*` stands at the end alone: what begins so is found by an index");
            }
            self.at += 1;
            match sign {
                '\\' => {
                    let Some(escaped) = self.peek() else { return self.problem(at, "a backslash stands at the end") };
                    text.push(escaped);
                    self.at += 1;
                }
                '*' => is_prefix = true,
                sign => text.push(sign),
            }
        }
        if text.is_empty() && !is_prefix && quote.is_none() {
            return self.problem(at, "a value is expected");
        }
        Ok(Argument { text, is_prefix, at })
    }

    fn read(
        &self,
        field: &str,
        begin: usize,
        (operator, operator_at): (&str, usize),
        argument: Argument,
    ) -> Result<Condition, FilterError> {
        let is_equal = matches!(operator, "=" | ":");
        let only = |wanted: &str| format!("`{field}` is compared with {wanted}");
        match field {
            "email" | "user_name" | "userName" | "display_name" | "displayName" if !is_equal => {
                self.problem(operator_at, only("`=` or `:`"))
            }
            "email" => self.key(Key::Email, argument),
            "user_name" | "userName" => self.key(Key::UserName, argument),
            "display_name" | "displayName" => self.key(Key::DisplayName, argument),
            "roles" if operator == ":" && !argument.is_prefix => Ok(Condition::Role(argument.text)),
            "roles" => self.problem(operator_at, "a role is asked for as `roles:\"editor\"`"),
            "create_time" | "createTime" => {
                let Ok(time) = Timestamp::parse(&argument.text) else {
                    return self.problem(argument.at, "a time is written as \"2026-01-31T12:00:00Z\"");
                };
                let time = time.micros();
                match operator {
                    ">=" => Ok(Condition::From(time)),
                    ">" => Ok(Condition::From(time.saturating_add(1))),
                    "<" => Ok(Condition::Before(time)),
                    "<=" => Ok(Condition::Before(time.saturating_add(1))),
                    _ => self.problem(operator_at, only("`<`, `<=`, `>` or `>=`")),
                }
            }
            "disable_time" | "disableTime" if is_equal && argument.is_prefix && argument.text.is_empty() => {
                Ok(Condition::Disabled(true))
            }
            "disable_time" | "disableTime" if operator == "!=" && argument.is_prefix && argument.text.is_empty() => {
                Ok(Condition::Disabled(false))
            }
            "disable_time" | "disableTime" => {
                self.problem(operator_at, "ask for accounts that are disabled as `disable_time:*`, for others as `disable_time != *`")
            }
            "email_verified" | "emailVerified" | "anonymous" => {
                let value = match (operator, argument.text.as_str(), argument.is_prefix) {
                    ("=" | ":", "true", false) | ("!=", "false", false) => true,
                    ("=" | ":", "false", false) | ("!=", "true", false) => false,
                    _ => return self.problem(operator_at, only("`= true` or `= false`")),
                };
                Ok(if field == "anonymous" { Condition::Anonymous(value) } else { Condition::Verified(value) })
            }
            _ => self.problem(
                begin,
                format!(
                    "`{field}` is not looked for; there are email, user_name, display_name, roles, create_time, disable_time, \
                     email_verified and anonymous"
                ),
            ),
        }
    }

    fn key(&self, key: Key, argument: Argument) -> Result<Condition, FilterError> {
        let Argument { text, is_prefix, at } = argument;
        if is_prefix {
            let folded = match key {
                Key::Email => folded_address(&text),
                Key::UserName | Key::DisplayName => display_name_key(&text),
            };
            return if folded.is_empty() {
                self.problem(at, "something has to stand before `*`")
            } else {
                Ok(Condition::Begins(key, folded))
            };
        }
        let exact = match key {
            Key::Email => {
                Email::parse(&text).map(|email| email.key().to_owned()).map_err(|problem| problem.to_string())
            }
            Key::UserName => {
                UserName::claimed(&text).map(|name| name.as_str().to_owned()).map_err(|problem| problem.to_string())
            }
            Key::DisplayName => Ok(display_name_key(text.trim())),
        };
        exact.map(|exact| Condition::Is(key, exact)).or_else(|problem| self.problem(at, format!("`{text}` {problem}")))
    }
}

/// The beginning of an address as its key begins, where its domain is in ASCII.
fn folded_address(text: &str) -> String {
    let composed: String = text.trim_start().nfc().collect();
    CaseMapper::new().fold_string(&composed).nfc().collect()
}
