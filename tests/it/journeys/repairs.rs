//! A contract that is broken while it is served, and mended.

use mainstay_testkit::Engine;

use crate::support::{System, notes};

#[tokio::test]
async fn who_mends_what_was_told_is_told_that_it_is_mended() {
    let system = System::one(Engine::Sqlite, notes::folder()).await;
    let (sound, mended) = ("string body = 3;", "the contract is what is served again");
    for (broken, told) in [("string body = 3", "the contract has problems"), ("int32 body = 3;", "the contract waits")]
    {
        let before = system.gateway.log().matches(mended).count();
        system.folder.change(notes::FILE, sound, broken);
        system.gateway.logged(told).await;
        system.folder.change(notes::FILE, broken, sound);
        let again = mainstay_testkit::wait::until("it is told", || async {
            (system.gateway.log().matches(mended).count() > before).then_some(())
        });
        again.await;
    }
}
