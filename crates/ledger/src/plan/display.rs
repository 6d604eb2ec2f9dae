//! A plan for people to read.

use std::fmt;

use super::{Change, Plan, Safety, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "schema up to date");
        }
        let count = |test: fn(&Safety) -> bool| self.steps.iter().filter(|step| test(&step.safety)).count();
        let reviewed = count(|safety| matches!(safety, Safety::Reviewed { .. }));
        let guarded = count(|safety| matches!(safety, Safety::Guarded { .. }));
        let refused = count(|safety| matches!(safety, Safety::Refused { .. }));
        let total = self.steps.len();
        write!(f, "{total} {}", if total == 1 { "step" } else { "steps" })?;
        if guarded > 0 {
            write!(f, ", {guarded} to accept")?;
        }
        if reviewed > 0 {
            write!(f, ", {reviewed} to accept in production")?;
        }
        if refused > 0 {
            write!(f, ", {refused} refused")?;
        }
        writeln!(f)?;
        for step in &self.steps {
            write!(f, "\n{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.safety {
            Safety::Safe => ' ',
            Safety::Reviewed { .. } | Safety::Guarded { .. } => '?',
            Safety::Refused { .. } => '!',
        };
        let title = format!("{mark} {:<14} {}  {}", self.change.words().0, self.resource, self.change.detail());
        writeln!(f, "{}  [{}]", title.trim_end(), self.effect())?;
        for schema in &self.schema {
            writeln!(f, "      {schema}")?;
        }
        for line in self.change.lines() {
            writeln!(f, "      {line}")?;
        }
        if let Some(note) = &self.note {
            writeln!(f, "      note: {note}")?;
        }
        match &self.safety {
            Safety::Safe => return Ok(()),
            Safety::Reviewed { why, remedy } | Safety::Guarded { why, remedy } => {
                writeln!(f, "      because: {why}\n      remedy: {remedy}")?;
            }
            Safety::Refused { why, remedy } => writeln!(f, "      because: {why}\n      instead: {remedy}")?,
        }
        match &self.place {
            Some(place) => writeln!(f, "      --> {place}"),
            None => Ok(()),
        }
    }
}

impl Change {
    fn detail(&self) -> String {
        match self {
            Change::AddResource { table } => format!("as {table}"),
            Change::PurgeResource { table } => format!("with {table}"),
            Change::MoveResource { from, to } if from == to => String::new(),
            Change::MoveResource { from, to }
            | Change::ChangeDeletion { from, to }
            | Change::MoveService { from, to, .. }
            | Change::MoveMethod { from, to } => format!("{from} -> {to}"),
            Change::ChangePattern { from, to, .. } | Change::RenameVariable { from, to } => format!("{from} -> {to}"),
            Change::RenameField { from, field } => {
                let outer = field.rsplit_once('.').map(|(outer, _)| format!("{outer}.")).unwrap_or_default();
                format!("{outer}{from} -> {field}")
            }
            Change::RenameEnumValue { field, from, to } => format!("{field}: {from} -> {to}"),
            Change::JoinOneof { oneof, fields } | Change::LeaveOneof { oneof, fields } => {
                format!("{oneof}: {}", fields.join(", "))
            }
            Change::ChangeJsonName { field, from, to } => format!("{field}: {from:?} -> {to:?}"),
            Change::ChangeDefault { field, from, to } => {
                let text = |default: &Option<String>| default.clone().unwrap_or_else(|| "none".to_owned());
                format!("{field}: {} -> {}", text(from), text(to))
            }
            Change::WidenField { field, from, to }
            | Change::NarrowField { field, from, to }
            | Change::ConvertField { field, from, to }
            | Change::ChangeField { field, from, to }
                if from != to =>
            {
                format!("{field}: {from} -> {to}")
            }
            other => other.words().1,
        }
    }

    /// What a change is made of, where that is more than a line.
    fn lines(&self) -> Vec<String> {
        let rule = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "nobody".to_owned());
        match self {
            Change::ChangeRule { from, to, .. } if from == to => {
                vec![
                    format!("rule: {}", rule(to)),
                    "the text is the same, but what it names is something else now".to_owned(),
                ]
            }
            Change::ChangeOption { from, to, .. } => {
                let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
                vec![format!("was: {}", said(from)), format!("now: {}", said(to))]
            }
            Change::ChangeRule { from, to, .. } => vec![format!("was: {}", rule(from)), format!("now: {}", rule(to))],
            Change::RenumberEnum { from, to, .. } => vec![format!("was: {from}"), format!("now: {to}")],
            Change::MoveService { methods, routes, .. } => [methods.clone(), routes.clone()].concat(),
            Change::ChangePattern { routes, .. } | Change::ChangeRoutes { routes, .. } => routes.clone(),
            Change::ChangeRequests { fields, .. } | Change::ChangeAnswers { fields, .. } => fields.clone(),
            Change::RereadPattern { pattern, differs, .. } => vec![format!("pattern: {pattern}"), differs.clone()],
            Change::NameEnumValue { more, less, answered, .. } => {
                let less = less.iter().map(|less| format!("no more: {less}"));
                let more = more.iter().map(|more| format!("new: {more}"));
                less.chain(more).chain(answered.iter().map(|now| format!("answered as: {now}"))).collect()
            }
            Change::TightenField { more, less, .. } | Change::ChangeAliases { more, less, .. } => {
                let less = less.iter().map(|less| format!("no more: {less}"));
                less.chain(more.iter().map(|more| format!("new: {more}"))).collect()
            }
            Change::ChangeRole { more, less, moved, .. } => {
                let less = less.iter().map(|less| format!("no more: {less}"));
                let more = more.iter().map(|more| format!("new: {more}"));
                moved.iter().cloned().chain(less).chain(more).collect()
            }
            Change::ChangeCallers { from, to, .. } => vec![format!("until now: {from}"), format!("from now on: {to}")],
            Change::LoosenField { less, .. } => less.iter().map(|less| format!("no more: {less}")).collect(),
            _ => Vec::new(),
        }
    }
}
