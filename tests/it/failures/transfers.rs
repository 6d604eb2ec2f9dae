//! `kill -9` among transfers: each is a Commit of two updates, or an entry of a journal whose effects change two accounts. Both
//! must happen once, however often the server dies and however often the client asks again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::Method;
use mainstay_testkit::http::{Answer, Http};
use mainstay_testkit::wait::{PAUSE, until};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Folder, System};

const CLIENTS: usize = 64;
const ACCOUNTS: u64 = 24;
const BALANCE: i64 = 1_000;
const KILLS: usize = 5;

/// How many transfers each client makes, unless `MAINSTAY_TEST_TRANSFERS` says it.
const TRANSFERS: usize = 25;

const BANK: &str = r#"syntax = "proto3";
package bank.v1;
import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
message Account {
  option (google.api.resource) = {type: "bank.example.org/Account" pattern: "accounts/{account}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "auth.uid != ''"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int64 balance = 2 [(buf.validate.field).int64.gte = 0];
}
message Entry {
  option (google.api.resource) = {type: "bank.example.org/Entry" pattern: "entries/{entry}"};
  option (mainstay.v1.resource) = {
    access {read: "true" create: "auth.uid != ''" update: "false" delete: "false"}
    effect {on: "create" adjust {field: "postings.account.balance" by: "this.amount"}}
  };
  option (buf.validate.message).cel = {
    id: "balanced" message: "the postings do not add up to zero" expression: "this.postings.map(p, p.amount).sum() == 0"
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  repeated Posting postings = 2;
  message Posting {
    string account = 1 [(google.api.resource_reference).type = "bank.example.org/Account"];
    int64 amount = 2;
  }
}
"#;

/// How money goes from one account to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A Commit of two updates.
    Commit,
    /// A row whose effects are on both accounts.
    Entry,
}

impl Way {
    /// What a refusal of more than there is says.
    fn refusal(self) -> [&'static str; 2] {
        match self {
            Way::Commit => ["FIELD_VIOLATION", "update_account.account.balance"],
            Way::Entry => ["EFFECT_REFUSED", "postings[0].account"],
        }
    }
}

mainstay_testkit::both_engines! {
    async fn transfers_survive_kill_nine_and_are_made_once(engine: Engine) {
        survive(engine, Way::Commit).await;
    }

    async fn entries_whose_effects_are_on_accounts_survive_kill_nine_and_are_made_once(engine: Engine) {
        survive(engine, Way::Entry).await;
    }
}

async fn survive(engine: mainstay_testkit::Engine, way: Way) {
    let folder = Folder::with("bank/v1/account.proto", BANK);
    let change =
        |launch: mainstay_testkit::server::Launch| launch.environment("MAINSTAY__AUTH__ACCESS_TOKEN_SECONDS", "3600");
    let mut system = System::one_with(engine, folder, change).await;
    let teller = system.user("teller@example.org").await;
    open_accounts(&teller).await;

    let transfers = transfers();
    let bank = Arc::new(Bank { way, teller, done: AtomicUsize::new(0), said: Mutex::default() });
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let bank = Arc::clone(&bank);
        clients.spawn(async move {
            for number in 0..transfers {
                bank.transfer(Transfer { client, number }).await;
            }
        });
    }
    for kill in 1..=KILLS {
        bank.has_answered(CLIENTS * transfers * kill / (KILLS + 1)).await;
        system.gateway.kill().await;
        system.gateway.restart().await;
        bank.asks_again(16).await;
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client does not panic");
    }
    bank.is_as_it_was_told(CLIENTS * transfers).await;
    bank.asks_again(200).await;
    bank.is_as_it_was_told(CLIENTS * transfers).await;
}

fn transfers() -> usize {
    std::env::var("MAINSTAY_TEST_TRANSFERS").map_or(TRANSFERS, |text| text.parse().expect("it is a number"))
}

async fn open_accounts(teller: &Http) {
    let account = |id| json!({"createAccount": {"accountId": format!("a{id}"), "account": {"balance": BALANCE}}});
    let writes: Vec<Value> = (0..ACCOUNTS).map(account).collect();
    teller.post("/bank/v1:commit", json!({"writes": writes})).await.ok();
}

/// One of a client's transfers: everything about it follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Transfer {
    client: usize,
    number: usize,
}

impl Transfer {
    /// A number that looks random and is the same each time.
    fn dice(self, throw: u64) -> u64 {
        let seed = (self.client as u64) << 32 | self.number as u64;
        let mut mixed = (seed ^ throw << 56).wrapping_add(0x9e37_79b9_7f4a_7c15);
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
            mixed = (mixed ^ mixed >> shift).wrapping_mul(factor);
        }
        mixed ^ mixed >> 31
    }

    /// From which account to which other one, and how much.
    fn parts(self) -> (u64, u64, i64) {
        let from = self.dice(1) % ACCOUNTS;
        let to = (from + 1 + self.dice(2) % (ACCOUNTS - 1)) % ACCOUNTS;
        // Now and then more than anybody has.
        let amount =
            if self.dice(3).is_multiple_of(16) { BALANCE * 50 } else { 1 + (self.dice(4) % 400).cast_signed() };
        (from, to, amount)
    }

    /// The path, and the body.
    fn request(self, way: Way) -> (String, Value) {
        let (from, to, amount) = self.parts();
        let id = format!("transfer-{}-{}", self.client, self.number);
        if way == Way::Entry {
            let posting =
                |account: u64, amount: i64| json!({"account": format!("accounts/a{account}"), "amount": amount});
            let entry = json!({"postings": [posting(from, -amount), posting(to, amount)]});
            return (format!("/bank/v1/entries?requestId={id}"), entry);
        }
        let add = |account: u64, amount: i64| {
            let transforms = json!([{"field": "balance", "add": amount}]);
            json!({"updateAccount": {"account": {"name": format!("accounts/a{account}")}, "transforms": transforms}})
        };
        let writes = json!({"requestId": id, "writes": [add(from, -amount), add(to, amount)]});
        ("/bank/v1:commit".to_owned(), writes)
    }
}

/// What clients were told.
struct Bank {
    way: Way,
    teller: Http,
    done: AtomicUsize,
    said: Mutex<BTreeMap<Transfer, (u16, Value)>>,
}

impl Bank {
    /// Asks until there is an answer that says what became of it.
    async fn ask(&self, transfer: Transfer) -> Answer {
        let (path, request) = transfer.request(self.way);
        loop {
            match self.teller.send(Method::POST, &path, Some(&request)).await {
                Ok(answer) if matches!(answer.status, 200 | 400) => return answer,
                Ok(answer) => assert!(matches!(answer.status, 409 | 429 | 503 | 504), "{}", answer.text()),
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn transfer(&self, transfer: Transfer) {
        let answer = self.ask(transfer).await;
        if answer.status == 400 {
            let text = answer.text();
            let (from, _, _) = transfer.parts();
            assert!(self.way.refusal().iter().all(|said| text.contains(said)), "a{from}: {text}");
        }
        self.said.lock().expect("nobody panicked with the lock").insert(transfer, (answer.status, answer.json()));
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until so many transfers are answered; as long as there are more and more of them.
    async fn has_answered(&self, enough: usize) {
        let answered = || self.done.load(Ordering::Relaxed);
        while answered() < enough {
            let before = answered();
            until("one more transfer is answered", || async { (answered() > before).then_some(()) }).await;
        }
    }

    fn told(&self) -> BTreeMap<Transfer, (u16, Value)> {
        self.said.lock().expect("nobody panicked with the lock").clone()
    }

    /// Who was told that a transfer is made is told the same when they ask again.
    async fn asks_again(&self, how_many: usize) {
        let told = self.told();
        let made: Vec<_> = told.iter().filter(|(_, (status, _))| *status == 200).collect();
        let step = (made.len() / how_many).max(1);
        for (transfer, (_, said)) in made.into_iter().step_by(step) {
            assert_eq!(self.ask(*transfer).await.ok(), *said, "{transfer:?}");
        }
    }

    /// Every account holds what the acknowledged transfers left in it, no more and no less.
    async fn is_as_it_was_told(&self, transfers: usize) {
        let told = self.told();
        assert_eq!(told.len(), transfers, "every transfer has an answer");
        let mut expected: BTreeMap<String, i64> =
            (0..ACCOUNTS).map(|id| (format!("accounts/a{id}"), BALANCE)).collect();
        let made: Vec<&Transfer> = told.iter().filter(|(_, (status, _))| *status == 200).map(|(it, _)| it).collect();
        for transfer in &made {
            let (from, to, amount) = transfer.parts();
            for (account, amount) in [(from, -amount), (to, amount)] {
                *expected.entry(format!("accounts/a{account}")).or_default() += amount;
            }
        }
        let list = self.teller.get("/bank/v1/accounts?pageSize=1000").await.ok();
        let accounts = list["accounts"].as_array().expect("there are accounts").iter();
        let found: BTreeMap<String, i64> = accounts
            .map(|account| {
                let balance = account["balance"].as_str().map_or(0, |text| text.parse().expect("it is a number"));
                (account["name"].as_str().expect("it has a name").to_owned(), balance)
            })
            .collect();
        assert_eq!(found, expected);
        assert_eq!(found.values().sum::<i64>(), BALANCE * ACCOUNTS.cast_signed());
        assert!(made.len() > transfers / 2 && made.len() < transfers, "{} of {transfers} were made", made.len());
    }
}
