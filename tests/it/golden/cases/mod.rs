//! The cases, each a row of what a plan says of a change, by what changes.

use super::trial::{Case, run};

/// Makes each case a test on both engines.
macro_rules! golden {
    ($($name:ident: $case:expr;)*) => {
        $(
            mod $name {
                use super::*;

                const CASE: Case = $case;

                #[tokio::test]
                async fn on_sqlite() {
                    Box::pin(run(stringify!($name), &CASE, mainstay_testkit::Engine::Sqlite)).await;
                }

                #[tokio::test]
                async fn on_postgres() {
                    Box::pin(run(stringify!($name), &CASE, mainstay_testkit::Engine::Postgres)).await;
                }
            }
        )*
    };
}

mod fields;
mod names;
mod oneofs;
mod purged;
mod references;
mod required;
mod resources;
mod stored;
mod types;

const TITLE: &str = "string title = 3;";
const WRITERS: &str = "access {read: \"true\" write: \"'writer' in auth.roles\"}";
const OLD_TITLES: &str = "SELECT _id || title FROM golden_v1_item ORDER BY _id";
/// Something that names owners in a list.
const BASKET: &str = "message Basket { option (google.api.resource) = {type: \"golden.example.com/Basket\" pattern: \"baskets/{basket}\"};
    option (mainstay.v1.resource) = {access {read: \"true\" write: \"true\"}}; string name = 1 [(google.api.field_behavior) = IDENTIFIER];
    repeated string owners = 2 [(google.api.resource_reference).type = \"golden.example.com/Owner\"]; }\nmessage Owner {";
const OWNER: &str = "string owner = 9 [(google.api.resource_reference).type = \"golden.example.com/Owner\"];";
const CODES: &str = "SELECT _id || code FROM golden_v1_item ORDER BY _id";
const LINKS: &str = "SELECT CAST(COUNT(*) AS TEXT) FROM mainstay_links";
