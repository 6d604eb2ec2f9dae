//! Compiles the rules of a resource.

use std::collections::HashSet;
use std::sync::Arc;

use mainstay_expr::{Problem, ProblemKind, Program, RecordType, Root, RuleScope, compile_rule};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor};

use crate::annotations::{self, FIELD, FieldOptions, OPTIONS};
use crate::file::Spot;
use crate::model::{Access, FieldModel, Rule};
use crate::options::{message_option, optional_text};
use crate::report::Report;
use crate::resource::head::Head;
use crate::resource::vocabulary::Vocabulary;
use crate::resource::{options, singletons};
use crate::text::Step;

/// What rules are compiled against.
pub(crate) struct Rules<'a> {
    pub head: &'a Head,
    pub record: Arc<RecordType>,
    pub vocabulary: &'a Vocabulary,
    /// Fields with problems of their own, of any resource.
    pub failed: &'a HashSet<String>,
}

impl Rules<'_> {
    /// Compiles the `access` of a resource, and warns of verbs that nobody may use.
    pub(crate) fn compile(&self, report: &mut Report<'_>, pool: &DescriptorPool) -> Access {
        let option = message_option(pool, &self.head.message.options(), OPTIONS);
        let written = option.as_ref().and_then(|option| nested(option, "access"));
        let Some(written) = written else {
            self.warn_without_access(report, option.is_some());
            return Access::default();
        };
        let rule = |verb: &str| optional_text(&written, verb);
        let (row, rows) = (self.row(), self.vocabulary.of_change(&self.record));
        let mut access = Access {
            read: rule("read").and_then(|source| self.rule(report, "read", &source, &row)),
            create: rule("create").and_then(|source| self.rule(report, "create", &source, &row)),
            update: rule("update").and_then(|source| self.rule(report, "update", &source, &rows)).into_iter().collect(),
            delete: rule("delete").and_then(|source| self.rule(report, "delete", &source, &row)),
            refer: rule("refer").and_then(|source| self.rule(report, "refer", &source, &row)),
            transitions: Vec::new(),
        };
        if let Some(source) = rule("write") {
            self.refuse_both(report, &written);
            if let Some(write) = self.rule(report, "write", &source, &row) {
                let on = |root| Rule { program: write.program.clone().on(root), ..write.clone() };
                access.update = vec![on(Root::Old), on(Root::New)];
                access.create = Some(write.clone());
                access.delete = Some(write);
            }
        }
        singletons::check_access(report, self.head, &|verb| rule(verb).is_some(), &mut access);
        self.warn_of_missing(report, &written);
        access
    }

    /// Compiles the rules of the resource's own fields.
    pub(crate) fn of_fields(&self, report: &mut Report<'_>, fields: &mut [FieldModel]) {
        let scope = self.row();
        for field in fields {
            let Some(descriptor) = self.head.message.get_field(field.number) else { continue };
            let FieldOptions { read, write, classed, .. } = annotations::read(&descriptor);
            if classed && field.columns.is_empty() {
                self.refuse_class(report, field, &descriptor);
            }
            let mut rule = |verb: &str, source: Option<String>| {
                let source = source?;
                let spot = options::spot(report, &descriptor, FIELD, &[Step::Field(verb)]);
                self.field_rule(report, (verb, field), (&source, &spot), &scope)
            };
            let (read, write) = (rule("read", read), rule("write", write));
            (field.read, field.write) = (read.map(Box::new), write.map(Box::new));
        }
    }

    /// Every row is known by its name, in errors and in what is written down.
    fn refuse_class(&self, report: &mut Report<'_>, field: &FieldModel, descriptor: &FieldDescriptor) {
        let spot = options::spot(report, descriptor, FIELD, &[Step::Field("class")]);
        report
            .error(&spot, format!("`{}` cannot have a class", field.name))
            .because("every row is told by its name and its etag, in errors, too")
            .help("leave it out, and keep what nobody may read in a log out of the names of rows");
    }

    /// Every row is known by its name.
    fn field_rule(
        &self,
        report: &mut Report<'_>,
        (verb, field): (&str, &FieldModel),
        (source, spot): (&str, &Spot),
        scope: &RuleScope,
    ) -> Option<Rule> {
        if field.columns.is_empty() {
            let message = format!("`{}` cannot have a rule for {verb}", field.name);
            let draft =
                report.error(spot, message).because("every row that may be read is known by its name and its etag");
            draft.help("leave it out; the rules of the resource say who reads and writes its rows");
            return None;
        }
        self.compiled(report, (&format!("{verb} of {}", field.name), source, spot), scope)
    }

    fn spot(&self, report: &Report<'_>, verb: &str) -> Spot {
        self.head.option(report, OPTIONS, &[Step::Field("access"), Step::Field(verb)])
    }

    fn rule(&self, report: &mut Report<'_>, verb: &str, source: &str, scope: &RuleScope) -> Option<Rule> {
        let spot = self.spot(report, verb);
        self.compiled(report, (verb, source, &spot), scope)
    }

    fn compiled(
        &self,
        report: &mut Report<'_>,
        (verb, source, spot): (&str, &str, &Spot),
        scope: &RuleScope,
    ) -> Option<Rule> {
        self.rule_at(report, &format!("the rule for {verb}"), source, scope, spot)
    }

    /// Compiles a rule that stands anywhere; `what` is what it is called.
    pub(super) fn rule_at(
        &self,
        report: &mut Report<'_>,
        what: &str,
        source: &str,
        scope: &RuleScope,
        spot: &Spot,
    ) -> Option<Rule> {
        if source.trim().is_empty() {
            report
                .error(spot, format!("{what} is empty"))
                .help("use \"false\" if nobody may, \"true\" if everybody may");
            return None;
        }
        match compile_rule(source, scope) {
            Ok(program) => {
                self.warn_of_email(report, what, source, &program, spot);
                let inside = report.files.within(spot, 0..1);
                Some(Rule { source: source.to_owned(), program, place: report.files.place(&inside) })
            }
            Err(problems) => {
                self.report(report, what, source, spot, problems);
                None
            }
        }
    }

    /// What a rule on one row of the resource may name.
    pub(crate) fn row(&self) -> RuleScope {
        self.vocabulary.of_row(&self.record)
    }

    /// Whoever signs up says an address; that it is theirs is known only where it was verified.
    fn warn_of_email(&self, report: &mut Report<'_>, what: &str, source: &str, program: &Program, spot: &Spot) {
        const NAME: &str = "auth.email";
        if !program.trusts_unverified_email() {
            return;
        }
        let ends = |at: usize| !source[at..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let found = source.match_indices(NAME).map(|(at, _)| at..at + NAME.len()).find(|range| ends(range.end));
        let spot = found.map_or_else(|| spot.clone(), |range| report.files.within(spot, range));
        report
            .warning(&spot, format!("{what} trusts an e-mail address that may be anybody's"))
            .because(
                "whoever signs up may give any address; auth.email_verified says whether it was proved to be theirs",
            )
            .help("add `&& auth.email_verified`, or use auth.uid");
    }

    pub(super) fn report(
        &self,
        report: &mut Report<'_>,
        what: &str,
        source: &str,
        spot: &Spot,
        problems: Vec<Problem>,
    ) {
        let what = format!("{what} of {}", self.head.message.full_name());
        told(report, self.failed, (&what, source, spot), problems);
    }

    fn refuse_both(&self, report: &mut Report<'_>, written: &DynamicMessage) {
        for verb in ["create", "update", "delete"] {
            if optional_text(written, verb).is_some() {
                let spot = self.spot(report, verb);
                report
                    .error(&spot, format!("{verb} has two rules: its own, and `write`"))
                    .because("`write` is short for create, update and delete")
                    .help("replace `write` by the verbs that it was meant for");
            }
        }
    }

    fn warn_without_access(&self, report: &mut Report<'_>, has_option: bool) {
        let access = "access {read: \"true\" write: \"'admin' in auth.roles\"}";
        let line = if has_option {
            format!("add to (mainstay.v1.resource): {access}")
        } else {
            format!("add to the message: option (mainstay.v1.resource) = {{{access}}};")
        };
        report
            .warning(&self.head.spot, format!("{} has no access rules", self.head.message.full_name()))
            .because("without a rule every call is denied")
            .help(line);
    }

    fn warn_of_missing(&self, report: &mut Report<'_>, written: &DynamicMessage) {
        let has = |verb: &str| optional_text(written, verb).is_some();
        let verbs: &[&str] =
            if self.head.pattern.singleton { &["read", "update"] } else { &["read", "create", "update", "delete"] };
        let missing: Vec<&str> =
            verbs.iter().copied().filter(|verb| !has(verb) && (*verb == "read" || !has("write"))).collect();
        if missing.is_empty() {
            return;
        }
        let spot = self.head.option(report, OPTIONS, &[Step::Field("access")]);
        let lines: Vec<String> = missing.iter().map(|verb| format!("{verb}: \"false\"")).collect();
        report
            .warning(&spot, format!("nobody may {} {}", missing.join(" or "), self.head.message.full_name()))
            .because("a verb without a rule is denied to everyone but the system")
            .help(format!("add {} to say so, or the rules that are meant", lines.join(" ")));
    }
}

/// A message inside an option, where it is set.
pub(super) fn nested(message: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    let descriptor = prost_reflect::ReflectMessage::descriptor(message).get_field_by_name(field)?;
    message.has_field(&descriptor).then(|| message.get_field(&descriptor).as_message().cloned()).flatten()
}

/// Reports the problems of an expression, each at its place; not those of a name that has problems of its own.
pub(super) fn told(
    report: &mut Report<'_>,
    failed: &HashSet<String>,
    (what, source, spot): (&str, &str, &Spot),
    problems: Vec<Problem>,
) {
    for problem in problems {
        let named = source.get(problem.span.clone()).unwrap_or_default();
        let blames_failed = problem.kind == ProblemKind::UnknownName
            && named.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| failed.contains(word));
        if blames_failed {
            continue;
        }
        let at = report.files.within(spot, problem.span);
        let draft = report.error(&at, problem.message).because(format!("it stands in {what}"));
        if let Some(help) = problem.help {
            draft.help(help);
        }
    }
}
