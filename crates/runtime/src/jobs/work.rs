//! What a job does.

use std::future::{Future, ready};

use crate::Failure;

/// The work of a job, round by round. A closure that gives a future is one whose rounds are due at once.
pub trait Work: Send + 'static {
    /// Waits until a round has something to do. It is dropped and called again at will.
    fn due(&mut self) -> impl Future<Output = ()> + Send {
        ready(())
    }

    /// Does one round.
    fn round(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<F, R, E> Work for F
where
    F: FnMut() -> R + Send + 'static,
    R: Future<Output = Result<(), E>> + Send,
    E: Into<Failure>,
{
    async fn round(&mut self) -> Result<(), Failure> {
        self().await.map_err(Into::into)
    }
}
