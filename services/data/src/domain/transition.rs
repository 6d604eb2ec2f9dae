//! Transitions (AIP-216): a row goes from one of its states into another, with what is given.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mainstay_contract::{FIRST_INPUT, Role, Trigger, Verb};
use mainstay_db::BoxFuture;
use mainstay_expr::{Root, Scope};
use mainstay_record::{Value, Violation};
use mainstay_sql::Lock;
use mainstay_wire::frame::{self, Fields};
use mainstay_wire::{DecodeError, Decoded, WireError};

use super::answer::Form;
use super::around::Ruled;
use super::checks::{Check, Checked, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::draft::Draft;
use super::fields::{check_fields, validate_seen};
use super::illegal::Illegal;
use super::record::{check_live, in_request, revise, set_references};
use super::references::{check_references, check_still_below, may_be_below_hidden};
use super::request::{Identity, Message, Request, Terms};
use super::tx::Tx;
use super::update::check_etag;
use crate::error::{Error, Result};
use crate::plans::TransitionPlan;
use crate::store::transitions::Passage;

/// Reads the request of a transition, which is told by its place among those of the resource.
pub fn read(op: Operation, which: u16, message: Bytes) -> Request {
    let transition = Transition::new(op, which, Verb::Transition(which).read(message.clone()));
    let terms = Terms::read(&transition.asked);
    Request { identity: Identity::Transition(which), ..Request::one("", message, transition, terms, Form::Record) }
}

/// Makes the request to take a row along by the clock, told by its name.
pub fn by_the_clock(op: Operation, which: u16, name: &str) -> Request {
    let mut message = Vec::new();
    frame::put_message(NAME, name.as_bytes(), &mut message);
    let message = Bytes::from(message);
    let transition =
        Transition { by_the_clock: true, ..Transition::new(op, which, Verb::Transition(which).read(message.clone())) };
    Request {
        identity: Identity::Transition(which),
        ..Request::one("", message, transition, Ok(Terms::default()), Form::Nothing)
    }
}

/// The number of the name in the request.
const NAME: u32 = 1;

/// The request of a transition. Who may read the row and has its access may go; what the guard says holds for everybody.
pub struct Transition {
    op: Operation,
    which: u16,
    asked: std::result::Result<Message, WireError>,
    /// By what it is told from others, where that is another message.
    told: Option<Message>,
    /// Whether nobody asks for it: its moment has come, if nobody was faster.
    by_the_clock: bool,
    /// Read when the first check needs it.
    given: OnceLock<Decoded>,
}

impl Checked for Transition {
    fn asks_the_store(&self, check: Check, draft: &Draft) -> bool {
        match (check, &draft.new) {
            (Check::Readable, _) => true,
            (Check::Constraints, Some(new)) => {
                may_be_below_hidden(&self.op) || !set_references(&self.op, draft.known().as_deref(), new).is_empty()
            }
            _ => false,
        }
    }

    fn check(&self, check: Check, draft: &mut Draft) -> Result<()> {
        let op = &self.op;
        match (check, &draft.old) {
            (Check::AuthRule, _) => op.admit(self.plan()?.access.as_ref()),
            (Check::OldRule, _) => self.allow(check, draft),
            (Check::Shape, Some(_)) => {
                let old = draft.old.take().unwrap_or_default();
                let shaped = self.shape(draft, &old);
                draft.old = Some(old);
                shaped
            }
            // Of what is given, a field's own rule decides, too.
            (Check::NewRule, Some(_)) => check_fields(op, draft).map_err(|error| self.placed(error)),
            (Check::Etag, Some(old)) => {
                if self.by_the_clock && !self.plan()?.is_due(&op.caller, old) {
                    return Err(Error::EtagMismatch);
                }
                check_live(op.plan(), old)?;
                let revision = &old[op.plan().resource.layout.revision()];
                check_etag(revision, Some(self.asked()?.text(Role::Etag)?))
            }
            (Check::Validation, Some(old)) => {
                self.check_state(old)?;
                self.allow(check, draft).map_err(|_| self.guarded())?;
                self.check_given(old, draft.new_row()?, &draft.blind)?;
                validate_seen(op, draft).map_err(|error| self.placed(error))
            }
            _ => Ok(()),
        }
    }

    fn cause<'w>(&'w self, _: &Draft) -> Option<(&'w Operation, Trigger)> {
        Some((&self.op, Trigger::Transition(self.which)))
    }

    fn rule<'d>(&'d self, check: Check, draft: &'d Draft) -> Option<Ruled<'d>> {
        let (op, plan, old) = (&self.op, self.plan().ok()?, draft.old.as_deref()?);
        match check {
            Check::OldRule => {
                let scope = op.caller.on_resource(old);
                Some(Ruled { op, guard: plan.access.as_ref(), scope, proposed: None, blind: &[], of_everybody: false })
            }
            // Asked of what is given, too: what that refers to must be readable to be looked at.
            Check::Validation => {
                let guard = Some(plan.guard.as_ref()?);
                let (row, is_given) = (draft.given.as_deref().unwrap_or(old), draft.given.is_some());
                let scope = Scope { old: Some(old), ..op.caller.on_resource(row) };
                let proposed = is_given.then_some(Root::Resource);
                Some(Ruled { op, guard, scope, proposed, blind: &draft.blind, of_everybody: true })
            }
            _ => None,
        }
    }

    fn ask<'a>(&'a self, check: Check, draft: &'a mut Draft, tx: &'a mut Tx<'_, '_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let op = &self.op;
            if check == Check::Readable {
                let key = op.key("name", self.asked()?.text(Role::Name)?)?;
                draft.old = tx.find(op, Lock::Change, &key).await?;
                return match &draft.old {
                    None => Err(tx.missing(op, &key).await),
                    Some(old) => {
                        draft.hidden = tx.hidden(op, old).await?;
                        Ok(())
                    }
                };
            }
            check_still_below(tx, op, draft.new_row()?).await?;
            let (known, new) = (draft.known(), draft.new_row()?);
            let checked = check_references(tx, op, (known.as_deref(), new), &draft.settled).await;
            checked.map_err(|error| self.placed(error))
        })
    }

    fn looks_for(&self) -> Option<(usize, &str)> {
        Some((self.op.resource, self.asked().ok()?.text(Role::Name).ok()?))
    }
}

impl WriteOp for Transition {
    fn op(&self) -> &Operation {
        &self.op
    }

    fn content(&self, content: &mut Content) {
        content.text("Transition");
        content.text(self.model().map_or("", |model| &model.name));
        if let Ok(asked) = self.told.as_ref().map_or(self.asked.as_ref(), Ok) {
            [Role::Name, Role::Etag].into_iter().for_each(|role| content.bytes(asked.bytes(role)));
            match self.decode(asked) {
                Ok(given) => content.record(self.op.plan(), &given),
                Err(_) => content.unreadable(asked),
            }
        }
    }
}

impl Transition {
    /// A transition with this message.
    pub fn new(op: Operation, which: u16, asked: std::result::Result<Message, WireError>) -> Transition {
        Transition { op, which, asked, told: None, by_the_clock: false, given: OnceLock::new() }
    }

    /// The same, told from others by another message: one in which labels have names that are always the same.
    pub fn told(self, told: Option<Message>) -> Transition {
        Transition { told, ..self }
    }

    /// The name of the row, as the request has it.
    pub fn name(&self) -> std::result::Result<&str, WireError> {
        self.asked()?.text(Role::Name)
    }

    fn asked(&self) -> std::result::Result<&Message, WireError> {
        self.asked.as_ref().map_err(Clone::clone)
    }

    fn plan(&self) -> Result<&TransitionPlan> {
        self.op.plan().transitions.get(usize::from(self.which)).ok_or(Error::OutOfTurn)
    }

    fn model(&self) -> Result<&mainstay_contract::Transition> {
        self.op.plan().resource.transitions.get(usize::from(self.which)).ok_or(Error::OutOfTurn)
    }

    /// What is given, as a row that has nothing else.
    fn given(&self) -> Result<&Decoded> {
        if let Some(given) = self.given.get() {
            return Ok(given);
        }
        let given = self.decode(self.asked()?)?;
        Ok(self.given.get_or_init(|| given))
    }

    fn decode(&self, asked: &Message) -> Result<Decoded> {
        let known = &self.model()?.inputs;
        let body = inputs(asked.message(), |number| known.iter().any(|input| input.number == number))?;
        let plan = self.op.plan();
        let told = |violation| plan.classes.told(violation);
        let given = plan.record.decode(&body);
        given.map_err(|DecodeError { violations }| Error::Violations(violations.into_iter().map(told).collect()))
    }

    /// Puts the row together as it would be; what is given is noted for the guard, which sees the state as it is.
    fn shape(&self, draft: &mut Draft, old: &[Value]) -> Result<()> {
        let (op, plan, given) = (&self.op, self.plan()?, self.given()?);
        let missing = plan.missing(&given.present).map(|name| Violation {
            field: name.to_owned(),
            description: "is required: give it with the transition".to_owned(),
        });
        let missing: Vec<Violation> = missing.collect();
        if !missing.is_empty() {
            return Err(Error::Violations(missing));
        }
        let mut new = old.to_vec();
        if !given.present.is_empty() {
            let mut selection = op.plan().record.populated(given);
            selection.retain(|column| plan.sets(column));
            let mut touched: Vec<usize> =
                given.present.iter().copied().filter(|column| selection.has(*column)).collect();
            op.plan().record.merge(&selection, &mut new, &given.values);
            let unset = op.plan().record.unset_with(&touched, &new);
            touched.extend(unset);
            touched.sort_unstable();
            draft.touch(touched);
            plan.inputs.keep_output_only(old, &mut new);
            draft.given = Some(Arc::from(new.as_slice()));
        }
        new[plan.column] = Value::Int(self.model()?.to);
        revise(op, old, &mut new);
        draft.passage = Some(self.passage(old, &new, given)?);
        draft.new = Some(new.into());
        Ok(())
    }

    /// What is to be written down.
    fn passage(&self, old: &[Value], new: &[Value], given: &Decoded) -> Result<Passage> {
        let (op, plan) = (&self.op, self.plan()?);
        let mut inputs = Vec::new();
        if !given.present.is_empty() {
            let names: Vec<&str> = plan.given(&given.present).collect();
            let selection = op.plan().record.select(&names).map_err(|_| Error::OutOfTurn)?;
            op.plan().record.encode_masked(new, &selection, &mut inputs).map_err(Error::Damaged)?;
        }
        passage(op, self.which, (old, new), inputs)
    }

    /// Refuses a row that is in another state than those in which the transition begins.
    fn check_state(&self, old: &[Value]) -> Result<()> {
        let (plan, model) = (self.plan()?, self.model()?);
        if plan.begins_in(&model.from, old) {
            return Ok(());
        }
        let resource = &self.op.plan().resource;
        let states = &resource.states[model.states];
        let state = if let Value::Int(state) = old[plan.column] { state } else { 0 };
        let name = |state: &i64| states.names.get(state).cloned().unwrap_or_else(|| state.to_string());
        let begins_here =
            resource.transitions.iter().filter(|own| own.states == model.states && own.from.contains(&state));
        Err(Error::IllegalTransition(Box::new(Illegal {
            name: self.op.plan().name(old),
            transition: model.name.clone(),
            state: name(&state),
            from: model.from.iter().map(name).collect(),
            allowed: begins_here.map(|own| own.name.clone()).collect(),
        })))
    }

    fn guarded(&self) -> Error {
        match self.model() {
            Ok(model) => Error::GuardRefused { transition: model.name.clone() },
            Err(error) => error,
        }
    }

    fn check_given(&self, old: &[Value], new: &[Value], blind: &[usize]) -> Result<()> {
        let immutable = self.plan()?.inputs.changed_immutable(old, new, blind);
        if immutable.is_empty() { Ok(()) } else { Err(Error::Immutable(immutable)) }
    }

    /// Names fields that are given as the request has them; all others are fields of the resource.
    fn placed(&self, error: Error) -> Error {
        let place = |field: String| {
            let given = || -> Option<String> {
                let rest = field.strip_prefix(&in_request(self.op.plan(), ""))?.strip_prefix('.')?;
                let first = rest.split(['.', '[']).next()?;
                self.model().ok()?.inputs.iter().any(|input| input.name == first).then(|| rest.to_owned())
            };
            given().unwrap_or(field)
        };
        match error {
            Error::Violations(all) => {
                Error::Violations(all.into_iter().map(|own| Violation { field: place(own.field), ..own }).collect())
            }
            Error::FieldDenied { field } => Error::FieldDenied { field: place(field) },
            Error::ReferenceNotFound { field, name } => Error::ReferenceNotFound { field: place(field), name },
            other => other,
        }
    }
}

/// What is to be written down of a transition of a row, with what was given.
pub fn passage(op: &Operation, which: u16, (old, new): (&[Value], &[Value]), inputs: Vec<u8>) -> Result<Passage> {
    let resource = &op.plan().resource;
    let model = resource.transitions.get(usize::from(which)).ok_or(Error::OutOfTurn)?;
    let states = &resource.states[model.states];
    let number = |value: &Value| if let Value::Int(number) = value { *number } else { 0 };
    let principal = &op.caller.principal;
    // Where somebody acts as somebody else, it is they who did it.
    let actor = principal.actor().map(|actor| actor.uid.as_str()).or_else(|| principal.uid());
    Ok(Passage {
        revision: number(&new[resource.layout.revision()]),
        at: op.caller.now,
        actor: actor.unwrap_or_default().to_owned(),
        transition: model.name.clone(),
        field: states.number.into(),
        from: number(&old[states.column]),
        to: model.to,
        inputs,
    })
}

/// The fields of the resource that the request of a transition gives, as a message of the resource.
fn inputs(message: &[u8], is_known: impl Fn(u32) -> bool) -> std::result::Result<Vec<u8>, WireError> {
    const GROUP: u8 = 3;
    let mut body = Vec::new();
    let mut fields = Fields::of(message);
    let mut start = 0;
    while let Some((number, _)) = fields.next()? {
        let whole = &message[start..fields.position()];
        start = fields.position();
        let own = number.saturating_sub(FIRST_INPUT);
        let wire_type = whole.first().map_or(GROUP, |byte| byte & 7);
        if own == 0 || wire_type == GROUP || !is_known(own) {
            continue;
        }
        let tag = whole.iter().position(|byte| byte & 0x80 == 0).map_or(whole.len(), |last| last + 1);
        frame::put_tag(own, wire_type, &mut body);
        body.extend_from_slice(&whole[tag..]);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_has_its_own_numbers_again() {
        let mut message = Vec::new();
        frame::put_message(1, b"orders/one", &mut message);
        frame::put_message(15, b"five", &mut message);
        frame::put_varint(10 + 300, 7, &mut message);
        // A tag that is longer than it need be, of a fixed32.
        message.extend([0x80 | (12 << 3 | 5), 0x80, 0x00, 1, 2, 3, 4]);
        let mut body = Vec::new();
        frame::put_message(5, b"five", &mut body);
        frame::put_varint(300, 7, &mut body);
        body.extend([2 << 3 | 5, 1, 2, 3, 4]);
        assert_eq!(inputs(&message, |_| true).expect("well-formed"), body);
        assert_eq!(inputs(&message, |number| number == 2).expect("well-formed"), body[body.len() - 5..]);
    }
}
