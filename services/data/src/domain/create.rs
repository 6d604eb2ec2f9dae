//! Create (AIP-133).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mainstay_contract::{Role, Trigger, Verb};
use mainstay_db::BoxFuture;
use mainstay_expr::Root;
use mainstay_record::Value;
use mainstay_wire::{Decoded, WireError};

use super::answer::Form;
use super::around::Ruled;
use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::Draft;
use super::fields::{check_fields, validate_seen};
use super::ids::is_id;
use super::record::{new_id, new_record, set_references, shape};
use super::references::{check_parent, check_references};
use super::request::{Message, Request, Terms, is_remembered};
use super::states::{self, Sent};
use super::tx::Tx;
use crate::error::{Error, Result};
use crate::plans::ResourcePlan;

/// Reads a Create.
pub fn read(op: Operation, message: Bytes) -> Request {
    let asked = Verb::Create.read(message.clone());
    let create = Create::new(Operation { remembered: is_remembered(&asked), ..op }, asked, None);
    let terms = Terms::read(&create.message);
    Request::one("Create", message, create, terms, Form::Record)
}

/// A Create request.
pub struct Create {
    op: Operation,
    message: std::result::Result<Message, WireError>,
    /// What the row lies below, where the request itself does not say it.
    below: Option<String>,
    /// The id that the row gets where the request names none: made before, so that others can refer to the row.
    id: Option<String>,
    /// By what it is told from others, where that is not the message itself.
    told: Option<Message>,
    /// What its record says, noted when it is read.
    said: OnceLock<Content>,
}

impl Checked for Create {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        let plan = self.op.plan();
        let refers = |row: &Arc<[Value]>| !set_references(&self.op, None, row).is_empty();
        check == Check::Constraints && (plan.resource.parent.is_some() || draft.new.as_ref().is_some_and(refers))
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let (op, plan) = (&self.op, self.op.plan());
        match check {
            Check::AuthRule => {
                op.admit(plan.create.as_ref())?;
                op.check_organisation()
            }
            Check::Shape => {
                let (record, touched) = self.record(&mut draft.states)?;
                (draft.new, draft.touched) = (Some(record.into()), touched);
                Ok(())
            }
            Check::NewRule => {
                draft.new_row()?;
                self.allow(check, draft)?;
                check_fields(op, draft)
            }
            Check::Validation => {
                states::check(op, &draft.states, draft.new_row()?)?;
                validate_seen(op, draft)
            }
            Check::Readable | Check::OldRule | Check::Etag | Check::Settled | Check::Constraints => Ok(()),
        }
    }

    fn cause<'w>(&'w self, _: &Draft) -> Option<(&'w Operation, Trigger)> {
        Some((&self.op, Trigger::Create))
    }

    fn rule<'d>(&'d self, check: Check, draft: &'d Draft) -> Option<Ruled<'d>> {
        let op = &self.op;
        let new = draft.new.as_deref().filter(|_| check == Check::NewRule)?;
        let (guard, scope) = (op.plan().create.as_ref(), op.caller.on_resource(new));
        Some(Ruled { op, guard, scope, proposed: Some(Root::Resource), blind: &[], of_everybody: false })
    }

    fn ask<'a>(&'a self, _: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let record = draft.new_row()?;
            check_parent(tx, &self.op, record).await?;
            check_references(tx, &self.op, (None, record), &draft.settled).await
        })
    }
}

impl WriteOp for Create {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn makes(&self) -> Option<(usize, String)> {
        self.name().map(|name| (self.op.resource, name))
    }

    fn content(&self, content: &mut Content) {
        content.text("Create");
        let Ok(message) = self.told.as_ref().map_or(self.message.as_ref(), Ok) else { return };
        content.bytes(self.below.as_ref().map_or_else(|| message.bytes(Role::Parent), |below| below.as_bytes()));
        content.bytes(message.bytes(Role::Id));
        let plan = self.op.plan();
        match self.said.get().filter(|_| self.told.is_none()) {
            Some(said) => content.bytes(said.as_slice()),
            None => match plan.record.decode(message.bytes(Role::Body)) {
                Ok(decoded) => content.bytes(said(plan, &decoded).as_slice()),
                Err(_) => content.unreadable(message),
            },
        }
    }
}

/// What a record says.
fn said(plan: &ResourcePlan, decoded: &Decoded) -> Content {
    let mut content = Content::default();
    content.record(plan, decoded);
    content
}

impl Create {
    /// A Create of this message; `below` is the parent that it does not name itself.
    pub fn new(op: Operation, message: std::result::Result<Message, WireError>, below: Option<String>) -> Create {
        Create { op, message, below, id: None, told: None, said: OnceLock::new() }
    }

    /// A Create whose row has its id already; `told` is what it is told from others by, where the message has names in the
    /// place of labels that are others each time.
    pub fn with_id(
        op: Operation,
        message: std::result::Result<Message, WireError>,
        id: String,
        told: Option<Message>,
    ) -> Create {
        Create { id: Some(id), told, ..Create::new(op, message, None) }
    }

    /// The name that the row will have, if what it is made of can be.
    pub fn name(&self) -> Option<String> {
        let (message, plan) = (self.message.as_ref().ok()?, self.op.plan());
        let parents = self.parents(message).ok()?.into_iter().map(Value::Text);
        let mut key: Vec<Value> = self.op.organisation().chain(parents).collect();
        key.push(Value::Text(self.id(message).ok()?));
        Some(plan.name(&key))
    }

    fn id(&self, message: &Message) -> Result<String> {
        match (message.text(Role::Id)?, &self.id) {
            ("", Some(id)) => Ok(id.clone()),
            (id, _) => new_id(self.op.plan(), id),
        }
    }

    fn parents(&self, message: &Message) -> Result<Vec<String>> {
        let plan = self.op.plan();
        let parent = self.below.as_deref().map_or_else(|| message.text(Role::Parent), Ok)?;
        let parents = plan.parse_parent(parent).ok_or_else(|| Error::parent(plan, parent))?;
        Ok(parents.into_iter().map(str::to_owned).collect())
    }

    /// The row to be, and which of its columns are sent; the states among them are noted.
    fn record(&self, states: &mut Vec<Sent>) -> Result<(Vec<Value>, Vec<usize>)> {
        let plan = self.op.plan();
        let message = self.message.as_ref().map_err(Clone::clone)?;
        let mut key = self.parents(message)?;
        // A parent that is a resource must exist, which says more; one that is not has only its form.
        if let (Some(part), None) = (key.iter().find(|part| !is_id(part)), plan.resource.parent) {
            return Err(Error::Id { field: "parent".to_owned(), id: part.clone() });
        }
        key.push(self.id(message)?);
        let key = self.op.organisation().chain(key.into_iter().map(Value::Text)).collect();
        let decoded = plan.record.decode(message.bytes(Role::Body)).map_err(|error| shape(plan, error))?;
        if self.op.remembered {
            self.said.get_or_init(|| said(plan, &decoded));
        }
        *states = states::sent(plan, &decoded, |_| true);
        let sent = decoded.present.clone();
        Ok((new_record(&self.op, key, decoded), sent))
    }
}
