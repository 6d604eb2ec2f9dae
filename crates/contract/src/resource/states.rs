//! State machines (AIP-216): the states that a field names, and the transitions between them.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_expr::{Expr, Program, suggest};
use mainstay_record::Value;
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use crate::annotations;
use crate::file::Spot;
use crate::machine::{MAX_TRANSITIONS, STATES, Written, is_name, written};
use crate::method::{FIRST_INPUT, Verb};
use crate::model::{Access, FieldModel, Input, States, Transition, TransitionRules};
use crate::options::{message_option, of_field, text};
use crate::report::Report;
use crate::resource::access::Rules;
use crate::resource::built::Built;
use crate::resource::head::Head;
use crate::resource::moment;
use crate::resource::oneofs;
use crate::resource::options;
use crate::text::Step;

/// The largest number of a field (protobuf), and those that nobody may give one.
const MAX_NUMBER: u32 = (1 << 29) - 1;
const RESERVED_NUMBERS: std::ops::RangeInclusive<u32> = 19_000..=19_999;

/// Refuses the option where no row has states: on fields of messages that are no resources.
pub(super) fn refuse_elsewhere(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head]) {
    fn visit(report: &mut Report<'_>, message: &MessageDescriptor, heads: &[Head]) {
        let is_resource = heads.iter().any(|head| head.message == *message);
        for field in message.fields().filter(|_| !is_resource) {
            let Some(options) = of_field(&field) else { continue };
            if message_option(field.parent_pool(), &options, STATES).is_some() {
                let spot = options::spot(report, &field, STATES, &[]);
                report
                    .error(&spot, format!("{} is no field of a resource itself", field.full_name()))
                    .because("transitions take rows from state to state, and a message inside a row is none")
                    .help("put the field into the resource, or make the message a resource");
            }
        }
        message.child_messages().for_each(|child| visit(report, &child, heads));
    }
    let files: Vec<_> = pool.files().filter(|file| report.files.index(file.name()).is_some()).collect();
    for file in files {
        file.messages().for_each(|message| visit(report, &message, heads));
    }
}

impl Rules<'_> {
    /// Reads the state machines of the resource, and marks their fields as what no client sets.
    pub(super) fn states(
        &self,
        report: &mut Report<'_>,
        built: &mut Built,
        access: &mut Access,
    ) -> (Vec<States>, Vec<Transition>) {
        let written = written(&self.head.message);
        let mut all = Vec::new();
        let mut transitions: Vec<(Transition, TransitionRules)> = Vec::new();
        for field in self.head.message.fields() {
            let Some(option) = of_field(&field).and_then(|o| message_option(field.parent_pool(), &o, STATES)) else {
                continue;
            };
            let machine = Machine { rules: self, field: &field };
            let Some((ty, model)) = machine.field(report, built) else { continue };
            let Some(initial) = machine.state(report, &ty, &text(&option, "initial"), &[Step::Field("initial")]) else {
                continue;
            };
            model.behaviors.output_only = true;
            model.default = Some(Box::new(Program { root: Expr::Literal(Value::Int(initial)) }));
            let states = States {
                field: model.field_path.clone(),
                number: model.number,
                column: model.columns.first().copied().unwrap_or_default(),
                initial,
                names: names(&ty),
                place: model.place.clone(),
            };
            let own = written.iter().filter(|transition| transition.field == field);
            let begun = transitions.len();
            for transition in own {
                transitions.extend(machine.transition(report, &ty, transition, all.len(), built));
            }
            machine.warn_of_unreachable(report, &states, &transitions[begun..]);
            all.push(states);
        }
        self.check_names(report, &written);
        // Their places are those of the methods.
        let place = |name: &str| self.head.transitions.iter().position(|own| own.name == name);
        transitions.sort_by_key(|(own, _)| place(&own.name));
        let (transitions, rules) = transitions.into_iter().unzip();
        access.transitions = rules;
        (all, transitions)
    }

    fn check_names(&self, report: &mut Report<'_>, written: &[Written]) {
        let mut names: BTreeMap<&str, &Written> = BTreeMap::new();
        let taken: Vec<String> = Verb::ALL.iter().map(|verb| verb.method_name(self.head)).collect();
        for transition in written {
            let spot = spot_of(transition, report, &[Step::Field("name")]);
            let method = format!("{}{}", transition.name, self.head.short_name());
            if taken.contains(&method) {
                report
                    .error(&spot, format!("`{}` would be the method {method}, which is another", transition.name))
                    .because("the standard methods of resources have these names")
                    .help("name it for what it does to the row, as in `Place` or `Approve`");
            } else if !is_name(&transition.name) {
                report
                    .error(&spot, format!("`{}` is no name of a transition", transition.name))
                    .because(
                        "it is the beginning of its method's name: at most 60 letters and digits, in upper camel case",
                    )
                    .help("for example name: \"Place\"");
            } else if names.insert(&transition.name, transition).is_some() {
                report
                    .error(&spot, format!("there are two transitions `{}`", transition.name))
                    .because("each is a method, and methods have names of their own")
                    .help("rename one of the two, or name all the states that it begins in with `from`");
            }
        }
        if let Some(one) = written.get(MAX_TRANSITIONS) {
            let spot = spot_of(one, report, &[]);
            report
                .error(&spot, format!("more than {MAX_TRANSITIONS} transitions"))
                .because("each is a method of the resource's service")
                .help("make several resources of it");
        }
    }
}

/// Where a part of a transition stands.
fn spot_of(written: &Written, report: &Report<'_>, steps: &[Step<'_>]) -> Spot {
    let all: Vec<Step<'_>> =
        std::iter::once(Step::Item("transition", written.position)).chain(steps.iter().copied()).collect();
    options::spot(report, &written.field, STATES, &all)
}

/// One field of states.
struct Machine<'m, 'r> {
    rules: &'m Rules<'r>,
    field: &'m FieldDescriptor,
}

impl Machine<'_, '_> {
    /// The field's enum and its entry in the model, if it can hold states.
    fn field<'b>(&self, report: &mut Report<'_>, built: &'b mut Built) -> Option<(EnumDescriptor, &'b mut FieldModel)> {
        let name = self.field.name();
        let spot = options::spot(report, self.field, STATES, &[]);
        let ty = match self.field.kind() {
            Kind::Enum(ty) if !self.field.is_list() => ty,
            _ => {
                report
                    .error(&spot, format!("`{name}` is not an enum"))
                    .because("states are the values of an enum (AIP-216)")
                    .help(format!(
                        "declare `enum State` in the message, and write `State {name} = {}`",
                        self.field.number()
                    ));
                return None;
            }
        };
        let model = built.fields.iter_mut().find(|field| field.name == name)?;
        let options = annotations::read(self.field);
        if oneofs::is_member(self.field) {
            report
                .error(&spot, format!("`{name}` cannot be a member of a oneof"))
                .because("a row is always in a state, whatever else is set")
                .help("move it out of the oneof");
            return None;
        }
        let what = match (model.behaviors.immutable, options.default.is_some(), options.behaviors.identifier) {
            (true, ..) => Some(("is IMMUTABLE", "transitions change it", "leave IMMUTABLE out")),
            (_, true, _) => Some(("has a default", "the state of a new row is `initial`", "leave the default out")),
            _ => None,
        };
        if let Some((what, cause, help)) = what {
            report.error(&spot, format!("`{name}` {what}")).because(cause).help(help);
            return None;
        }
        Some((ty, model))
    }

    fn state(&self, report: &mut Report<'_>, ty: &EnumDescriptor, name: &str, steps: &[Step<'_>]) -> Option<i64> {
        if let Some(value) = ty.get_value_by_name(name) {
            return Some(i64::from(value.number()));
        }
        let spot = options::spot(report, self.field, STATES, steps);
        let names: Vec<String> = ty.values().map(|value| value.name().to_owned()).collect();
        let help = suggest(name, names.iter().map(String::as_str), "its values are");
        let message = if name.is_empty() {
            format!(
                "`{}` of {} is not said",
                steps.iter().rev().find_map(step_name).unwrap_or("initial"),
                self.field.full_name()
            )
        } else {
            format!("{} has no value `{name}`", ty.full_name())
        };
        report
            .error(&spot, message)
            .because("states are values of the field's enum")
            .help(help.unwrap_or_else(|| "add it to the enum".to_owned()));
        None
    }

    fn transition(
        &self,
        report: &mut Report<'_>,
        ty: &EnumDescriptor,
        written: &Written,
        states: usize,
        built: &Built,
    ) -> Option<(Transition, TransitionRules)> {
        let item = Step::Item("transition", written.position);
        let to = self.state(report, ty, &written.to, &[item, Step::Field("to")]);
        let mut from = Vec::new();
        for (i, name) in written.from.iter().enumerate() {
            let Some(number) = self.state(report, ty, name, &[item, Step::Item("from", i)]) else { continue };
            if from.contains(&number) {
                let spot = spot_of(written, report, &[Step::Item("from", i)]);
                report.error(&spot, format!("`{name}` is named twice")).help("remove one of the two");
            }
            from.push(number);
        }
        if written.from.is_empty() {
            let spot = spot_of(written, report, &[]);
            report
                .error(&spot, format!("the transition `{}` begins nowhere", written.name))
                .because("a transition takes rows from the states that it names")
                .help("add from: \"…\", once for each state");
        }
        let [access, guard] = ["access", "guard"].map(|part| self.rule(report, written, part));
        if written.access.is_none() {
            let spot = spot_of(written, report, &[]);
            report
                .warning(&spot, format!("nobody may {} {}", written.name, self.rules.head.message.full_name()))
                .because("a transition without access is denied to everyone but the system")
                .help("add access: \"false\" to say so, or the rule that is meant");
        }
        let inputs = self.inputs(report, written, built);
        let at = self.moment(report, written, &inputs);
        let transition = Transition {
            method: format!("{}{}", written.name, self.rules.head.short_name()),
            name: written.name.clone(),
            states,
            from,
            to: to?,
            inputs,
            place: report.files.place(&spot_of(written, report, &[])),
        };
        Some((transition, TransitionRules { access, guard, at }))
    }

    fn rule(&self, report: &mut Report<'_>, written: &Written, part: &str) -> Option<crate::Rule> {
        let source = if part == "guard" { &written.guard } else { &written.access };
        let spot = spot_of(written, report, &[Step::Field(part)]);
        let what = format!("the {part} of `{}`", written.name);
        self.rules.rule_at(report, &what, source.as_ref()?, &self.rules.row(), &spot)
    }

    fn moment(&self, report: &mut Report<'_>, written: &Written, inputs: &[Input]) -> Option<crate::Rule> {
        let source = written.at.as_ref()?;
        let spot = spot_of(written, report, &[Step::Field("at")]);
        moment::read(report, self.rules, (&written.name, source, &spot), inputs)
    }

    fn inputs(&self, report: &mut Report<'_>, written: &Written, built: &Built) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        for (i, name) in written.input.iter().enumerate() {
            let spot = spot_of(written, report, &[Step::Item("input", i)]);
            let Some(model) = built.fields.iter().find(|field| field.name == *name) else {
                if !built.failed.contains(name) {
                    let names = built.fields.iter().map(|field| field.name.as_str());
                    let help = suggest(name, names, "its fields are");
                    report
                        .error(&spot, format!("{} has no field `{name}`", self.rules.head.message.full_name()))
                        .because("what is given with a transition are fields of the resource itself")
                        .help(help.unwrap_or_else(|| "add the field".to_owned()));
                }
                continue;
            };
            if let Some((cause, help)) = self.obstacle(model, inputs.iter().any(|input| input.name == *name)) {
                report.error(&spot, format!("`{name}` cannot be given with a transition")).because(cause).help(help);
                continue;
            }
            let required = model.behaviors.required;
            inputs.push(Input { number: model.number, name: name.clone(), required });
        }
        inputs
    }

    /// Why a field cannot be given, and what to do instead.
    fn obstacle(&self, model: &FieldModel, twice: bool) -> Option<(&'static str, &'static str)> {
        const MADE: [&str; 5] = ["uid", "create_time", "update_time", "delete_time", "etag"];
        let field = self.rules.head.message.get_field(model.number);
        let is_state = field
            .as_ref()
            .and_then(of_field)
            .is_some_and(|options| message_option(self.field.parent_pool(), &options, STATES).is_some());
        let number = FIRST_INPUT.saturating_add(model.number);
        if model.columns.is_empty() || MADE.contains(&model.name.as_str()) {
            Some(("the server makes it", "leave it out"))
        } else if is_state {
            Some(("transitions alone change states", "leave it out"))
        } else if model.behaviors.immutable {
            Some(("it is IMMUTABLE, so it is set when the row is made", "leave IMMUTABLE out, or the input"))
        } else if field.as_ref().is_some_and(oneofs::unsets_immutable) {
            Some(("it would unset an IMMUTABLE field of its oneof", "leave IMMUTABLE out, or the input"))
        } else if twice {
            Some(("it is named already", "remove one of the two"))
        } else if number > MAX_NUMBER || RESERVED_NUMBERS.contains(&number) {
            Some((
                "in the request it would have a number, more by 10, that protobuf does not take",
                "give it another one",
            ))
        } else {
            None
        }
    }

    /// Warns of transitions that no row can come to.
    fn warn_of_unreachable(
        &self,
        report: &mut Report<'_>,
        states: &States,
        transitions: &[(Transition, TransitionRules)],
    ) {
        let mut reached = BTreeSet::from([states.initial, 0]);
        loop {
            let more: Vec<i64> = transitions
                .iter()
                .map(|(own, _)| own)
                .filter(|own| own.from.iter().any(|from| reached.contains(from)) && !reached.contains(&own.to))
                .map(|own| own.to)
                .collect();
            if more.is_empty() {
                break;
            }
            reached.extend(more);
        }
        for own in
            transitions.iter().map(|(own, _)| own).filter(|own| !own.from.iter().any(|from| reached.contains(from)))
        {
            let Some(written) = self.rules.head.transitions.iter().find(|written| written.name == own.name) else {
                continue;
            };
            let spot = spot_of(written, report, &[]);
            report
                .warning(&spot, format!("no row comes to where `{}` begins", own.name))
                .because(format!(
                    "no transition leads there from `{}`",
                    states.names.get(&states.initial).map_or("", |n| n)
                ))
                .help("add the transition that leads there, or leave this one out");
        }
    }
}

/// The names of an enum's values by their numbers; of aliases the first.
fn names(ty: &EnumDescriptor) -> BTreeMap<i64, String> {
    let mut names = BTreeMap::new();
    for value in ty.values() {
        names.entry(i64::from(value.number())).or_insert_with(|| value.name().to_owned());
    }
    names
}

fn step_name<'s>(step: &'s Step<'_>) -> Option<&'s str> {
    match step {
        Step::Field(name) | Step::Item(name, _) if *name != "transition" => Some(name),
        _ => None,
    }
}
