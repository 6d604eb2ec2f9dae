//! Where references lead, whether they have columns of their own or lie inside a JSON column.

use std::collections::VecDeque;

use mainstay_expr::{LinkTo, account_template, suggest};
use mainstay_record::{JsonShape, NumberPath};
use prost_reflect::{DescriptorPool, FieldDescriptor};

use crate::JsonBehaviors;
use crate::annotations::{FIELD, FieldOptions, OnDelete, REFERENCE};
use crate::capabilities;
use crate::file::Spot;
use crate::model::Link;
use crate::report::Report;
use crate::resource::head::Head;
use crate::resource::on_delete;
use crate::resource::options;
use crate::text::Step;

/// The type of the platform's own accounts.
pub const ACCOUNT: &str = "mainstay.dev/Account";

/// What a reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// A resource of the contract, by its index.
    Resource(usize),
    Account,
}

impl To {
    pub(super) fn link(self, heads: &[Head]) -> LinkTo {
        match self {
            To::Resource(target) => LinkTo { template: heads[target].pattern.template.clone(), target: Some(target) },
            To::Account => LinkTo { template: account_template(), target: None },
        }
    }
}

/// A reference that is being read.
#[derive(Clone, Copy)]
pub(super) struct Declared<'d> {
    pub head: &'d Head,
    pub heads: &'d [Head],
    pub field: &'d FieldDescriptor,
    pub options: &'d FieldOptions,
    /// `lines.variant`, for messages.
    pub path: &'d str,
}

impl Declared<'_> {
    fn spot(&self, report: &Report<'_>, option: &str) -> Spot {
        options::spot(report, self.field, FIELD, &[Step::Field(option)])
    }

    /// What the reference leads to, where that is known.
    pub(super) fn known(&self) -> Option<To> {
        let target = self.options.reference.as_deref()?;
        let resource = self.heads.iter().position(|head| head.type_name == target).map(To::Resource);
        resource.or_else(|| (target == ACCOUNT).then_some(To::Account))
    }

    /// Finds what the reference leads to; reports what it does not lead to.
    pub(super) fn to(&self, report: &mut Report<'_>) -> Option<To> {
        let target = self.options.reference.as_deref()?;
        let spot = options::spot(report, self.field, REFERENCE, &[Step::Field("type")]);
        if target == "*" {
            capabilities::refuse(report, &spot, "references to any resource", "a reference to any resource");
            return None;
        }
        let known = self.known();
        if known.is_none() {
            self.unknown(report, &spot, target);
        }
        known
    }

    fn unknown(&self, report: &mut Report<'_>, spot: &Spot, target: &str) {
        if may_be_left_out(report, self.field.parent_pool(), target) {
            return;
        }
        // Somebody who writes the platform's own domain means its accounts.
        let account = target.starts_with("mainstay").then_some(ACCOUNT);
        let known: Vec<&str> = self.heads.iter().map(|head| head.type_name.as_str()).chain(account).collect();
        let draft = report
            .error(spot, format!("no resource has the type `{target}`"))
            .because("a reference names the type of a resource of the same contract");
        if let Some(help) = suggest(target, known, "the contract's resources are") {
            draft.help(help);
        }
    }

    /// What becomes of the row when that is deleted.
    pub(super) fn on_delete(&self, report: &mut Report<'_>, to: To) -> OnDelete {
        let Some(on_delete) = self.options.on_delete else { return OnDelete::default() };
        let spot = self.spot(report, "on_delete");
        let To::Resource(target) = to else {
            report
                .error(&spot, format!("{} names an account, whose deletion nobody is told of", self.path))
                .because("accounts are kept by another service")
                .help("leave it out");
            return OnDelete::default();
        };
        if on_delete == OnDelete::SetNull && self.options.behaviors.required {
            report
                .error(&spot, format!("{} is REQUIRED and cannot be unset", self.path))
                .because("SET_NULL unsets it when what it refers to is deleted")
                .help("write CASCADE or RESTRICT, or remove REQUIRED");
        }
        if self.head.tenant && !self.heads[target].tenant && on_delete != OnDelete::Restrict {
            report
                .error(&spot, format!("{} would change rows of every organisation", self.path))
                .because(format!(
                    "{} belongs to no organisation, and whoever deletes one acts in one of them",
                    self.heads[target].message.full_name()
                ))
                .help("leave it out: what rows of an organisation refer to is not deleted");
        }
        if on_delete == OnDelete::Cascade {
            on_delete::check_kept(report, &spot, self.head, &self.heads[target]);
        }
        on_delete
    }

    /// Refuses `acyclic` on what leads elsewhere.
    pub(super) fn check_acyclic(&self, report: &mut Report<'_>, to: To) {
        let is_own = matches!(to, To::Resource(target) if self.heads[target].type_name == self.head.type_name);
        if self.options.acyclic && !is_own {
            let spot = self.spot(report, "acyclic");
            report
                .error(&spot, format!("{} refers to another resource", self.path))
                .because("`acyclic` says that following a reference to the same resource never comes back")
                .help("leave it out");
        }
    }

    /// Refuses names of rows of organisations inside lists: they are stored whole, and no name says the organisation.
    fn refuse_of_organisations(&self, report: &mut Report<'_>, to: To) {
        let To::Resource(target) = to else { return };
        if self.heads[target].tenant {
            let spot = options::spot(report, self.field, REFERENCE, &[Step::Field("type")]);
            let what = format!("`{}`, a reference in a list to rows that belong to organisations,", self.path);
            report.unsupported(&spot, what).help(
                "refer to one row only, or make the list a resource below this one, whose rows refer to one each",
            );
        }
    }

    /// A reference inside a JSON column; where it lies there is said when all of the column is known.
    pub(super) fn inside_json(&self, report: &mut Report<'_>) -> Option<Link> {
        let to = self.to(report)?;
        if self.options.acyclic {
            let spot = self.spot(report, "acyclic");
            report
                .unsupported(&spot, "`acyclic` on a reference in a list")
                .help("leave it out, or refer to one row only");
        }
        self.refuse_of_organisations(report, to);
        let LinkTo { template, target } = to.link(self.heads);
        let spot = report.name(self.field.parent_file().name(), self.field.path());
        Some(Link {
            field: String::new(),
            path: NumberPath::default(),
            column: 0,
            target: self.options.reference.clone().unwrap_or_default(),
            resource: target,
            template,
            on_delete: self.on_delete(report, to),
            place: report.files.place(&spot),
        })
    }
}

/// Says of each reference inside a column where it lies: on the shortest way, since messages may contain themselves.
pub(super) fn place(
    links: &mut [Link],
    behaviors: &JsonBehaviors,
    shape: &JsonShape,
    column: (usize, &str, &NumberPath),
) {
    let (index, name, path) = column;
    let mut put = |link: Option<usize>, name: &str, path: &NumberPath| {
        if let Some(link) = link.and_then(|link| links.get_mut(link)).filter(|link| link.field.is_empty()) {
            (link.field, link.path, link.column) = (name.to_owned(), path.clone(), index);
        }
    };
    put(behaviors.link, name, path);
    let mut entered = vec![false; behaviors.messages.len()];
    let mut ways = VecDeque::from([(0, name.to_owned(), path.clone())]);
    while let Some((message, name, path)) = ways.pop_front() {
        if entered.get_mut(message).is_none_or(|entered| std::mem::replace(entered, true)) {
            continue;
        }
        for field in &behaviors.messages[message] {
            let (name, path) = (format!("{name}.{}", field.name), path.child(field.number));
            put(field.link, &name, &path);
            let stored =
                shape.messages.get(message).and_then(|of| of.fields.iter().find(|it| it.number == field.number));
            if let Some(inner) = stored.and_then(|stored| stored.message) {
                ways.push_back((inner, name, path));
            }
        }
    }
}

/// Whether the resource may stand in a file that has problems of its own and was left out for them.
fn may_be_left_out(report: &Report<'_>, pool: &DescriptorPool, target: &str) -> bool {
    let declares = |text: &str| {
        let before = text.match_indices(target).map(|(at, _)| text[..at].trim_end_matches(['"', '\'']).trim_end());
        before.into_iter().any(|before| before.ends_with("type:"))
    };
    let mut left_out = report.files.all.iter().filter(|file| pool.get_file_by_name(&file.name).is_none());
    left_out.any(|file| declares(&file.source.text))
}
