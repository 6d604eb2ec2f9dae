//! Rows that did not go although their moment had come: each is left alone for a while, longer each time.

use std::collections::HashMap;

/// The pause after the first refusal, microseconds. It doubles with each further one.
const FIRST: i64 = 2_000_000;

/// The longest pause, microseconds: what a guard looks at may have changed meanwhile, and nobody tells.
pub const LONGEST: i64 = 60_000_000;

/// How many rows are remembered at most. Those beyond are tried each time.
const MOST: usize = 50_000;

/// A row and the transition that it does not go along.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stuck {
    /// The resource's type.
    pub resource: String,
    pub transition: String,
    /// The one that the row belongs to, where it does.
    pub organisation: Option<String>,
    pub name: String,
}

/// What is remembered of rows that stay, by the one replica that takes rows along.
#[derive(Debug, Default)]
pub struct Patience {
    rows: HashMap<Stuck, Wait>,
    round: u64,
}

#[derive(Debug)]
struct Wait {
    pause: i64,
    /// When it is tried again, microseconds since 1970 UTC.
    again: i64,
    /// The last round in which it was found.
    seen: u64,
}

impl Patience {
    /// Says whether a row that was found is to be left alone now.
    pub fn waits(&self, row: &Stuck, now: i64) -> bool {
        self.rows.get(row).is_some_and(|wait| now < wait.again)
    }

    /// Notes that a row was found and left alone.
    pub(super) fn left(&mut self, row: &Stuck) {
        if let Some(wait) = self.rows.get_mut(row) {
            wait.seen = self.round;
        }
    }

    /// Notes that a row did not go.
    pub(super) fn refused(&mut self, row: Stuck, now: i64) {
        let (seen, is_full) = (self.round, self.rows.len() >= MOST);
        match self.rows.get_mut(&row) {
            Some(wait) => {
                wait.pause = (wait.pause * 2).min(LONGEST);
                *wait = Wait { pause: wait.pause, again: now.saturating_add(wait.pause), seen };
            }
            None if is_full => {}
            None => {
                self.rows.insert(row, Wait { pause: FIRST, again: now.saturating_add(FIRST), seen });
            }
        }
    }

    /// Ends a round: rows that were not found in it went, or are not due any more.
    pub(super) fn end_round(&mut self) {
        let round = self.round;
        self.rows.retain(|_, wait| wait.seen == round);
        self.round += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> Stuck {
        let (resource, transition) = ("bank.example.com/Hold".to_owned(), "Release".to_owned());
        Stuck { resource, transition, organisation: None, name: name.to_owned() }
    }

    #[test]
    fn a_row_that_stays_is_tried_less_and_less_often_and_at_least_once_a_minute() {
        let (mut patience, mut now, mut tries) = (Patience::default(), 0, Vec::new());
        while now < 10 * LONGEST {
            match patience.waits(&row("a"), now) {
                true => patience.left(&row("a")),
                false => {
                    tries.push(now / 1_000_000);
                    patience.refused(row("a"), now);
                }
            }
            patience.end_round();
            now += 1_000_000;
        }
        assert_eq!(tries[..7], [0, 2, 6, 14, 30, 62, 122]);
        assert!(tries[6..].windows(2).all(|pair| pair[1] - pair[0] == 60), "{tries:?}");
    }

    #[test]
    fn a_row_that_is_not_found_any_more_is_forgotten() {
        let mut patience = Patience::default();
        patience.refused(row("a"), 0);
        patience.end_round();
        patience.end_round();
        assert!(!patience.waits(&row("a"), 1), "it may have become due again since");
        assert!(patience.rows.is_empty());
    }

    #[test]
    fn no_more_rows_are_remembered_than_there_is_room_for() {
        let mut patience = Patience::default();
        for index in 0..=MOST {
            patience.refused(row(&index.to_string()), 0);
        }
        assert_eq!(patience.rows.len(), MOST);
        assert!(!patience.waits(&row(&MOST.to_string()), 1), "it is tried each time");
    }
}
