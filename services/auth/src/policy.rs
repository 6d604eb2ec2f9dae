//! What a password has to be that somebody chooses.

use std::sync::Arc;

use crate::breaches::{BreachList, BreachListError};
use crate::config::Config;
use crate::domain::password::{Password, PasswordError};
use crate::domain::strength::weakness;
use crate::error::Error;

/// The policy of this installation.
pub(crate) struct PasswordPolicy {
    min_characters: usize,
    min_score: u8,
    breaches: Option<Arc<BreachList>>,
}

impl PasswordPolicy {
    pub(crate) fn new(config: &Config) -> Result<PasswordPolicy, BreachListError> {
        let breaches = config.password_breach_list.as_deref().map(BreachList::open).transpose()?;
        let (min_characters, min_score) = (config.password_min_characters, config.password_min_score);
        Ok(PasswordPolicy { min_characters, min_score, breaches: breaches.map(Arc::new) })
    }

    /// Takes a password that somebody chooses, or says what is wrong with it. `email` is what a guesser knows of its owner.
    /// Guessing and looking up take a while, and are done on a thread that may block.
    pub(crate) async fn choose(&self, text: &str, email: &str) -> Result<Result<Password, PasswordError>, Error> {
        let password = match Password::choose(text, self.min_characters) {
            Ok(password) => password,
            Err(problem) => return Ok(Err(problem)),
        };
        let (least, breaches, email) = (self.min_score, self.breaches.clone(), email.to_owned());
        let judged = tokio::task::spawn_blocking(move || judge(password, &email, least, breaches.as_deref()));
        Ok(judged.await.map_err(Error::NotJudged)??)
    }
}

fn judge(
    password: Password,
    email: &str,
    least: u8,
    breaches: Option<&BreachList>,
) -> Result<Result<Password, PasswordError>, BreachListError> {
    if breaches.map_or(Ok(false), |list| list.contains(password.as_bytes()))? {
        return Ok(Err(PasswordError::Breached));
    }
    let parts = email.split(|sign: char| !sign.is_alphanumeric()).filter(|part| part.chars().count() > 2);
    let known: Vec<&str> = std::iter::once(email).chain(parts).collect();
    Ok(match weakness(password.as_str(), &known, least) {
        Some(weakness) => Err(PasswordError::TooGuessable(weakness)),
        None => Ok(password),
    })
}
