//! Stores where answers are, when there are many.

use std::sync::Arc;

use mainstay_runtime::{Failure, Work};

use crate::service::Resources;
use crate::store::answers::{self, Answers};

/// The places that are in memory.
pub struct Places {
    resources: Arc<Resources>,
}

impl Places {
    pub fn new(resources: &Arc<Resources>) -> Places {
        Places { resources: Arc::clone(resources) }
    }

    fn places(&self) -> Option<&answers::Places> {
        if let Answers::Sqlite(places) = &*self.resources.context.answers { Some(places) } else { None }
    }
}

impl Work for Places {
    async fn due(&mut self) {
        match self.places() {
            Some(places) => places.are_many().await,
            None => std::future::pending().await,
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let Some(places) = self.places() else { return Ok(()) };
        Ok(places.store(&self.resources.context.db).await?)
    }
}
