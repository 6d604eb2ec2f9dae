//! Whatever is edited, in whatever order: no value is lost, and a plan that was applied leaves nothing to do.

use std::collections::BTreeMap;

use mainstay_contract::Contract;
use proptest::prelude::*;

use crate::shop::{Shop, contract};

/// What an editor of the contract may do. Fields are picked by position, so every edit is possible.
#[derive(Debug, Clone)]
enum Edit {
    Add {
        name: usize,
        kind: usize,
    },
    Rename {
        field: usize,
        name: usize,
    },
    Swap {
        first: usize,
        second: usize,
    },
    Index {
        field: usize,
        unique: bool,
    },
    DropIndex {
        index: usize,
    },
    RenameMessage {
        name: usize,
    },
    /// Tells unset from zero, or does no more.
    Convert {
        field: usize,
    },
}

#[derive(Debug, Clone, Default)]
struct State {
    message: &'static str,
    /// Number, name, type.
    fields: Vec<(u32, String, &'static str)>,
    /// Number and uniqueness.
    indexes: Vec<(u32, bool)>,
    next: u32,
}

const NAMES: [&str; 6] = ["title", "label", "order", "select", "part", "label_2"];
const MESSAGES: [&str; 4] = ["Product", "Article", "Thing", "Item"];
const KINDS: [(&str, &str); 5] =
    [("string", "'v'"), ("optional string", "'v'"), ("int64", "7"), ("Part", ""), ("bytes", "x'01'")];

impl State {
    fn edit(&mut self, edit: &Edit) {
        let free = |state: &State, name: &str| state.fields.iter().all(|(_, taken, _)| taken != name);
        let pick = |state: &State, i: usize| (!state.fields.is_empty()).then(|| i % state.fields.len());
        match edit {
            Edit::Add { name, kind } => {
                let name = NAMES[name % NAMES.len()];
                if free(self, name) {
                    self.fields.push((self.next, name.to_owned(), KINDS[kind % KINDS.len()].0));
                    self.next += 1;
                }
            }
            Edit::Rename { field, name } => {
                let name = NAMES[name % NAMES.len()];
                if let (Some(i), true) = (pick(self, *field), free(self, name)) {
                    name.clone_into(&mut self.fields[i].1);
                }
            }
            Edit::Swap { first, second } => {
                if let (Some(a), Some(b)) = (pick(self, *first), pick(self, *second)) {
                    let (name_a, name_b) = (self.fields[a].1.clone(), self.fields[b].1.clone());
                    self.fields[a].1 = name_b;
                    self.fields[b].1 = name_a;
                }
            }
            Edit::Index { field, unique } => {
                let Some(i) = pick(self, *field) else { return };
                let (number, _, kind) = self.fields[i];
                let known = self.indexes.iter().any(|(other, _)| *other == number);
                if kind != "Part" && !known {
                    self.indexes.push((number, *unique && kind == "optional string"));
                }
            }
            Edit::DropIndex { index } => {
                if !self.indexes.is_empty() {
                    self.indexes.remove(index % self.indexes.len());
                }
            }
            Edit::Convert { field } => {
                let Some(i) = pick(self, *field) else { return };
                self.fields[i].2 = match self.fields[i].2 {
                    "string" => "optional string",
                    "optional string" => "string",
                    other => other,
                };
            }
            Edit::RenameMessage { name } => self.message = MESSAGES[name % MESSAGES.len()],
        }
    }

    fn proto(&self) -> String {
        let fields = self.fields.iter().map(|(number, name, kind)| format!("  {kind} {name} = {number};\n"));
        let indexes = self.indexes.iter().map(|(number, unique)| {
            let name = &self.fields.iter().find(|field| field.0 == *number).expect("an indexed field").1;
            format!("    index {{fields: \"{name}\" unique: {unique}}}\n")
        });
        format!(
            "syntax = \"proto3\";\npackage shop.v1;\nimport \"google/api/resource.proto\";\nimport \"mainstay/v1/options.proto\";\n\
             message Part {{ string a = 1; string b = 2; }}\n\
             message {} {{\n  option (google.api.resource) = {{type: \"x.example.com/Product\" pattern: \"products/{{product}}\"}};\n\
             \x20 option (mainstay.v1.resource) = {{\n    access {{read: \"true\" write: \"true\"}}\n{}  }};\n  string name = 1;\n{}}}\n",
            self.message,
            indexes.collect::<String>(),
            fields.collect::<String>()
        )
    }
}

fn edits() -> impl Strategy<Value = Vec<Vec<Edit>>> {
    let n = || 0_usize..12;
    let edit = prop_oneof![
        3 => (n(), n()).prop_map(|(name, kind)| Edit::Add { name, kind }),
        3 => (n(), n()).prop_map(|(field, name)| Edit::Rename { field, name }),
        3 => (n(), n()).prop_map(|(first, second)| Edit::Swap { first, second }),
        2 => (n(), any::<bool>()).prop_map(|(field, unique)| Edit::Index { field, unique }),
        1 => n().prop_map(|index| Edit::DropIndex { index }),
        1 => n().prop_map(|name| Edit::RenameMessage { name }),
        2 => n().prop_map(|field| Edit::Convert { field }),
    ];
    prop::collection::vec(prop::collection::vec(edit, 1..4), 1..6)
}

/// The values of the one row, by field number, read under the names of the bound contract.
fn values(shop: &Shop, contract: &Contract) -> BTreeMap<String, String> {
    let bound = shop.bound(contract);
    let resource = &bound.resources[0];
    let columns = resource.layout.columns.iter().filter(|column| !column.path.0.is_empty());
    columns
        .map(|column| {
            let sql = format!(
                "SELECT CAST(t.\"{}\" AS TEXT) FROM \"{}\" AS t WHERE t._id = 'r'",
                column.name, resource.table
            );
            (format!("{} {:?}", column.path, column.role), shop.lines(&sql).remove(0))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn values_stay_under_whatever_name(saves in edits()) {
        let mut shop = Shop::empty();
        let mut state = State { message: "Product", next: 2, ..State::default() };
        shop.apply(&contract(&state.proto()), &[]);
        shop.run("INSERT INTO shop_v1_product (_id) VALUES ('r')");
        let mut written: BTreeMap<String, String> = BTreeMap::new();
        let mut counter = 0;
        for save in saves {
            save.iter().for_each(|edit| state.edit(edit));
            let next = contract(&state.proto());
            let plan = shop.apply(&next, &[]);
            let again = shop.plan(&next);
            prop_assert!(again.is_empty() && !again.changes_ledger(), "{plan}\nleft:\n{again}");
            let now = values(&shop, &next);
            for (field, value) in &written {
                prop_assert_eq!(now.get(field), Some(value), "{} of {}", field, plan);
            }
            let bound = shop.bound(&next);
            let table = &bound.resources[0].table;
            for column in bound.resources[0].layout.columns.iter().filter(|column| !column.path.0.is_empty()) {
                counter += 1;
                let value = if column.kind == mainstay_record::Kind::Bool { 1 } else { counter };
                shop.run(&format!("UPDATE \"{table}\" SET \"{}\" = {value} WHERE _id = 'r'", column.name));
            }
            written = values(&shop, &next);
        }
    }
}
