//! The text of a contract.

use mainstay_contract::editor::{complete, describe, literal};
use mainstay_contract::{Diagnostic, compile};

use crate::sample::source;

/// It compiles or is refused with places that are in it; and what editors ask about it has an answer.
pub fn take(text: &str) {
    match compile(vec![source(text.to_owned())]) {
        Ok(contract) => contract.warnings.iter().for_each(|problem| stands_in(problem, text)),
        Err(problems) => {
            assert!(!problems.0.is_empty(), "a refusal says why");
            problems.0.iter().for_each(|problem| stands_in(problem, text));
        }
    }
    // The end and the middle: whoever types is at one of them.
    for at in [text.len(), text.floor_char_boundary(text.len() / 2)] {
        for range in [complete(text, at).map(|found| found.range), describe(text, at).map(|found| found.range)] {
            assert!(range.is_none_or(|range| text.get(range).is_some()));
        }
        assert!(literal(text, at).is_none_or(|range| text.get(range).is_some()));
    }
}

fn stands_in(problem: &Diagnostic, text: &str) {
    let lines = text.split('\n').count();
    assert!(usize::try_from(problem.line).is_ok_and(|line| line <= lines), "{problem}");
    assert!(!problem.message.is_empty());
}
