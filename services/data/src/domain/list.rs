//! List (AIP-132, AIP-158, AIP-160).

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Request as Asked, Role, Verb};
use mainstay_db::{Lane, Sink};
use mainstay_record::{Kind, Row, Value, ValueRef, Violation};
use mainstay_sql::{NullPattern, OrderColumn};
use mainstay_wire::{EncodeError, frame};

use super::context::{Context, Operation};
use super::expand::{self, Roots};
use super::page_token::{self, Binding};
use super::read_mask::{self, Rows};
use crate::error::{Error, Result};
use crate::plans::{
    Compiled, ListPlan, MAX_FROM_ABOVE, MAX_INLINE_ROWS, Position, ResourcePlan, Shape, Sight, position_values,
};
use crate::rights::Obstacle;

/// The page size where none is asked for.
pub const DEFAULT_PAGE_SIZE: usize = 50;
/// The largest page; a request for more gets this many (AIP-158).
pub const MAX_PAGE_SIZE: usize = 1_000;

/// A page ends before the record with which it would be larger, however many were asked for (AIP-158 allows fewer). Only a
/// page of one record is as large as that record.
pub const MAX_PAGE_BYTES: usize = 2 << 20;

/// A page that is smaller than this has no record remembered as its last one before it has as many as were asked for.
const SMALL_PAGE_BYTES: usize = 64 << 10;

/// What a record takes as a message, about: a page is allocated once for as many rows as it may have.
const USUAL_RECORD_BYTES: usize = 400;

/// The numbers of a List answer's fields.
const ROWS: u32 = number(Role::Rows);
const NEXT_PAGE_TOKEN: u32 = number(Role::NextPageToken);
const EXPANDED: u32 = number(Role::Expanded);

const fn number(role: Role) -> u32 {
    match Verb::List.answer() {
        Some(fields) => fields.number(role),
        None => panic!("a list answers a message of its own"),
    }
}

struct Request<'a> {
    parent: &'a str,
    page_size: usize,
    page_token: &'a str,
    filter: &'a str,
    order_by: &'a str,
    show_deleted: bool,
}

/// Answers a List. Rows that the caller may not read are not there; that is never an error.
pub async fn list(cx: &Context, op: &Operation, message: &[u8]) -> Result<Bytes> {
    let plan = op.plan();
    if plan.read.is_none() && !op.caller.is_system() {
        op.explain(None, &op.caller.alone());
        return Err(op.caller.denied(Obstacle::NoRule).into());
    }
    let atoms = plan.list_atoms(&op.caller);
    let nothing = atoms.is_some() && plan.read.as_ref().is_some_and(|rule| rule.is_closed_to(&op.caller));
    if nothing && op.caller.is_nobody() {
        op.explain(plan.read.as_deref(), &op.caller.alone());
        return Err(op.caller.denied(Obstacle::AuthRule).into());
    }
    op.sound()?;
    let shown = read_mask::of_list(op)?;
    let asked = Verb::List.read(message)?;
    let roots = expand::of(op, &asked)?;
    let request = read(plan, &asked)?;
    let parent = parent(plan, request.parent)?;
    let binding = binding(op, &request);
    let (after, values) = place(cx, op, &request, &binding)?;
    let unnamed = plan.resource.layout.unnamed_keys();
    let given = |(i, part): (usize, &Option<Value>)| u64::from(part.is_some()) << (unnamed + i);
    let parents = parent.iter().enumerate().map(given).fold(0, |bits, bit| bits | bit);
    let (filter, order_by) = (request.filter.to_owned(), request.order_by.to_owned());
    let shape = Shape { atoms, filter, order_by, deleted: request.show_deleted, parents, after };
    let list = plan.list(shape, &op.caller)?;
    op.check_compared(&list)?;
    if nothing {
        return Ok(Bytes::new());
    }
    let place: Vec<Value> = parent.into_iter().flatten().chain(values).collect();
    let statement = statement(cx, op, &list).await?;
    let mut page = Page::new(op, &list, request.page_size, (shown, roots));
    loop {
        let mut params = Vec::with_capacity(1 + place.len());
        params.push(Value::Int(i64::try_from(page.size + 1).unwrap_or(i64::MAX)));
        params.extend_from_slice(&place);
        let binds = statement.taken(&op.caller, params);
        page = cx.db.fetch_for(op.asker(list.costly), list.lane(page.size), &statement.statement, binds, page).await?;
        if !page.ends_unremembered() {
            return finish(cx, op, &list, &binding, page).await;
        }
        page = page.of_as_many();
    }
}

/// The statement that answers. Where few rows lie below those that the caller was given, it is the one that begins there.
async fn statement<'l>(cx: &Context, op: &Operation, list: &'l ListPlan) -> Result<&'l Compiled> {
    let Some(from_above) = &list.from_above else { return Ok(&list.statement) };
    let count = &from_above.count;
    let (asker, binds) = (op.asker(list.costly), count.values(&op.caller, &[]));
    let counted =
        cx.db.fetch_for(asker, Lane::Heavy, &count.statement, binds, mainstay_db::Rows::of(&[Kind::Int])).await?;
    let most = i64::try_from(MAX_FROM_ABOVE).unwrap_or(i64::MAX);
    let are_few = matches!(counted.rows.first().map(Vec::as_slice), Some([Value::Int(count)]) if *count <= most);
    Ok(if are_few { &from_above.statement } else { &list.statement })
}

fn read<'m>(plan: &ResourcePlan, asked: &'m Asked<&[u8]>) -> Result<Request<'m>> {
    let show_deleted = asked.flag(Role::ShowDeleted);
    if show_deleted && plan.resource.soft_delete.is_none() {
        return Err(Error::Violations(vec![Violation {
            field: "show_deleted".to_owned(),
            description: "has no meaning here: what is deleted is gone; leave it out".to_owned(),
        }]));
    }
    if !asked.text(Role::Search)?.is_empty() {
        return Err(Error::NotSupported { field: "search" });
    }
    let page_size = match asked.int32(Role::PageSize) {
        0 => DEFAULT_PAGE_SIZE,
        size => usize::try_from(size).map_err(|_| Error::PageSize)?.min(MAX_PAGE_SIZE),
    };
    Ok(Request {
        parent: asked.text(Role::Parent)?,
        page_size,
        page_token: asked.text(Role::PageToken)?,
        filter: asked.text(Role::Filter)?,
        order_by: asked.text(Role::OrderBy)?,
        show_deleted,
    })
}

fn binding<'a>(op: &'a Operation, request: &Request<'a>) -> Binding<'a> {
    Binding {
        resource_type: &op.plan().resource.type_name,
        parent: request.parent,
        filter: request.filter,
        order_by: request.order_by,
        show_deleted: request.show_deleted,
        principal: op.caller.key(),
    }
}

/// The variables of the parent, `None` where it says `-` (AIP-159). A resource without a parent has none.
fn parent(plan: &ResourcePlan, parent: &str) -> Result<Vec<Option<Value>>> {
    let parts = plan.parse_parent(parent).ok_or_else(|| Error::parent(plan, parent))?;
    Ok(parts.into_iter().map(|part| (part != "-").then(|| Value::Text(part.to_owned()))).collect())
}

/// Where the page continues.
fn place(
    cx: &Context,
    op: &Operation,
    request: &Request<'_>,
    binding: &Binding<'_>,
) -> Result<(Option<NullPattern>, Vec<Value>)> {
    if request.page_token.is_empty() {
        return Ok((None, Vec::new()));
    }
    let now = op.caller.now.div_euclid(1_000_000);
    let position = page_token::open(&cx.page_key, binding, request.page_token, now).map_err(Error::PageToken)?;
    let order = op.plan().order(request.order_by)?;
    let values = position_values(op.plan(), &order, position);
    let values = values.ok_or(Error::PageToken(page_token::TokenError::Invalid))?;
    Ok((Some(NullPattern::of(values.iter().map(Value::is_null))), values))
}

/// Takes the rows of a page and makes the answer of them, up to the first row that does not fit: that one says that there
/// is another page.
struct Page {
    plan: Arc<ResourcePlan>,
    sight: Sight,
    order: Vec<OrderColumn>,
    shown: Rows,
    /// What is gone through from the rows.
    roots: Option<Roots>,
    /// How many records the page may have.
    size: usize,
    /// How many it has.
    records: usize,
    /// Whether a row came that did not fit.
    more: bool,
    /// The order values of the last record that it has, where they were remembered.
    last: Vec<Value>,
    remembered: bool,
    error: Option<EncodeError>,
    out: Vec<u8>,
}

impl Page {
    fn new(op: &Operation, list: &ListPlan, size: usize, (shown, roots): (Rows, Option<Roots>)) -> Page {
        Page {
            plan: Arc::clone(op.plan()),
            sight: op.plan().rules.sight(&op.caller),
            order: list.order.clone(),
            shown,
            roots,
            size,
            records: 0,
            more: false,
            last: vec![Value::Null; list.order.len()],
            remembered: false,
            error: None,
            out: Vec::with_capacity(size.min(MAX_INLINE_ROWS) * USUAL_RECORD_BYTES),
        }
    }

    fn encode<R: Row>(&mut self, row: &R) -> std::result::Result<(), EncodeError> {
        let wanted = match &self.shown {
            Rows::Whole => None,
            Rows::Part(fields) => Some(fields),
            Rows::Hidden => return Ok(()),
        };
        self.plan.encode_field((ROWS, &self.sight), row, wanted, &mut self.out)
    }

    /// Remembers where the page would end with this row, if it may: which row is the last is known only when the next one
    /// has come. In a page that is small yet that is nearly never another one than was asked for.
    fn remember<R: Row>(&mut self, row: &R) {
        self.remembered = self.records == self.size || self.out.len() > SMALL_PAGE_BYTES;
        if !self.remembered {
            return;
        }
        let columns = &self.plan.resource.layout.columns;
        for (key, place) in self.order.iter().zip(&mut self.last) {
            row.read(key.index, columns[key.index].kind, |value| put(place, value, key.prefix));
        }
    }

    /// Says whether the page ended with a row of which nobody thought that it would be the last.
    fn ends_unremembered(&self) -> bool {
        self.more && !self.remembered
    }

    /// The same page, to be read again for as many records as it came to have.
    fn of_as_many(self) -> Page {
        let Page { plan, sight, order, shown, mut roots, records, last, mut out, .. } = self;
        out.clear();
        roots.iter_mut().for_each(Roots::clear);
        Page {
            plan,
            sight,
            order,
            shown,
            roots,
            size: records,
            records: 0,
            more: false,
            last,
            remembered: false,
            error: None,
            out,
        }
    }
}

/// Copies a value into the room of the last one; of a long one the part that decides the order.
fn put(place: &mut Value, value: ValueRef<'_>, prefix: Option<u32>) {
    match (place, beginning(value, prefix)) {
        (Value::Text(text), ValueRef::Text(new)) => {
            text.clear();
            text.push_str(new);
        }
        (place, value) => *place = value.to_owned(),
    }
}

fn beginning(value: ValueRef<'_>, prefix: Option<u32>) -> ValueRef<'_> {
    let Some(length) = prefix.map(|length| length as usize) else { return value };
    match value {
        ValueRef::Text(text) => {
            let end = text.char_indices().nth(length).map_or(text.len(), |(end, _)| end);
            ValueRef::Text(&text[..end])
        }
        ValueRef::Bytes(bytes) => ValueRef::Bytes(&bytes[..bytes.len().min(length)]),
        other => other,
    }
}

impl Sink for Page {
    fn row<R: Row>(&mut self, row: &R) -> ControlFlow<()> {
        let so_far = self.out.len();
        if self.records < self.size {
            if let Err(error) = self.encode(row) {
                self.error = Some(error);
                return ControlFlow::Break(());
            }
            if self.records == 0 || self.out.len() <= MAX_PAGE_BYTES {
                self.records += 1;
                self.remember(row);
                if let Some(roots) = &mut self.roots {
                    roots.row(row);
                }
                return ControlFlow::Continue(());
            }
        }
        self.out.truncate(so_far);
        self.more = true;
        ControlFlow::Break(())
    }
}

async fn finish(cx: &Context, op: &Operation, list: &ListPlan, binding: &Binding<'_>, page: Page) -> Result<Bytes> {
    if let Some(error) = page.error {
        return Err(Error::Damaged(error));
    }
    let mut out = page.out;
    if let Some(roots) = page.roots {
        Box::pin(expand::put(cx, op, roots, EXPANDED, &mut out)).await?;
    }
    if page.more {
        let position: Position = list.position(op.plan(), page.last);
        let now = op.caller.now.div_euclid(1_000_000);
        let token = page_token::seal(&cx.page_key, binding, &position, now).map_err(Error::Key)?;
        if token.len() > page_token::MAX_TOKEN_BYTES {
            return Err(Error::LongOrder);
        }
        frame::put_bytes(NEXT_PAGE_TOKEN, token.as_bytes(), &mut out);
    }
    Ok(Bytes::from(out))
}
