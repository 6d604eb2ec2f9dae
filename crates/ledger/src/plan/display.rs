//! A plan for people to read.

use std::fmt;

use super::{Change, Plan, Safety, Step};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "schema up to date");
        }
        let count = |test: fn(&Safety) -> bool| self.steps.iter().filter(|step| test(&step.safety)).count();
        let guarded = count(|safety| matches!(safety, Safety::Guarded { .. }));
        let refused = count(|safety| matches!(safety, Safety::Refused { .. }));
        let total = self.steps.len();
        write!(f, "{total} {}", if total == 1 { "step" } else { "steps" })?;
        if guarded > 0 {
            write!(f, ", {guarded} to accept")?;
        }
        if refused > 0 {
            write!(f, ", {refused} refused: nothing will be applied")?;
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
            Safety::Guarded { .. } => '?',
            Safety::Refused { .. } => '!',
        };
        writeln!(f, "{mark} {:<14} {}  {}", self.change.words().0, self.resource, self.change.detail())?;
        for schema in &self.schema {
            writeln!(f, "      {schema}")?;
        }
        if let Some(note) = &self.note {
            writeln!(f, "      note: {note}")?;
        }
        match &self.safety {
            Safety::Safe => return Ok(()),
            Safety::Guarded { why, remedy } => {
                writeln!(f, "      because: {why}\n      remedy: {remedy}\n      to accept: --accept {}", self.id())?;
            }
            Safety::Refused { why, remedy } => writeln!(f, "      because: {why}\n      instead: {remedy}")?,
        }
        match &self.place {
            Some(place) => writeln!(f, "      at: {place}"),
            None => Ok(()),
        }
    }
}

impl Change {
    fn detail(&self) -> String {
        match self {
            Change::AddResource { table } => format!("as {table}"),
            Change::MoveResource { from, to } if from == to => String::new(),
            Change::MoveResource { from, to } => format!("{from} -> {to}"),
            Change::RenameField { from, field } => {
                let outer = field.rsplit_once('.').map(|(outer, _)| format!("{outer}.")).unwrap_or_default();
                format!("{outer}{from} -> {field}")
            }
            Change::RemoveResource => String::new(),
            Change::ChangePattern { from, to } => format!("variables: {from} -> {to}"),
            Change::WidenField { field, from, to } | Change::ChangeField { field, from, to } if from != to => {
                format!("{field}: {from} -> {to}")
            }
            other => other.words().1.to_owned(),
        }
    }
}
