use mainstay_fault::{Fault, Reason};
use mainstay_proto::auth::v1 as pb;
use mainstay_testkit::both_engines;

use crate::harness::{Caller, Harness, PASSWORD, fields, reason};

const DAY: i64 = 24 * 3600;

/// All pages of the list, as the addresses on them.
async fn pages(caller: &Caller, size: i32) -> Result<Vec<Vec<String>>, Fault> {
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let pb::ListAccountsResponse { accounts, next_page_token } = caller.list(size, &token).await?;
        pages.push(accounts.into_iter().map(|account| account.email).collect());
        if next_page_token.is_empty() {
            return Ok(pages);
        }
        token = next_page_token;
    }
}

both_engines! {
    async fn pages_hold_every_account_once_in_the_order_in_which_they_were_made(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        assert_eq!(pages(&operator, 0).await.unwrap(), [Vec::<String>::new()], "nobody yet");
        let emails: Vec<String> = (0..7).map(|number| format!("user-{number}@example.org")).collect();
        for email in &emails {
            harness.caller.sign_up(email, PASSWORD).await.unwrap();
        }
        for size in [1, 2, 3, 7, 8, 0, 100, 1_000_000] {
            let pages = pages(&operator, size).await.unwrap();
            assert_eq!(pages.concat(), emails, "{size}");
            let wanted = match usize::try_from(size).unwrap() { 0 => 50, size => size.min(100) };
            assert!(pages.iter().rev().skip(1).all(|page| page.len() == wanted) && pages.iter().all(|page| !page.is_empty()), "{size}: {pages:?}");
        }
    }

    async fn an_account_is_listed_as_it_is_shown_alone(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let ada = operator.create_account("ada@example.org", PASSWORD, &["merchant", "editor"]).await.unwrap();
        let bob = operator.create_account("bob@example.org", PASSWORD, &[]).await.unwrap();
        assert_eq!(operator.list(0, "").await.unwrap().accounts, [ada, bob]);
    }

    async fn accounts_that_come_and_change_between_pages_disturb_no_page(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        for number in 0..4 {
            harness.caller.sign_up(&format!("user-{number}@example.org"), PASSWORD).await.unwrap();
        }
        let first = operator.list(2, "").await.unwrap();
        operator.set_roles(&first.accounts[0].name, &["merchant"], "").await.unwrap();
        harness.caller.sign_up("user-4@example.org", PASSWORD).await.unwrap();
        let second = operator.list(100, &first.next_page_token).await.unwrap();
        let emails: Vec<&str> = second.accounts.iter().map(|account| account.email.as_str()).collect();
        assert_eq!(emails, ["user-2@example.org", "user-3@example.org", "user-4@example.org"]);
    }

    async fn a_page_token_is_good_for_its_caller_and_for_three_days(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let (admin, _) = harness.user("admin@example.org").await;
        harness.caller.sign_up("user@example.org", PASSWORD).await.unwrap();
        operator.set_roles(&admin.name, &["mainstay.admin"], "").await.unwrap();
        let credentials = harness.caller.sign_in("admin@example.org", PASSWORD).await.unwrap();
        let token = operator.list(1, "").await.unwrap().next_page_token;
        assert!(!token.contains(&admin.uid));
        assert_eq!(reason(harness.caller.as_user(&credentials).list(1, &token).await), Reason::InvalidPageToken);
        for forged in ["x", "no token", &token[1..], &format!("{token}A"), &"A".repeat(5_000), &admin.uid] {
            assert_eq!(reason(operator.list(1, forged).await), Reason::InvalidPageToken, "{forged}");
        }
        harness.clock.advance_seconds(3 * DAY);
        operator.list(1, &token).await.unwrap();
        harness.clock.advance_seconds(1);
        let expired = operator.list(1, &token).await.unwrap_err();
        assert_eq!(expired.reason(), Some(Reason::InvalidPageToken));
        assert!(expired.text().contains("expired"), "{expired}");
    }

    async fn a_negative_page_size_is_a_violation(engine: Engine) {
        let harness = Harness::start(engine).await;
        assert_eq!(fields(harness.caller.as_operator().list(-1, "").await), ["page_size"]);
    }

    async fn the_largest_page_there_can_be_is_answered(engine: Engine) {
        let harness = Harness::start(engine).await;
        let operator = harness.caller.as_operator();
        let roles: Vec<String> = (0..32).map(|number| format!("{number:064}")).collect();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        for number in 0..101 {
            let email = format!("{number:064}@{}.{}.{}", "d".repeat(63), "e".repeat(63), "f".repeat(60));
            operator.create_account(&email, PASSWORD, &roles).await.unwrap();
        }
        let page = operator.list(100, "").await.unwrap();
        assert_eq!((page.accounts.len(), page.next_page_token.is_empty()), (100, false));
    }

    async fn the_command_line_revokes_and_lists_in_process(engine: Engine) {
        let harness = Harness::start(engine).await;
        let roles = ["editor".to_owned(), "merchant".to_owned()];
        harness.auth.create_account("ada@example.org", PASSWORD, &roles).await.unwrap();
        assert!(harness.auth.revoke_role("ADA@example.org", "editor").await.unwrap());
        assert!(!harness.auth.revoke_role("ada@example.org", "editor").await.unwrap(), "it has it no more");
        assert!(!harness.auth.revoke_role("ada@example.org", "no role!").await.unwrap());
        assert!(harness.auth.revoke_role("nobody@example.org", "editor").await.is_err());
        let listed = harness.auth.list_accounts(pb::ListAccountsRequest::default()).await.unwrap();
        assert_eq!(listed.accounts[0].roles, ["merchant"]);
    }
}
