//! What a request resolved to.

use std::sync::Arc;

use crate::route::Segments;
use crate::snapshot::{Binding, Method, Snapshot};

/// A method, and the snapshot in which it was found: the request finishes on that one, whatever is swapped in meanwhile.
#[derive(Debug, Clone)]
pub struct Found {
    pub snapshot: Arc<Snapshot>,
    pub way: Way,
}

/// The way on which a method was found.
#[derive(Debug, Clone)]
pub enum Way {
    /// By the path of an RPC.
    Rpc(Arc<Method>),
    /// By an HTTP rule.
    Rule {
        /// Position in the snapshot's bindings.
        binding: usize,
        segments: Segments,
    },
}

impl Found {
    /// The method.
    pub fn method(&self) -> &Arc<Method> {
        match &self.way {
            Way::Rpc(method) => method,
            Way::Rule { binding, .. } => &self.snapshot.bindings()[*binding].method,
        }
    }

    /// The HTTP rule and what it matched of the path; nothing for an RPC's path.
    pub fn rule(&self) -> Option<(&Binding, &Segments)> {
        match &self.way {
            Way::Rpc(_) => None,
            Way::Rule { binding, segments } => Some((&self.snapshot.bindings()[*binding], segments)),
        }
    }
}
