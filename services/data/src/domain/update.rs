//! Update (AIP-134, AIP-154, AIP-161, AIP-203).

use std::sync::OnceLock;

use bytes::Bytes;
use mainstay_contract::{Role, Trigger, Verb};
use mainstay_db::BoxFuture;
use mainstay_expr::{Around, Root, Scope};
use mainstay_record::{Value, etag_text};
use mainstay_sql::Lock;
use mainstay_wire::{Decoded, MaskSelection, WireError, frame};

use super::answer::Form;
use super::around::Ruled;
use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::Draft;
use super::fields::{check_fields, field_denied, validate_seen};
use super::ids::is_id;
use super::record::{check_live, in_request, new_record, revise, set_references, shape};
use super::references::{check_parent, check_references, check_still_below, may_be_below_hidden};
use super::request::{Message, Request, Terms};
use super::states::{self, Sent};
use super::transforms::Transforms;
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::{FieldRule, Guard};
use crate::rights::Obstacle;

/// Reads an Update.
pub fn read(op: Operation, message: Bytes) -> Request {
    let update = Update::new(op, Verb::Update.read(message.clone()));
    let terms = Terms::read(&update.message);
    Request::one("Update", message, update, terms, Form::Record)
}

/// An Update request.
pub struct Update {
    op: Operation,
    message: std::result::Result<Message, WireError>,
    /// Read when the first check needs it.
    asked: OnceLock<Asked>,
    /// Read before the transaction, or where it is looked at.
    decoded: OnceLock<Decoded>,
    transforms: OnceLock<Transforms>,
    /// By what it is told from others, where that is not the message itself.
    told: Option<Message>,
}

struct Asked {
    name: String,
    key: Vec<Value>,
}

impl Checked for Update {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        match (check, &draft.new) {
            (Check::Readable, _) => true,
            (Check::Constraints, Some(new)) => {
                let plan = self.op.plan();
                let makes_child = draft.old.is_none() && plan.resource.parent.is_some();
                makes_child
                    || may_be_below_hidden(&self.op)
                    || !set_references(&self.op, draft.known().as_deref(), new).is_empty()
            }
            _ => false,
        }
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match (check, &draft.old) {
            (Check::AuthRule, _) => {
                op.admit(plan.update.as_ref())?;
                if self.allows_missing() { op.admit(plan.create.as_ref()) } else { Ok(()) }
            }
            (Check::OldRule, Some(old)) => self.check_old(old, &draft.around),
            (Check::Shape, _) => self.shape(draft),
            (Check::NewRule, _) => self.allow(check, draft).and_then(|()| check_fields(op, draft)),
            (Check::Etag, Some(old)) => {
                check_live(plan, old)?;
                check_etag(&old[plan.resource.layout.revision()], draft.etag.as_deref())
            }
            // What is missing has no etag that could be the one (RFC 9110, 13.1.1).
            (Check::Etag, None) => check_missing_etag(draft.etag.as_deref()),
            (Check::Validation, Some(old)) => {
                states::check(op, &draft.states, draft.new_row()?)?;
                self.check_immutable(old, draft)?;
                validate_seen(op, draft)
            }
            (Check::Validation, None) => {
                states::check(op, &draft.states, draft.new_row()?)?;
                validate_seen(op, draft)
            }
            (Check::Readable | Check::OldRule | Check::Settled | Check::Constraints, _) => Ok(()),
        }
    }

    fn cause<'w>(&'w self, draft: &Draft) -> Option<(&'w Operation, Trigger)> {
        let trigger = if draft.old.is_some() { Trigger::Update } else { Trigger::Create };
        Some((&self.op, trigger))
    }

    fn rule<'d>(&'d self, check: Check, draft: &'d Draft) -> Option<Ruled<'d>> {
        let (op, plan) = (&self.op, self.op.plan());
        let (guard, proposed) = match (check, &draft.old) {
            (Check::OldRule | Check::NewRule, Some(_)) => (&plan.update, Root::New),
            (Check::NewRule, None) => (&plan.create, Root::Resource),
            _ => return None,
        };
        Some(Ruled {
            op,
            guard: guard.as_ref(),
            scope: self.scope(draft),
            proposed: Some(proposed),
            blind: &draft.blind,
            of_everybody: false,
        })
    }

    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match (check, &draft.old) {
                (Check::Readable, _) => self.find(draft, tx).await,
                (_, Some(old)) => {
                    check_still_below(tx, &self.op, old).await?;
                    let rows = (draft.known(), draft.new_row()?);
                    check_references(tx, &self.op, (rows.0.as_deref(), rows.1), &draft.settled).await
                }
                // Where the row is hidden it is denied in the end, as a create with its id.
                (_, None) => {
                    check_parent(tx, &self.op, draft.new_row()?).await?;
                    check_references(tx, &self.op, (None, draft.new_row()?), &draft.settled).await
                }
            }
        })
    }

    fn looks_for(&self) -> Option<(usize, &str)> {
        self.asked().ok().map(|asked| (self.op.resource, asked.name.as_str()))
    }
}

impl WriteOp for Update {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn weight(&self) -> usize {
        let transforms = self.message.as_ref().ok().and_then(|message| message.each(Role::Transforms).ok());
        1 + transforms.map_or(0, |transforms| transforms.len())
    }

    fn prepare(&self) {
        // What is wrong is told in its turn.
        self.decoded().ok();
        self.transforms().ok();
    }

    fn content(&self, content: &mut Content) {
        content.text("Update");
        let Ok(message) = self.told.as_ref().map_or(self.message.as_ref(), Ok) else { return };
        content.flag(message.flag(Role::AllowMissing));
        let plan = self.op.plan();
        let told = self.told.as_ref().map(|told| plan.record.decode(told.bytes(Role::Body)));
        let decoded = told.as_ref().map_or_else(|| self.decoded().ok(), |told| told.as_ref().ok());
        match (decoded, content.mask(message, Role::Mask), self.transforms()) {
            (Some(decoded), Ok(()), Ok(transforms)) => {
                content.record(plan, decoded);
                transforms.content(&self.op, content);
            }
            _ => content.unreadable(message),
        }
    }
}

impl Update {
    /// An Update of this message.
    pub fn new(op: Operation, message: std::result::Result<Message, WireError>) -> Update {
        let (asked, decoded, transforms) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Update { op, message, asked, decoded, transforms, told: None }
    }

    /// The same, told from others by another message: one in which labels have names that are always the same.
    pub fn told(self, told: Option<Message>) -> Update {
        Update { told, ..self }
    }

    /// The name of the row, as the request has it.
    pub fn name(&self) -> Result<&str> {
        match self.op.plan().resource.name_field {
            Some(field) => Ok(frame::string(self.message()?.bytes(Role::Body), field)?.unwrap_or_default()),
            None => Ok(""),
        }
    }

    fn asked(&self) -> Result<&Asked> {
        if let Some(asked) = self.asked.get() {
            return Ok(asked);
        }
        let asked = self.read()?;
        Ok(self.asked.get_or_init(|| asked))
    }

    fn read(&self) -> Result<Asked> {
        let name = self.name()?;
        let key = self.op.key_in(|| in_request(self.op.plan(), "name"), name)?;
        Ok(Asked { key, name: name.to_owned() })
    }

    fn message(&self) -> Result<&Message> {
        Ok(self.message.as_ref().map_err(Clone::clone)?)
    }

    /// A request that cannot be read allows nothing.
    fn allows_missing(&self) -> bool {
        // What comes with its parent is made by nobody.
        !self.op.plan().resource.singleton
            && self.message.as_ref().is_ok_and(|message| message.flag(Role::AllowMissing))
    }

    async fn find(&self, draft: &mut Draft, tx: &mut Tx<'_, '_>) -> Result<()> {
        let asked = self.asked()?;
        draft.old = tx.find(&self.op, Lock::Change, &asked.key).await?;
        match &draft.old {
            None if !self.allows_missing() => Err(tx.missing(&self.op, &asked.key).await),
            None => Ok(()),
            Some(old) => {
                draft.hidden = tx.hidden(&self.op, old).await?;
                Ok(())
            }
        }
    }

    /// What the rule is asked of: a change, as far as it is known, or a row that is made.
    fn scope<'d>(&'d self, draft: &'d Draft) -> Scope<'d> {
        let (caller, new) = (&self.op.caller, draft.new.as_deref());
        match &draft.old {
            Some(old) => caller.on_change(old, new),
            None => Scope { resource: new, ..caller.alone() },
        }
    }

    /// The rule, as far as it can be said to fail before the new row is known.
    fn check_old(&self, old: &[Value], around: &Around) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        let scope = Scope { around: Some(around), ..op.caller.on_change(old, None) };
        let forbids = |rule: &Guard| rule.forbids(&scope);
        if !op.caller.is_system() && plan.update.as_ref().is_some_and(forbids) {
            op.explain(plan.update.as_ref(), &scope);
            return Err(op.caller.denied(Obstacle::Refused).into());
        }
        Ok(())
    }

    /// Puts the row together as it would be: changed, or new where it is missing and may be.
    fn shape(&self, draft: &mut Draft) -> Result<()> {
        let (op, asked) = (&self.op, self.asked()?);
        let new = match &draft.old {
            Some(old) => {
                let decoded = self.decoded()?;
                draft.states = self.sent_states(decoded)?;
                let (new, touched) = self.merged(old, decoded, &draft.hidden)?;
                draft.touch(touched);
                draft.etag.clone_from(&decoded.etag);
                new
            }
            None => {
                op.check_organisation()?;
                if let Some(id) = asked.key.last().and_then(text).filter(|id| !is_id(id)) {
                    return Err(Error::Id { field: in_request(op.plan(), "name"), id });
                }
                let decoded = self.decoded()?;
                draft.touched = self.touched(decoded.present.clone())?;
                draft.etag.clone_from(&decoded.etag);
                draft.states = states::sent(op.plan(), decoded, |_| true);
                let made = new_record(op, asked.key.clone(), decoded.clone());
                let mut new = made.clone();
                self.transform(&made, &mut new)?;
                new
            }
        };
        draft.new = Some(new.into());
        Ok(())
    }

    fn decoded(&self) -> Result<&Decoded> {
        if let Some(decoded) = self.decoded.get() {
            return Ok(decoded);
        }
        let plan = self.op.plan();
        let decoded = plan.record.decode(self.message()?.bytes(Role::Body)).map_err(|error| shape(plan, error))?;
        Ok(self.decoded.get_or_init(|| decoded))
    }

    /// The states that are meant to be set.
    fn sent_states(&self, decoded: &Decoded) -> Result<Vec<Sent>> {
        let plan = self.op.plan();
        if plan.resource.states.is_empty() {
            return Ok(Vec::new());
        }
        let selection = self.selection(decoded)?;
        Ok(states::sent(plan, decoded, |column| selection.has(column)))
    }

    /// The record as it would be. What the server sets is set; what a client may not set is as it was.
    /// What is not there for the caller is not replaced by what it does not say of it. Says as well what is set, ascending.
    fn merged(&self, old: &[Value], decoded: &Decoded, hidden: &[usize]) -> Result<(Vec<Value>, Vec<usize>)> {
        let (op, plan) = (&self.op, self.op.plan());
        let mut selection = self.selection(decoded)?;
        if selection.full {
            let unsaid = |rule: &&FieldRule| rule.is_among(hidden) && !rule.is_among(&decoded.present);
            let unsaid: Vec<usize> = plan.rules.iter().filter(unsaid).flat_map(|rule| rule.columns.clone()).collect();
            selection.retain(|column| !unsaid.contains(&column));
        }
        self.check_transforms(hidden)?;
        selection.retain(|column| op.caller.is_system() || plan.fields.is_writable(column));
        let mut new = old.to_vec();
        plan.record.merge(&selection, &mut new, &decoded.values);
        self.transform(old, &mut new)?;
        revise(op, old, &mut new);
        let mut touched = self.touched(selection.columns)?;
        touched.extend(plan.record.unset_with(&touched, &new));
        touched.sort_unstable();
        touched.dedup();
        Ok((new, touched))
    }

    /// Whatever comes of a transform tells of the value that it changes.
    fn check_transforms(&self, hidden: &[usize]) -> Result<()> {
        let unseen = self.transforms()?.columns().find(|column| hidden.binary_search(column).is_ok());
        match unseen.and_then(|column| self.op.plan().rules.unseen(column, &self.op.caller)) {
            Some(rule) => Err(field_denied(&self.op, rule)),
            None => Ok(()),
        }
    }

    /// These columns and those that are transformed, ascending.
    fn touched(&self, mut columns: Vec<usize>) -> Result<Vec<usize>> {
        columns.extend(self.transforms()?.columns());
        columns.sort_unstable();
        columns.dedup();
        Ok(columns)
    }

    /// Applies the transforms. What a client may not set inside what it wrote is as it was before.
    fn transform(&self, before: &[Value], new: &mut [Value]) -> Result<()> {
        let op = &self.op;
        self.transforms()?.apply(op, new)?;
        if !op.caller.is_system() {
            op.plan().fields.keep_output_only(before, new);
        }
        Ok(())
    }

    fn transforms(&self) -> Result<&Transforms> {
        if let Some(transforms) = self.transforms.get() {
            return Ok(transforms);
        }
        let transforms = Transforms::read(&self.op, self.message()?)?;
        Ok(self.transforms.get_or_init(|| transforms))
    }

    fn selection(&self, decoded: &Decoded) -> Result<MaskSelection> {
        let plan = self.op.plan();
        match self.message()?.mask(Role::Mask)?.as_deref() {
            None | Some([]) => Ok(plan.record.populated(decoded)),
            Some(paths) => plan
                .record
                .resolve(paths)
                .map_err(|error| Error::Mask { field: "update_mask", error: plan.classes.masked(error) }),
        }
    }

    fn check_immutable(&self, old: &[Value], draft: &Draft) -> Result<()> {
        let plan = self.op.plan();
        let immutable = plan.fields.changed_immutable(old, draft.new_row()?, &draft.blind);
        if immutable.is_empty() {
            return Ok(());
        }
        Err(Error::Immutable(immutable.iter().map(|field| in_request(plan, field)).collect()))
    }
}

/// Compares the etag that the client sent, if any, with the row's.
pub fn check_etag(revision: &Value, etag: Option<&str>) -> Result<()> {
    match etag {
        Some(etag) if !etag.is_empty() && etag != etag_text(revision_of(revision)) => Err(Error::EtagMismatch),
        _ => Ok(()),
    }
}

/// Refuses an etag where there is no row to have it, and none is needed.
pub fn check_missing_etag(etag: Option<&str>) -> Result<()> {
    if etag.is_none_or(str::is_empty) { Ok(()) } else { Err(Error::EtagMismatch) }
}

fn revision_of(value: &Value) -> i64 {
    if let Value::Int(revision) = value { *revision } else { 0 }
}

fn text(value: &Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text.clone()) } else { None }
}
