use mainstay_runtime::threads::build;
use std::num::NonZeroUsize;
use tokio::runtime::{Handle, RuntimeFlavor};

#[test]
fn one_core_is_one_thread_and_more_are_workers() {
    for (cores, flavor) in [(1, RuntimeFlavor::CurrentThread), (2, RuntimeFlavor::MultiThread)] {
        let runtime = build(NonZeroUsize::new(cores)).unwrap();
        assert_eq!(runtime.block_on(async { Handle::current().runtime_flavor() }), flavor, "{cores}");
        assert_eq!(runtime.metrics().num_workers(), cores);
    }
}
