//! Compiles the defaults of a resource, and checks what can be known of them without a caller: that they are values of
//! their fields, and that they never stand in for a zero that somebody meant.

use mainstay_expr::{AuthName, Expr, Program, Storage, compile_default};
use mainstay_record::Value;
use prost_reflect::{FieldDescriptor, Kind as ProtoKind};

use crate::annotations::{self, FIELD};
use crate::check::is_set;
use crate::model::FieldModel;
use crate::report::Report;
use crate::resource::access::Rules;
use crate::resource::constraints::family;
use crate::resource::options;
use crate::text::Step;
use crate::validate::scalar_problems;

/// How long a `google.protobuf.Duration` is at most, in either direction: 10,000 years.
const MAX_DURATION_US: i64 = 315_576_000_000 * 1_000_000;

impl Rules<'_> {
    /// Compiles the defaults of the resource's own fields.
    pub(super) fn defaults(&self, report: &mut Report<'_>, fields: &mut [FieldModel]) {
        for field in fields {
            let Some(descriptor) = self.head.message.get_field(field.number) else { continue };
            let Some(source) = annotations::read(&descriptor).default else { continue };
            let Some(declared) = self.record.field(&field.name) else { continue };
            // The others are refused where the layout is made.
            let nullable = match declared.storage {
                Storage::Column { nullable, .. } => nullable,
                Storage::Account { .. } => true,
                _ => continue,
            };
            let spot = options::spot(report, &descriptor, FIELD, &[Step::Field("default")]);
            match compile_default(&source, &declared.ty) {
                Ok(program) if matches!(declared.storage, Storage::Account { .. }) && !is_caller(&program) => {
                    report
                        .error(&spot, format!("the default of {} is no account", field.name))
                        .because("it names an account, and the only one that is known beforehand is the caller's")
                        .help("write `auth.uid`, or leave the default out");
                }
                Ok(program) => {
                    let default = Default { field, descriptor: &descriptor, nullable, value: constant(&program) };
                    if let Some(problem) = default.problem() {
                        report.tightened(&spot, problem.message).because(problem.cause).help(problem.help);
                    }
                    field.default = Some(Box::new(program));
                }
                Err(problems) => {
                    self.report(report, &format!("the default of {}", field.name), &source, &spot, problems);
                }
            }
        }
    }
}

fn is_caller(program: &Program) -> bool {
    matches!(program.root, Expr::Auth(AuthName::Uid | AuthName::Org))
}

/// The value, where it is the same for every caller at any time. Others are checked on the row that they are part of.
fn constant(program: &Program) -> Option<&Value> {
    match &program.root {
        Expr::Literal(value) => Some(value),
        _ => None,
    }
}

/// What is wrong with a default.
struct Problem {
    message: String,
    cause: String,
    help: String,
}

/// A default beside its field.
struct Default<'a> {
    field: &'a FieldModel,
    descriptor: &'a FieldDescriptor,
    /// The field can be unset, so that a zero is a value.
    nullable: bool,
    value: Option<&'a Value>,
}

impl Default<'_> {
    fn problem(&self) -> Option<Problem> {
        self.beyond_its_type().or_else(|| self.replaces_a_zero()).or_else(|| self.breaks_a_constraint())
    }

    /// Integers are stored alike, whatever their width; what leaves has the width again.
    fn beyond_its_type(&self) -> Option<Problem> {
        let (family, value) = (family(self.descriptor, false), self.value?);
        let range = match family {
            "int32" | "sint32" | "sfixed32" => i64::from(i32::MIN)..=i64::from(i32::MAX),
            "uint32" | "fixed32" => 0..=i64::from(u32::MAX),
            "uint64" | "fixed64" => 0..=i64::MAX,
            "duration" => -MAX_DURATION_US..=MAX_DURATION_US,
            _ => i64::MIN..=i64::MAX,
        };
        let cause = match (value, self.descriptor.kind()) {
            (Value::Int(number), ProtoKind::Enum(ty)) => {
                let known = i32::try_from(*number).is_ok_and(|number| ty.get_value(number).is_some());
                (!known).then(|| format!("{} has no value with the number {number}", ty.full_name()))
            }
            (Value::Int(_), _) if family == "duration" => {
                let fits = matches!(value, Value::Int(micros) if range.contains(micros));
                (!fits).then(|| "a google.protobuf.Duration is at most 315576000000 seconds".to_owned())
            }
            (Value::Int(number), _) if !range.contains(number) => {
                Some(format!("{family} goes from {} to {}, and this is {number}", range.start(), range.end()))
            }
            (Value::Double(number), _) if family == "float" && number.abs() > f64::from(f32::MAX) => {
                Some("it is larger than any finite float".to_owned())
            }
            _ => None,
        };
        cause.map(|cause| Problem {
            message: format!("the default of {} is no value of its type", self.field.name),
            cause,
            help: "write a default that the field can hold".to_owned(),
        })
    }

    /// Without presence, a zero that was sent is a field that was left out: a default would overwrite what somebody meant.
    fn replaces_a_zero(&self) -> Option<Problem> {
        let is_zero = self.value.is_some_and(|value| !is_set(value.borrow(), false));
        if self.nullable || is_zero || self.zero_is_no_value() {
            return None;
        }
        let (name, number) = (&self.field.name, self.field.number);
        let (zero, ty, or) = match self.descriptor.kind() {
            ProtoKind::Bool => ("`false`".to_owned(), "bool".to_owned(), String::new()),
            ProtoKind::String => {
                let or = ", or say that the field is REQUIRED, so that the empty text is no value of it";
                ("empty text".to_owned(), "string".to_owned(), or.to_owned())
            }
            ProtoKind::Bytes => ("empty value".to_owned(), "bytes".to_owned(), String::new()),
            ProtoKind::Enum(ty) => {
                let zero = ty.get_value(0).map_or("0".to_owned(), |value| value.name().to_owned());
                let or = ", or give the enum a zero whose name ends with _UNSPECIFIED (AIP-126)";
                (format!("`{zero}`"), ty.name().to_owned(), or.to_owned())
            }
            _ => ("`0`".to_owned(), family(self.descriptor, false).to_owned(), String::new()),
        };
        Some(Problem {
            message: format!("the default of {name} would replace an explicit {zero}"),
            cause: format!("without `optional` nobody can tell a {name} that is {zero} from one that was left out"),
            help: format!("write `optional {ty} {name} = {number}`{or}"),
        })
    }

    /// Whether nobody can mean the zero: `…_UNSPECIFIED` of an enum says so itself (AIP-126); an empty text is none where
    /// the field's constraints refuse it, or where the default names the caller, since nobody is called by an empty text.
    /// `false` and `0` always mean something.
    fn zero_is_no_value(&self) -> bool {
        match self.descriptor.kind() {
            ProtoKind::Enum(ty) => ty
                .get_value(0)
                .is_some_and(|zero| zero.name() == "UNSPECIFIED" || zero.name().ends_with("_UNSPECIFIED")),
            ProtoKind::String => {
                let refused = || scalar_problems(self.field, false, &Value::Text(String::new()), None).next().is_some();
                self.value.is_none() || self.field.behaviors.required || refused()
            }
            ProtoKind::Bytes => self.field.behaviors.required,
            _ => false,
        }
    }

    fn breaks_a_constraint(&self) -> Option<Problem> {
        let value = self.value?;
        let set = is_set(value.borrow(), self.nullable);
        let unset = (!set && self.field.behaviors.required && !self.field.behaviors.output_only)
            .then(|| "the field is REQUIRED, and the default leaves it unset".to_owned());
        let broken = || {
            let said = scalar_problems(self.field, self.nullable, value, None).next()?;
            Some(format!("the field {said}, and this is {}", written(self.descriptor, value)))
        };
        unset.or_else(broken).map(|cause| Problem {
            message: format!("the default of {} breaks the field's own constraint", self.field.name),
            cause,
            help: "write a default that the field takes, or leave it out".to_owned(),
        })
    }
}

/// A value as a contract writes it.
fn written(field: &FieldDescriptor, value: &Value) -> String {
    match (value, field.kind()) {
        (Value::Int(number), ProtoKind::Enum(ty)) => {
            let named = i32::try_from(*number).ok().and_then(|number| ty.get_value(number));
            named.map_or_else(|| number.to_string(), |value| value.name().to_owned())
        }
        (Value::Int(number), _) => number.to_string(),
        (Value::Double(number), _) => number.to_string(),
        (Value::Bool(flag), _) => flag.to_string(),
        (Value::Text(text), _) => format!("'{text}'"),
        _ => "another value".to_owned(),
    }
}
