//! What the fields of a resource come to.

use std::collections::HashSet;

use mainstay_expr::RecordType;
use mainstay_record::Layout;

use crate::model::{AccountReference, FieldModel, Link, Reference};

/// The columns and fields of one resource.
#[derive(Debug, Default)]
pub(crate) struct Built {
    pub layout: Layout,
    pub fields: Vec<FieldModel>,
    pub record: RecordType,
    pub references: Vec<Reference>,
    pub accounts: Vec<AccountReference>,
    pub links: Vec<Link>,
    /// Names of fields that have problems of their own, so that what names them is not blamed too.
    pub failed: HashSet<String>,
}
