use std::fmt;
use std::task::{Context, Poll};

use super::{Revocations, Verdict};
use crate::Principal;

/// Waits, on behalf of a stream, until its caller's session or token is revoked. Every wait is registered for itself and is
/// woken only for its own account.
pub struct Watched {
    revocations: Revocations,
    principal: Principal,
    id: u64,
}

impl Revocations {
    /// Begins to wait for what concerns the caller of a stream.
    pub fn watch(&self, principal: Principal) -> Watched {
        let mut waiting = self.waiting();
        let id = waiting.next;
        waiting.next += 1;
        for account in accounts(&principal) {
            waiting.accounts.entry(account.into()).or_default().push((id, None));
        }
        drop(waiting);
        Watched { revocations: self.clone(), principal, id }
    }

    /// Says how many streams wait.
    pub fn watchers(&self) -> usize {
        self.waiting().accounts.values().map(Vec::len).sum()
    }
}

/// The accounts whose revocations concern a caller: the user's, and that of whoever acts as the user.
fn accounts(principal: &Principal) -> impl Iterator<Item = &str> {
    std::iter::once(principal.uid().unwrap_or_default()).chain(principal.actor().map(|actor| actor.uid.as_str()))
}

impl Watched {
    /// Is ready when the stream may not go on, and why.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Verdict> {
        // Before it is judged: what is revoked in between wakes.
        self.with_place(|waker| match waker {
            Some(known) if known.will_wake(cx.waker()) => {}
            _ => *waker = Some(cx.waker().clone()),
        });
        match self.revocations.judge(&self.principal) {
            Ok(()) => Poll::Pending,
            Err(verdict) => Poll::Ready(verdict),
        }
    }

    fn with_place(&self, change: impl Fn(&mut Option<std::task::Waker>)) {
        let mut waiting = self.revocations.waiting();
        for account in accounts(&self.principal) {
            let all = waiting.accounts.get_mut(account);
            let place = all.and_then(|all| all.iter_mut().find(|(id, _)| *id == self.id));
            if let Some((_, waker)) = place {
                change(waker);
            }
        }
    }
}

/// Another wait for the same.
impl Clone for Watched {
    fn clone(&self) -> Watched {
        self.revocations.watch(self.principal.clone())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut waiting = self.revocations.waiting();
        for account in accounts(&self.principal) {
            let Some(all) = waiting.accounts.get_mut(account) else { continue };
            all.retain(|(id, _)| *id != self.id);
            if all.is_empty() {
                waiting.accounts.remove(account);
            }
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watched").field("principal", &self.principal).finish_non_exhaustive()
    }
}
