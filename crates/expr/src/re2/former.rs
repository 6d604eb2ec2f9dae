//! How a pattern was read before it was RE2's: whether it means the same, and a text by which the two differ.
//!
//! Versions before this dialect left it to the `regex` crate what a pattern means, where `\d` is of all scripts and `[a&&b]`
//! an intersection. Both readings become automata, and the two are walked together over all texts, shortest first: where
//! they part is a text, and where they never do they are the same.

use std::collections::HashSet;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

use super::{emit, parse};

/// How much memory each of the two automata takes at most, once built and while it is.
const MAX_AUTOMATON_BYTES: usize = 4 << 20;
/// How many pairs of states are walked through at most.
const MAX_PAIRS: usize = 100_000;

/// How a pattern is read today, beside how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rereading {
    /// The same texts have a match.
    Same,
    /// One of the shortest texts that only one of the two matches: the former where `matched`.
    Differs { text: String, matched: bool },
    /// It is too large to tell, or asks for Unicode's idea of a word.
    Untold,
}

impl Rereading {
    /// Compares how a pattern is read with how it was. One that RE2 does not have is read as it was.
    pub fn of(source: &str) -> Rereading {
        let Ok(node) = parse::parse(source) else { return Rereading::Same };
        let written = emit::emit(&node);
        if written == source {
            return Rereading::Same;
        }
        match (automaton(source), automaton(&written)) {
            (Some(former), Some(today)) => Walk::new([&former, &today]).run(),
            _ => Rereading::Untold,
        }
    }
}

type Dfa = dense::DFA<Vec<u32>>;

fn automaton(pattern: &str) -> Option<Dfa> {
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .match_kind(MatchKind::All)
        .unicode_word_boundary(true)
        .dfa_size_limit(Some(MAX_AUTOMATON_BYTES))
        .determinize_size_limit(Some(MAX_AUTOMATON_BYTES));
    let nfa = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(MAX_AUTOMATON_BYTES));
    let mut builder = dense::Builder::new();
    builder.configure(config).syntax(syntax::Config::new().utf8(false)).thompson(nfa);
    builder.build(pattern).ok()
}

/// Where one automaton is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    Open(StateID),
    /// There is a match, whatever follows.
    Matched,
    /// There is none, whatever follows.
    Dead,
}

/// Where the two are, and how much of a character is still to come.
type Pair = ([State; 2], Rest);

struct Walk<'d> {
    automata: [&'d Dfa; 2],
    /// In the order in which they were met, each with the pair before it and the byte between.
    met: Vec<(Pair, usize, u8)>,
    known: HashSet<Pair>,
    /// Something was left out, so that nothing found means nothing.
    left_out: bool,
}

impl<'d> Walk<'d> {
    fn new(automata: [&'d Dfa; 2]) -> Walk<'d> {
        Walk { automata, met: Vec::new(), known: HashSet::new(), left_out: false }
    }

    fn run(mut self) -> Rereading {
        let config = start::Config::new().anchored(Anchored::No);
        let [Ok(former), Ok(today)] = self.automata.map(|dfa| dfa.start_state(&config)) else {
            return Rereading::Untold;
        };
        let begin = ([self.state(0, former), self.state(1, today)], Rest::Nothing);
        self.meet(begin, 0, 0);
        let mut next = 0;
        while let Some(&((states, rest), ..)) = self.met.get(next) {
            if rest == Rest::Nothing {
                let [Some(former), Some(today)] = [0, 1].map(|which| self.ends_matched(which, states[which])) else {
                    self.left_out = true;
                    next += 1;
                    continue;
                };
                if former != today {
                    return Rereading::Differs { text: self.text(next), matched: former };
                }
            }
            if self.met.len() > MAX_PAIRS {
                return Rereading::Untold;
            }
            self.follow(next, states, rest);
            next += 1;
        }
        if self.left_out { Rereading::Untold } else { Rereading::Same }
    }

    fn follow(&mut self, from: usize, states: [State; 2], rest: Rest) {
        for byte in bytes() {
            let Some(rest) = rest.after(byte) else { continue };
            let after = [0, 1].map(|which| match states[which] {
                State::Open(id) => {
                    let id = self.automata[which].next_state(id, byte);
                    (!self.automata[which].is_quit_state(id)).then(|| self.state(which, id))
                }
                ended => Some(ended),
            });
            match after {
                [Some(former), Some(today)] if former == today && !matches!(former, State::Open(_)) => {}
                [Some(former), Some(today)] => self.meet(([former, today], rest), from, byte),
                _ => self.left_out = true,
            }
        }
    }

    fn meet(&mut self, pair: Pair, from: usize, byte: u8) {
        if self.known.insert(pair) {
            self.met.push((pair, from, byte));
        }
    }

    fn state(&self, which: usize, id: StateID) -> State {
        match self.automata[which] {
            dfa if dfa.is_match_state(id) => State::Matched,
            dfa if dfa.is_dead_state(id) => State::Dead,
            _ => State::Open(id),
        }
    }

    /// Whether there is a match where the text ends here; nothing where the automaton cannot tell.
    fn ends_matched(&self, which: usize, state: State) -> Option<bool> {
        let State::Open(id) = state else { return Some(state == State::Matched) };
        let end = self.automata[which].next_eoi_state(id);
        (!self.automata[which].is_quit_state(end)).then(|| self.automata[which].is_match_state(end))
    }

    fn text(&self, mut at: usize) -> String {
        let mut bytes = Vec::new();
        while at != 0 {
            let (_, from, byte) = self.met[at];
            bytes.push(byte);
            at = from;
        }
        bytes.reverse();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// All bytes that texts have, what is good to read first. U+0000 is in no text.
fn bytes() -> impl Iterator<Item = u8> {
    (b'a'..=b'z').chain(b' '..=b'`').chain(b'{'..=b'~').chain(0x80..=0xff).chain(1..=0x1f).chain([0x7f])
}

/// What is left of a character (RFC 3629).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rest {
    Nothing,
    One,
    Two,
    Three,
    /// Behind E0, ED, F0 and F4, which take fewer bytes than others.
    AfterE0,
    AfterEd,
    AfterF0,
    AfterF4,
}

impl Rest {
    /// What is left behind one more byte; nothing where it cannot stand there.
    fn after(self, byte: u8) -> Option<Rest> {
        Some(match (self, byte) {
            (Rest::Nothing, 0x01..=0x7f) => Rest::Nothing,
            (Rest::Nothing, 0xc2..=0xdf) => Rest::One,
            (Rest::Nothing, 0xe0) => Rest::AfterE0,
            (Rest::Nothing, 0xed) => Rest::AfterEd,
            (Rest::Nothing, 0xe1..=0xef) => Rest::Two,
            (Rest::Nothing, 0xf0) => Rest::AfterF0,
            (Rest::Nothing, 0xf4) => Rest::AfterF4,
            (Rest::Nothing, 0xf1..=0xf3) => Rest::Three,
            (Rest::One, 0x80..=0xbf) => Rest::Nothing,
            (Rest::Two, 0x80..=0xbf) | (Rest::AfterE0, 0xa0..=0xbf) | (Rest::AfterEd, 0x80..=0x9f) => Rest::One,
            (Rest::Three, 0x80..=0xbf) | (Rest::AfterF0, 0x90..=0xbf) | (Rest::AfterF4, 0x80..=0x8f) => Rest::Two,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Rereading;
    use crate::re2::Pattern;

    #[test]
    fn patterns_that_are_read_alike_are_the_same() {
        for source in
            ["", "^[A-Z0-9-]{3,32}$", "abc", "^(a|b)+?x$", "a.c", "(?i)^straße$", r"^[0-9-]+$", "^.{2,5}$", r"\.pdf$"]
        {
            assert_eq!(Rereading::of(source), Rereading::Same, "{source}");
        }
    }

    #[test]
    fn where_two_readings_part_is_a_text_that_only_one_takes() {
        for source in [
            r"^\d{2}$",
            r"^\w+$",
            r"\s",
            r"^[a&&b]$",
            r"^\S+@example\.org$",
            r"^[^\d]$",
            r"^\W$",
            r"^[\w.-]+$",
            "^[+--b]$",
            r"(?i)^\w$",
        ] {
            let Rereading::Differs { text, matched } = Rereading::of(source) else {
                panic!("{source}: {:?}", Rereading::of(source))
            };
            let (former, today) =
                (Pattern::of_former_dialect(source).expect(source), Pattern::new(source).expect(source));
            assert_eq!((former.matches(&text), today.matches(&text)), (matched, !matched), "{source} on {text:?}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_said_to_be_the_same() {
        assert_eq!(Rereading::of(r"(?:\w{50}){20}"), Rereading::Untold);
        assert_ne!(Rereading::of(r"\bcat\b"), Rereading::Same);
    }

    #[test]
    fn what_re2_does_not_have_is_read_as_it_was() {
        assert_eq!(Rereading::of(r"^[a-z&&[^x]]$(?x)"), Rereading::Same);
    }
}
