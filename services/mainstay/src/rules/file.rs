//! What a file of rules tests says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mainstay_data::seed::ORGANISATION;
use mainstay_runtime::process::Failure;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use serde_saphyr::Spanned;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What time it is; absent: now.
    pub now: Option<String>,
    /// Who calls, each by a name of the file's own.
    #[serde(default)]
    pub callers: BTreeMap<String, CallerText>,
    /// What is there, as in a seed: records by the full names of their messages; of a tenant's resource with the organisation
    /// that each belongs to, as `$organisation`.
    #[serde(default)]
    pub rows: Map<String, Json>,
    pub tests: Vec<Spanned<Test>>,
}

/// One who calls.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerText {
    /// `auth.uid`; absent: the name that the file gives the caller.
    pub uid: Option<String>,
    pub email: Option<String>,
    #[serde(default)]
    pub email_verified: bool,
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub amr: Vec<String>,
    /// `auth.aal`; absent: 1.
    pub aal: Option<u8>,
    /// `auth.fresh`, as a duration: `60s`. Whole seconds; absent: not known.
    pub fresh: Option<String>,
    /// `auth.org`; absent: in none.
    pub org: Option<String>,
    /// Their roles in it.
    #[serde(default)]
    pub org_roles: Vec<String>,
    /// `auth.claims`.
    #[serde(default)]
    pub claims: Map<String, Json>,
    /// Whether `auth.kind` is `anonymous`: an account without an address.
    #[serde(default)]
    pub anonymous: bool,
}

/// One call, and what is to become of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// What it shows, as a sentence.
    pub says: Option<String>,
    /// The caller; absent: nobody is signed in.
    #[serde(rename = "as")]
    pub caller: Option<String>,
    /// The name of a row.
    pub get: Option<String>,
    /// The message whose rows are listed.
    pub list: Option<String>,
    /// The parent of the rows that are listed.
    pub parent: Option<String>,
    pub filter: Option<String>,
    /// A row, with the name that it is to have.
    pub create: Option<Map<String, Json>>,
    /// A row's name and the fields that change.
    pub update: Option<Map<String, Json>>,
    /// The name of a row.
    pub delete: Option<String>,
    /// The name of a row.
    pub undelete: Option<String>,
    /// Any method: `shop.v1.OrderService/PlaceOrder`.
    pub call: Option<String>,
    /// The request of `call`.
    pub request: Option<Map<String, Json>>,
    /// `allow`, `deny`, or the reason of an error.
    pub expect: String,
    /// Fields that the answer has.
    #[serde(default)]
    pub with: Vec<String>,
    /// Fields that it has not.
    #[serde(default)]
    pub without: Vec<String>,
    /// The names of all rows that a list finds, in any order.
    pub finds: Option<Vec<String>>,
}

impl File {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<File, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file: File = serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for test in &file.tests {
            let at = format!("{}:{}", path.display(), test.referenced.line());
            test.value.check(&file.callers).map_err(|problem| format!("{at}: {problem}"))?;
        }
        Ok(file)
    }
}

impl File {
    /// The organisations that rows belong to.
    pub fn organisations(&self) -> BTreeSet<&str> {
        let rows = self.rows.values().filter_map(Json::as_array).flatten();
        rows.filter_map(|row| row.get(ORGANISATION)?.as_str()).collect()
    }
}

impl Test {
    fn check(&self, callers: &BTreeMap<String, CallerText>) -> Result<(), String> {
        let calls = [
            self.get.is_some(),
            self.list.is_some(),
            self.create.is_some(),
            self.update.is_some(),
            self.delete.is_some(),
            self.undelete.is_some(),
            self.call.is_some(),
        ];
        if calls.into_iter().filter(|given| *given).count() != 1 {
            return Err("a test has one of get, list, create, update, delete, undelete and call".into());
        }
        if self.list.is_none() && (self.parent.is_some() || self.filter.is_some() || self.finds.is_some()) {
            return Err("`parent`, `filter` and `finds` belong to a `list`".into());
        }
        if self.call.is_none() && self.request.is_some() {
            return Err("`request` belongs to a `call`".into());
        }
        match &self.caller {
            Some(name) if !callers.contains_key(name) => {
                let known: Vec<&str> = callers.keys().map(String::as_str).collect();
                Err(format!("`callers` has no {name}; it has: {}", known.join(", ")))
            }
            _ => Ok(()),
        }
    }
}
