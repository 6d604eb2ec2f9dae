//! What a client is told, and what only the log is told.

use mainstay_db as db;
use mainstay_proto::auth::v1 as pb;

use crate::domain::oauth::refusal::{Refused, Word};
use crate::error::Error;
use crate::store::DamagedRow;

/// Why something is not done for a client.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is told in the words of the standards.
    Refused(Refused),
    /// Everything else.
    Error(Error),
}

impl Failed {
    pub(super) fn new(word: Word, says: &'static str) -> Failed {
        Failed::Refused(Refused::new(word, says))
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Failed {
        Failed::Refused(refused)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::Error(error)
    }
}

impl From<db::Error> for Failed {
    fn from(error: db::Error) -> Failed {
        Failed::Error(error.into())
    }
}

impl From<DamagedRow> for Failed {
    fn from(damaged: DamagedRow) -> Failed {
        Failed::Error(damaged.into())
    }
}

impl From<mainstay_keys::Error> for Failed {
    fn from(error: mainstay_keys::Error) -> Failed {
        Failed::Error(error.into())
    }
}

/// Makes an answer of what was done, or of why it was not.
pub(super) fn answer<T>(done: Result<T, Failed>, refused: impl FnOnce(pb::OAuthError) -> T) -> Result<T, Error> {
    match done {
        Ok(done) => Ok(done),
        Err(Failed::Refused(Refused { word, says })) => {
            Ok(refused(pb::OAuthError { error: word.name().to_owned(), error_description: says.to_owned() }))
        }
        Err(Failed::Error(error)) => Err(error),
    }
}
