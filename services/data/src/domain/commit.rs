//! Commit: several writes of one package in one transaction, which may name what each other make.

use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::commit::{self as numbers, Commit, Operation as Kind};
use mainstay_contract::{Role, Verb};
use mainstay_db::Atomic;
use mainstay_record::Violation;
use mainstay_wire::WireError;
use mainstay_wire::frame::{self, Fields, Value};
use uuid::Uuid;

use super::answer::Form;
use super::batch::{MAX_BATCH, check_count, check_weight, shared_terms};
use super::checks::{Check, WriteOp};
use super::content::Content;
use super::context::Operation;
use super::create::Create;
use super::delete::Delete;
use super::draft::Draft;
use super::labels::{Labels, Name, Which, may_hold_labels};
use super::place::{Holds, Place};
use super::precondition::{Precondition, Wanted};
use super::request::{Defect, Identity, Message, Request, Terms};
use super::transition::Transition;
use super::update::Update;

/// Reads a Commit. Of one that cannot be the rules are asked before it is refused, as far as its writes can be read.
pub fn read(op: Operation, commit: usize, message: &Bytes) -> Request {
    let parts = Parts::read(message);
    let remembered = parts.as_ref().is_ok_and(|parts| !parts.request_id.is_empty());
    let inner = Operation { read_mask: None, remembered, ..op.clone() };
    let mut reader = Reader { op: inner, commit, labels: Labels::default(), problems: Vec::new() };
    let terms = parts.as_ref().map(Parts::terms).map_err(Clone::clone);
    let mut request = Request {
        op,
        identity: Identity::Commit,
        message: message.clone(),
        beside: Content::default(),
        writes: Vec::new(),
        holds: Holds::One,
        defect: None,
        terms,
        form: Form::Nothing,
        atomic: Atomic::Locked,
    };
    match parts.map_err(Defect::Malformed).and_then(|parts| reader.read(message, &parts, &mut request)) {
        Ok(()) => {}
        Err(defect) => {
            if request.writes.is_empty() {
                request.writes.extend(reader.nothing());
            }
            request.defect = Some(defect);
        }
    }
    request
}

/// The fields of the request.
struct Parts<'m> {
    writes: Vec<&'m [u8]>,
    preconditions: Vec<&'m [u8]>,
    request_id: &'m str,
    validate_only: bool,
}

impl<'m> Parts<'m> {
    fn read(message: &'m [u8]) -> Result<Parts<'m>, WireError> {
        use numbers::request::{PRECONDITIONS, REQUEST_ID, VALIDATE_ONLY, WRITES};
        Ok(Parts {
            writes: frame::messages(message, WRITES)?,
            preconditions: frame::messages(message, PRECONDITIONS)?,
            request_id: frame::string(message, REQUEST_ID)?.unwrap_or_default(),
            validate_only: frame::boolean(message, VALIDATE_ONLY)?,
        })
    }

    fn terms(&self) -> Terms {
        Terms { request_id: self.request_id.to_owned(), validate_only: self.validate_only }
    }
}

struct Reader {
    op: Operation,
    commit: usize,
    labels: Labels,
    problems: Vec<Violation>,
}

/// A write, its label, and where it stands.
type Element<'m> = (Option<Arc<dyn WriteOp>>, &'m str, Place);

/// One of the operations, as it was sent.
struct Sent<'m> {
    label: &'m str,
    number: u32,
    message: Bytes,
}

impl Reader {
    fn commit(&self) -> &Commit {
        &self.op.snapshot.contract.commits[self.commit]
    }

    fn on(&self, resource: usize) -> Operation {
        Operation { resource, ..self.op.clone() }
    }

    /// What is asked of the rules where there is nothing else: an operation that the caller may do, if there is one. Who may
    /// do none is told no more than that.
    fn nothing(&self) -> Option<Arc<dyn WriteOp>> {
        let empty = |operation: &Kind, explains: bool| {
            let op = Operation { explains, ..self.on(operation.resource) };
            write(op, operation.verb, Bytes::new(), None).map(|(write, _)| write)
        };
        let may = |operation: &&Kind| {
            empty(operation, false).is_some_and(|write| write.check(Check::AuthRule, &mut Draft::default()).is_ok())
        };
        let operations = &self.commit().operations;
        empty(operations.iter().find(may).or(operations.first())?, self.op.explains)
    }

    fn read(&mut self, message: &Bytes, parts: &Parts<'_>, request: &mut Request) -> Result<(), Defect> {
        check_count("writes", parts.writes.len()).map_err(|violation| Defect::Violations(vec![violation]))?;
        if parts.preconditions.len() > MAX_BATCH {
            let description = format!("has {} elements: at most {MAX_BATCH} are taken", parts.preconditions.len());
            self.problem("preconditions", &description);
        }
        let mut places = Vec::with_capacity(parts.writes.len() + parts.preconditions.len());
        for (index, write) in parts.writes.iter().enumerate() {
            let (write, label, place) = self.element(message, index, write)?;
            request.beside.text(label);
            request.writes.extend(write);
            places.push(place);
        }
        self.problems.extend(check_weight("writes", &request.writes).err());
        request.form = Form::Results { commit: self.commit, writes: request.writes.len() };
        for (index, precondition) in parts.preconditions.iter().take(MAX_BATCH).enumerate() {
            let place = Place::of(format!("preconditions[{index}]"));
            if let Some(precondition) = self.precondition(&place, precondition).map_err(Defect::Malformed)? {
                if precondition.is_of_absence() {
                    request.atomic = Atomic::Transaction;
                }
                request.writes.push(Arc::new(precondition));
                places.push(place);
            }
        }
        request.holds = Holds::Each(places);
        let problems = std::mem::take(&mut self.problems);
        if problems.is_empty() { Ok(()) } else { Err(Defect::Violations(problems)) }
    }

    fn problem(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.problems.push(Violation { field: field.into(), description: description.into() });
    }

    /// Reads one write, its label, and where it stands.
    fn element<'m>(&mut self, message: &Bytes, index: usize, element: &'m [u8]) -> Result<Element<'m>, Defect> {
        let sent = sent(message, element).map_err(Defect::Malformed)?;
        let at = format!("writes[{index}]");
        let operation = sent.as_ref().and_then(|sent| self.commit().operation(sent.number)).cloned();
        let (Some(sent), Some(operation)) = (&sent, operation) else {
            let description = match &sent {
                Some(sent) => {
                    format!("has the field {}, which is no operation of the package's resources", sent.number)
                }
                None => "says not what is to be done: set one of its operations".to_owned(),
            };
            self.problem(at.clone(), description);
            return Ok((None, "", Place::of(at)));
        };
        let place = Place::of(format!("{at}.{}", operation.name));
        let label = sent.label;
        let (bytes, told) = self.named(&operation, &sent.message, &place).map_err(Defect::Malformed)?;
        let ids = (Uuid::now_v7().to_string(), format!("{index:0>36}"));
        let written = write(self.on(operation.resource), operation.verb, bytes.clone(), Some((ids, told)));
        let Some((write, name)) = written else { return Ok((None, label, place)) };
        let message = operation.verb.read(bytes);
        let shared = shared_terms(&message).into_iter();
        self.problems.extend(shared.map(|problem| Violation { field: place.field(&problem.field), ..problem }));
        if let Err(problem) = self.labels.set(label, index, name) {
            self.problem(format!("{at}.label"), problem);
        }
        Ok((Some(write), label, place))
    }

    /// A request with names in the place of its labels; and the same as it is told from others, where that differs.
    fn named(&mut self, operation: &Kind, sent: &Bytes, place: &Place) -> Result<(Bytes, Option<Message>), WireError> {
        let plan = Arc::clone(self.op.snapshot.resource(operation.resource));
        let named = |which| self.labels.replace(&plan, operation.verb, sent.clone(), (place, which));
        let told = if self.op.remembered && may_hold_labels(sent) {
            Some(operation.verb.read(named(Which::Told)?.0)?)
        } else {
            None
        };
        let (bytes, problems) = named(Which::Name)?;
        self.problems.extend(problems);
        Ok((bytes, told))
    }

    fn precondition(&mut self, place: &Place, element: &[u8]) -> Result<Option<Precondition>, WireError> {
        use numbers::precondition::{ETAG, EXISTS, NAME};
        let name = frame::string(element, NAME)?.unwrap_or_default();
        let wanted = match (frame::varint(element, EXISTS)?, frame::string(element, ETAG)?) {
            (_, Some(etag)) => Wanted::Etag(etag.to_owned()),
            (Some(0), None) => Wanted::Absent,
            (Some(_), None) => Wanted::Exists,
            (None, None) => {
                self.problem(place.element(), "says not what has to hold: set `exists` or `etag`");
                return Ok(None);
            }
        };
        let is_it = |resource: &usize| self.op.snapshot.resource(*resource).resource.template.parse(name).is_some();
        let Some(resource) = self.commit().resources().find(is_it) else {
            let package = &self.commit().package;
            let description = format!("must be the name of a resource of the package {package}");
            self.problem(place.field("name"), description);
            return Ok(None);
        };
        Ok(Some(Precondition::new(self.on(resource), name.to_owned(), wanted)))
    }
}

/// The ids that a row gets if the request names none, the one that is told included, and the request as it is told.
type Made = ((String, String), Option<Message>);

/// A write, and the name of its row, where it can be told.
fn write(op: Operation, verb: Verb, message: Bytes, made: Option<Made>) -> Option<(Arc<dyn WriteOp>, Option<Name>)> {
    let message = verb.read(message);
    let ((id, told_id), told) = made.unwrap_or_default();
    let named = |name: &str, told: Option<&str>| Name { name: name.to_owned(), told: told.unwrap_or(name).to_owned() };
    match verb {
        Verb::Create => {
            let as_told = told.clone().map_or_else(|| message.clone(), Ok);
            let as_told = Create::with_id(op.clone(), as_told, told_id, None).name();
            let create = Create::with_id(op, message, id, told);
            let name = create.name().zip(as_told).map(|(name, told)| Name { name, told });
            Some((Arc::new(create), name))
        }
        Verb::Update => {
            let as_told = told.clone().map(|told| Update::new(op.clone(), Ok(told)));
            let as_told = as_told.as_ref().and_then(|told| told.name().ok());
            let update = Update::new(op, message);
            let name = update.name().ok().map(|name| named(name, as_told));
            let update = update.told(told);
            Some((Arc::new(update), name))
        }
        Verb::Delete => {
            let as_told = told.as_ref().and_then(|told| told.text(Role::Name).ok());
            let delete = Delete::new(op, message);
            let name = delete.name().ok().map(|name| named(name, as_told));
            let delete = delete.told(told);
            Some((Arc::new(delete), name))
        }
        Verb::Transition(which) => {
            let as_told = told.as_ref().and_then(|told| told.text(Role::Name).ok());
            let transition = Transition::new(op, which, message);
            let name = transition.name().ok().map(|name| named(name, as_told));
            let transition = transition.told(told);
            Some((Arc::new(transition), name))
        }
        _ => None,
    }
}

/// Reads which operation a write is. Of several the last counts (they are a `oneof`); one in parts is put together.
fn sent<'m>(message: &Bytes, element: &'m [u8]) -> Result<Option<Sent<'m>>, WireError> {
    let mut label = &b""[..];
    let mut operation: Option<(u32, Bytes)> = None;
    // Of an operation in parts: what has come of it. It grows in place, however many there are.
    let mut joined = Vec::new();
    let mut fields = Fields::of(element);
    while let Some((number, value)) = fields.next()? {
        match value {
            Value::Bytes(value) if number == numbers::write::LABEL => label = value,
            Value::Bytes(value) => match &operation {
                Some((same, first)) if *same == number => {
                    if joined.is_empty() {
                        joined.extend_from_slice(first);
                    }
                    joined.extend_from_slice(value);
                }
                _ => {
                    operation = Some((number, message.slice_ref(value)));
                    joined.clear();
                }
            },
            _ if number == numbers::write::LABEL => return Err(frame::wrong_type(number)),
            _ => {}
        }
    }
    let label = std::str::from_utf8(label).map_err(|_| frame::not_utf8(numbers::write::LABEL))?;
    let whole = |message| if joined.is_empty() { message } else { Bytes::from(joined) };
    Ok(operation.map(|(number, message)| Sent { label, number, message: whole(message) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_in_parts_is_one_and_of_several_operations_the_last_counts() {
        let element = |parts: &[(u8, &[u8])]| -> Bytes {
            let part = |(number, value): &(u8, &[u8])| {
                [&[number << 3 | 2, u8::try_from(value.len()).expect("short")], *value].concat()
            };
            parts.iter().flat_map(part).collect::<Vec<u8>>().into()
        };
        let read = |bytes: &Bytes| {
            let sent = sent(bytes, bytes).expect("well-formed").expect("an operation");
            (sent.number, sent.message.to_vec())
        };
        assert_eq!(read(&element(&[(9, b"ab"), (9, b""), (9, b"c")])), (9, b"abc".to_vec()));
        assert_eq!(read(&element(&[(9, b""), (9, b"c")])), (9, b"c".to_vec()));
        assert_eq!(read(&element(&[(9, b"ab"), (9, b"c"), (8, b"d")])), (8, b"d".to_vec()));
        assert_eq!(read(&element(&[(9, b"ab"), (9, b"c"), (8, b"d"), (9, b"e")])), (9, b"e".to_vec()));
        assert_eq!(read(&element(&[(9, b"ab"), (8, b"d"), (8, b"e")])), (8, b"de".to_vec()));
        // As many as a request holds: put together anew for each, it would take for ever.
        let many: Vec<(u8, &[u8])> = vec![(9, b"x"); 1_000_000];
        assert_eq!(read(&element(&many)).1.len(), 1_000_000);
    }
}
