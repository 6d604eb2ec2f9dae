//! Calls that the gateway makes for a caller without their having called a method: behind a page, or for another application. They
//! count as if they had.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use mainstay_fault::Fault;
use mainstay_runtime::channel::{Call, Channel, Reply};

use super::Tally;
use crate::snapshot::Snapshot;

/// The way to a service, on which calls are counted.
pub struct Counting {
    pub channel: Arc<dyn Channel>,
    pub live: Arc<ArcSwap<Snapshot>>,
}

impl Channel for Counting {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Fault>> {
        let snapshot = self.live.load();
        let limits = snapshot.method(&call.target.method).and_then(|method| method.limits.clone());
        let Some(limits) = limits else { return self.channel.call(call) };
        let channel = Arc::clone(&self.channel);
        let cost = limits.cost(&call.input);
        Box::pin(async move {
            let mut tally = Tally::of(&limits, &call.principal, call.peer);
            tally.count(cost?).await?;
            channel.call(call).await
        })
    }
}
