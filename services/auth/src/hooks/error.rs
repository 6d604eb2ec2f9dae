//! What goes wrong with hooks.

use crate::domain::claims::ClaimsError;

/// Why a hook could not be asked or told. None of it repeats what it said, which may name a person.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("the hook {0} did not answer in time")]
    Late(&'static str),
    #[error("whoever calls does not wait for as long as the hook {0} takes")]
    Hurried(&'static str),
    #[error("the hook {hook} answered {code:?}")]
    Failed {
        hook: &'static str,
        code: tonic::Code,
        /// Nothing where the hook itself said so: its words are its own.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    #[error("what the hook {hook} answered cannot be used")]
    Unusable {
        hook: &'static str,
        #[source]
        source: Unusable,
    },
    #[error("the assertion for the hook {0} cannot be made")]
    NotSigned(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("it neither allows nor denies")]
    NoDecision,
    #[error("its display_name has too many characters, or one that is not shown")]
    DisplayName,
    #[error("its picture_uri is no https address")]
    Picture,
    #[error("its locale is no language tag")]
    Locale,
    #[error("its claims: {0}")]
    Claims(ClaimsError),
    #[error("its claims have a name that tokens say something else by, or that begins with `mainstay`")]
    Reserved,
}

/// An error with what has caused it, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}
