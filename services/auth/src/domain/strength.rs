//! How hard a password is to guess.

use zxcvbn::{Score, zxcvbn};

/// The best score that there is.
pub const MAX_SCORE: u8 = 4;

/// Says what makes a password easy to guess, and how to make it better; nothing where its score is at least `least`.
///
/// The score is zxcvbn's: 0 is guessed at once, 2 holds against guesses over the network, 4 against those on a stolen hash.
/// `known` is what a guesser knows of its owner. The first hundred characters are looked at.
pub fn weakness(password: &str, known: &[&str], least: u8) -> Option<String> {
    let guessed = zxcvbn(password, known);
    if score(guessed.score()) >= least {
        return None;
    }
    let feedback = guessed.feedback();
    let warning = feedback.and_then(|feedback| feedback.warning()).map(|warning| warning.to_string());
    let suggestions = feedback.into_iter().flat_map(|feedback| feedback.suggestions()).map(ToString::to_string);
    let said: Vec<String> = warning.into_iter().chain(suggestions).collect();
    let said: Vec<&str> = said.iter().map(|sentence| sentence.trim_end_matches('.')).collect();
    Some(if said.is_empty() { "Add another word or two".to_owned() } else { said.join(". ") })
}

fn score(score: Score) -> u8 {
    match score {
        Score::Zero => 0,
        Score::One => 1,
        Score::Two => 2,
        Score::Three => 3,
        _ => MAX_SCORE,
    }
}
