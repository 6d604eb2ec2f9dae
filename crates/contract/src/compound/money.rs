//! What the parts of a `google.type.Money` must be together, as its comments say.

use mainstay_record::{Value, Violation};

use crate::check::int;

/// How far from zero `nanos` may be: one less than a whole unit.
pub const MAX_MONEY_NANOS: i64 = 999_999_999;

const CURRENCY_CODE: u32 = 1;
const UNITS: u32 = 2;
const NANOS: u32 = 3;

/// Checks an amount; `part` finds the value of the field with a number, NULL where it is unset.
///
/// Money of which nothing is set says nothing, so it is let through. All other money has a currency (ISO 4217's form, not
/// its list: codes come and go), nanos of less than a unit, and nanos whose sign is that of the units.
pub(crate) fn check(path: &str, part: impl Fn(u32) -> Value, found: &mut Vec<Violation>) {
    let (currency, units, nanos) = (part(CURRENCY_CODE), int(part(UNITS).borrow()), int(part(NANOS).borrow()));
    let currency = if let Value::Text(code) = &currency { code.as_str() } else { "" };
    let mut report = |field: &str, description: String| {
        found.push(Violation { field: format!("{path}.{field}"), description });
    };
    if !is_currency(currency) && (units, nanos, currency) != (0, 0, "") {
        report("currency_code", "must be three upper-case letters, a code of ISO 4217 such as EUR".to_owned());
    }
    if !(-MAX_MONEY_NANOS..=MAX_MONEY_NANOS).contains(&nanos) {
        report("nanos", format!("must be from -{MAX_MONEY_NANOS} to {MAX_MONEY_NANOS}: whole units belong in `units`"));
    } else if units.signum() * nanos.signum() < 0 {
        report("nanos", "must have the sign of `units`: -1.75 is units -1 and nanos -750000000".to_owned());
    }
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
