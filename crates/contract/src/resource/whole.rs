//! Constraints on messages as a whole: `(buf.validate.message).cel`.

use std::sync::Arc;

use mainstay_expr::{Expr, RecordType, Storage, Type, compile_rule};
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

use crate::file::{Spot, tag};
use crate::model::{Constraint, FieldModel, Rule};
use crate::options::{items, message_option, text};
use crate::report::Report;
use crate::resource::access::Rules;
use crate::text::Step;

const MESSAGE: &str = "buf.validate.message";

/// Says whether a message carries such constraints.
pub(crate) fn is_on(message: &MessageDescriptor) -> bool {
    message_option(message.parent_pool(), &message.options(), MESSAGE).is_some()
}

/// Reads the constraints of a resource, and gives those of the messages in its columns to their fields.
pub(super) fn read(report: &mut Report<'_>, rules: &Rules<'_>, fields: &mut [FieldModel]) -> Vec<Constraint> {
    let reader = Reader { rules };
    reader.inside(report, &rules.head.message, &rules.record, fields);
    reader.of(report, &rules.head.message, &rules.record)
}

struct Reader<'a> {
    rules: &'a Rules<'a>,
}

impl Reader<'_> {
    fn inside(
        &self,
        report: &mut Report<'_>,
        message: &MessageDescriptor,
        record: &RecordType,
        fields: &mut [FieldModel],
    ) {
        for field in fields.iter_mut().filter(|field| !field.children.is_empty()) {
            let known = record.fields.iter().find(|known| known.number == field.number);
            let held = message.get_field(field.number).and_then(|held| held.kind().as_message().cloned());
            if let (Some(Storage::Message { .. }), Some(Type::Message(inner)), Some(held)) =
                (known.map(|known| &known.storage), known.map(|known| &known.ty), held)
            {
                self.inside(report, &held, inner, &mut field.children);
                field.constraints = self.of(report, &held, inner);
            }
        }
    }

    fn of(&self, report: &mut Report<'_>, message: &MessageDescriptor, record: &Arc<RecordType>) -> Vec<Constraint> {
        let Some(option) = message_option(message.parent_pool(), &message.options(), MESSAGE) else {
            return Vec::new();
        };
        let spot = |report: &Report<'_>, steps: &[Step<'_>]| {
            report.option(message.parent_file().name(), message.path(), tag::MESSAGE_OPTIONS, MESSAGE, steps)
        };
        let mut found = Vec::new();
        for (i, value) in items(&option, "cel_expression").iter().enumerate() {
            let spot = spot(report, &[Step::Item("cel_expression", i)]);
            let source = value.as_str().unwrap_or_default().to_owned();
            let rule = self.rule(report, &spot, source.clone(), record);
            found.extend(rule.map(|rule| Constraint { id: source, message: String::new(), rule }));
        }
        for (i, value) in items(&option, "cel").iter().enumerate() {
            let Value::Message(written) = value else { continue };
            let spot = spot(report, &[Step::Item("cel", i), Step::Field("expression")]);
            found.extend(self.written(report, &spot, written, record));
        }
        found
    }

    fn written(
        &self,
        report: &mut Report<'_>,
        spot: &Spot,
        written: &DynamicMessage,
        record: &Arc<RecordType>,
    ) -> Option<Constraint> {
        let (id, message) = (text(written, "id"), text(written, "message"));
        if id.is_empty() {
            report
                .error(spot, "the constraint has no id")
                .because("clients tell constraints by their ids")
                .help("add id: \"dates_in_order\", for example");
            return None;
        }
        let rule = self.rule(report, spot, text(written, "expression"), record)?;
        Some(Constraint { id, message, rule })
    }

    fn rule(&self, report: &mut Report<'_>, spot: &Spot, source: String, record: &Arc<RecordType>) -> Option<Rule> {
        let program = match compile_rule(&source, &self.rules.vocabulary.of_message(record)) {
            Ok(program) => program,
            Err(problems) => {
                self.rules.report(report, "a constraint", &source, spot, problems);
                return None;
            }
        };
        let elsewhere = |node: &Expr| matches!(node, Expr::Auth(_) | Expr::Now { .. });
        if program.root.any_node(&mut |node| elsewhere(node)) || !program.root.tables().is_empty() {
            report
                .error(spot, "the constraint is not about the message alone")
                .because("it asks who calls, for the time or another row, and a message is valid or not by itself")
                .help("write it into the access rules, which may ask for these");
            return None;
        }
        let place = report.files.place(&report.files.within(spot, 0..1));
        Some(Rule { source, program, place })
    }
}
