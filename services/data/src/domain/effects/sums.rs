//! A row with all that effects set in it and add to it.

use std::collections::BTreeMap;

use mainstay_contract::Slot;
use mainstay_record::Value;

use super::order::{Doing, Impossible, Order};
use super::slot;
use crate::domain::context::Operation;

/// What is added to one column.
#[derive(Clone, Copy)]
enum Sum {
    Integers(i128),
    Doubles(f64),
}

/// The row with what is set, and with the sums of what is added.
pub fn summed(op: &Operation, old: &[Value], orders: &[Order]) -> Result<Vec<Value>, Impossible> {
    let (plan, mut row) = (op.plan(), old.to_vec());
    let mut sums: BTreeMap<usize, Sum> = BTreeMap::new();
    let mut put = |slot: &Slot, value: &Value| slot::put(slot, plan, &mut row, value.clone());
    for order in orders {
        match &order.what {
            Doing::Set { slot, value } => put(slot, value).map_err(|slot::Unfit| Impossible)?,
            Doing::Put { set } => {
                set.iter().try_for_each(|(slot, value)| put(slot, value)).map_err(|slot::Unfit| Impossible)?;
            }
            Doing::Add { column, by } => add(&mut sums, *column, by),
            Doing::Move { .. } => {}
        }
    }
    for (column, sum) in sums {
        let value = match (sum, &row[column]) {
            (Sum::Integers(0), _) => continue,
            (Sum::Integers(by), Value::Int(number)) => whole(i128::from(*number) + by)?,
            (Sum::Integers(by), Value::Null) => whole(by)?,
            (Sum::Doubles(by), Value::Double(number)) => Value::Double(number + by),
            (Sum::Doubles(by), Value::Null) => Value::Double(by),
            _ => return Err(Impossible),
        };
        let numeric = plan.resource.field_of(column).and_then(|field| field.numeric);
        let slot = Slot::Column { column, numeric };
        slot::put(&slot, plan, &mut row, value).map_err(|slot::Unfit| Impossible)?;
    }
    Ok(row)
}

fn whole(number: i128) -> Result<Value, Impossible> {
    i64::try_from(number).map(Value::Int).map_err(|_| Impossible)
}

fn add(sums: &mut BTreeMap<usize, Sum>, column: usize, by: &Value) {
    let sum = match (sums.get(&column).copied(), by) {
        (Some(Sum::Integers(sum)), Value::Int(by)) => Sum::Integers(sum + i128::from(*by)),
        (Some(Sum::Doubles(sum)), Value::Double(by)) => Sum::Doubles(sum + by),
        (None, Value::Int(by)) => Sum::Integers(i128::from(*by)),
        (None, Value::Double(by)) => Sum::Doubles(*by),
        // Nothing is added where nothing is said.
        _ => return,
    };
    sums.insert(column, sum);
}
