//! What of the methods a caller sees.

use std::collections::HashSet;
use std::sync::Arc;

use mainstay_identity::{Kind, Principal};
use mainstay_layers::Access;
use mainstay_runtime::Methods;

use crate::snapshot::{Method, Snapshot};

/// The methods that a caller may call, and those that anybody may. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    shown: Arc<HashSet<Arc<str>>>,
    open: Arc<Methods>,
}

impl Sight {
    /// What somebody sees. Where `limited` is not set everybody sees everything.
    ///
    /// By a method of the application's a rule decides about each row: whoever is signed in may come, and for those who are not
    /// the data service has said by which anything can be done at all. Whoever acts as somebody else, or comes through an upstream, sees
    /// what they may do then.
    pub fn of(snapshot: &Snapshot, open: Arc<Methods>, limited: bool, principal: &Principal) -> Sight {
        let is_nobody = principal.kind() == Kind::Anonymous;
        let shows = |method: &Method| {
            if !limited {
                return true;
            }
            if is_nobody {
                return open.contains(&*method.path);
            }
            let admits = |access: &Access| {
                access.check(principal).and_then(|()| method.effect().admit(principal, access)).is_ok()
            };
            method.access.as_ref().is_some_and(admits)
        };
        let shown = snapshot.methods().filter(|method| shows(method)).map(|method| method.path.clone()).collect();
        Sight { shown: Arc::new(shown), open }
    }

    pub fn shows(&self, path: &str) -> bool {
        self.shown.contains(path)
    }

    /// Whether nobody has to sign in to call a method.
    pub fn is_open(&self, path: &str) -> bool {
        self.open.contains(path)
    }
}
