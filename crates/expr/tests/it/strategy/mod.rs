//! Generated records, callers, rules and filters. Values are few, so that they meet; some are chosen to trip SQL.

mod filters;

use mainstay_record::Value;
use proptest::prelude::*;
use proptest::sample::select;

pub use self::filters::{filter, filter_over_relations};
use crate::fixture::{COLUMNS, NOW, column};

/// How many times as much as usual is generated: `make fuzz` looks further than `make test`.
pub fn scale() -> usize {
    std::env::var("MAINSTAY_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1)
}

/// Texts that differ by case, width, wildcards, or hardly at all.
pub const TEXTS: [&str; 16] =
    ["", "a", "A", "ab", "aB", "b", "a%", "a_", "*", "ä", "Ä", "🍵", "a\u{0308}", "\"", "\\b\n", "\u{ffff}\u{10ffff}"];
pub const INTS: [i64; 7] = [0, 1, 2, 7, -1, i64::MAX, i64::MIN];
pub const FLOATS: [f32; 7] = [0.0, 1.0, -1.5, 0.1, f32::MAX, f32::INFINITY, f32::NEG_INFINITY];
pub const DOUBLES: [f64; 7] = [0.0, 1.0, -1.5, 0.1, 1e300, f64::INFINITY, f64::NEG_INFINITY];

fn text() -> impl Strategy<Value = Value> {
    select(&TEXTS[..]).prop_map(|text| Value::Text(text.to_owned()))
}

fn document(name: &str) -> BoxedStrategy<Value> {
    let texts = || proptest::collection::vec(select(&TEXTS[..]), 1..4);
    let json = |json: serde_json::Value| Value::Json(json.to_string());
    match name {
        "tags" => texts().prop_map(move |tags| json(tags.into())).boxed(),
        "codes" => proptest::collection::vec(select(&INTS[..]), 1..4).prop_map(move |codes| json(codes.into())).boxed(),
        "ratios" => proptest::collection::vec(select(&DOUBLES[..]), 1..4)
            .prop_map(move |ratios| json(ratios.into_iter().map(double).collect::<Vec<_>>().into()))
            .boxed(),
        "grades" => proptest::collection::vec(select(&FLOATS[..]), 1..4)
            .prop_map(move |grades| {
                json(grades.into_iter().map(|grade| double(grade.into())).collect::<Vec<_>>().into())
            })
            .boxed(),
        "by_number" => proptest::collection::btree_map(select(&INTS[..]), select(&TEXTS[..]), 1..4)
            .prop_map(move |by_number| json(serde_json::json!(by_number)))
            .boxed(),
        "tree" => select(vec![r#"{}"#, r#"{"word":"a"}"#, r#"{"word":"ä","child":{}}"#])
            .prop_map(|tree| Value::Json(tree.to_owned()))
            .boxed(),
        "labels" => proptest::collection::btree_map(select(&TEXTS[..]), select(&TEXTS[..]), 1..4)
            .prop_map(move |labels| json(serde_json::json!(labels)))
            .boxed(),
        "counts" => proptest::collection::btree_map(select(&TEXTS[..]), select(&INTS[..]), 1..4)
            .prop_map(move |counts| json(serde_json::json!(counts)))
            .boxed(),
        "lines" => proptest::collection::vec((select(&TEXTS[..]), 0..4_i64, texts(), any::<bool>()), 1..3)
            .prop_map(move |lines| {
                let lines = lines.into_iter().map(|(product, amount, notes, part)| line(product, amount, &notes, part));
                json(lines.collect::<Vec<_>>().into())
            })
            .boxed(),
        _ => Just(json(serde_json::json!({"k": 1}))).boxed(),
    }
}

/// As it is stored: JSON has no infinity.
fn double(value: f64) -> serde_json::Value {
    match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value => value.into(),
    }
}

/// As it is stored: what is unset or zero is left out.
fn line(product: &str, amount: i64, notes: &[&str], part: bool) -> serde_json::Value {
    let mut line = serde_json::Map::new();
    if !product.is_empty() {
        line.insert("product".into(), product.into());
    }
    if amount != 0 {
        line.insert("amount".into(), amount.into());
    }
    if amount != 1 {
        line.insert("notes".into(), notes.to_vec().into());
    }
    if part {
        line.insert("part".into(), serde_json::json!({"sku": product}));
        line.insert("item".into(), format!("items/{product}").into());
    }
    if amount > 1 {
        line.insert("town".into(), format!("countries/a/towns/{product}").into());
    }
    line.into()
}

fn value(name: &'static str, kind: mainstay_record::Kind) -> BoxedStrategy<Value> {
    use mainstay_record::Kind;
    match (name, kind) {
        ("_id" | "shop" | "place_country" | "place_town", _) => {
            select(vec!["a", "A", "b"]).prop_map(|id| Value::Text(id.to_owned())).boxed()
        }
        ("_revision", _) => select(vec![1, 0xab, i64::MAX]).prop_map(Value::Int).boxed(),
        ("state", _) => select(vec![0, 1, 2, 7, 99]).prop_map(Value::Int).boxed(),
        ("ttl", _) => select(vec![0, 20_000_000, -1]).prop_map(Value::Int).boxed(),
        ("day", _) => select(vec![20_240_229, 20_240_000]).prop_map(Value::Int).boxed(),
        (_, Kind::Bool) => any::<bool>().prop_map(Value::Bool).boxed(),
        (_, Kind::Int) => select(&INTS[..]).prop_map(Value::Int).boxed(),
        ("grade" | "share", _) => select(&FLOATS[..]).prop_map(|float| Value::Double(float.into())).boxed(),
        (_, Kind::Double) => select(&DOUBLES[..]).prop_map(Value::Double).boxed(),
        (_, Kind::Text) => text().boxed(),
        (_, Kind::Bytes) => select(vec![vec![], vec![0], vec![0, 255]]).prop_map(Value::Bytes).boxed(),
        (_, Kind::Timestamp) => select(vec![0, NOW, NOW - 3_600_000_000, NOW + 1]).prop_map(Value::Timestamp).boxed(),
        (name, Kind::Json) => document(name),
    }
}

/// A record of the fixture. The two columns of `place` are set together; an unset message has unset fields.
pub fn record() -> impl Strategy<Value = Vec<Value>> {
    let columns: Vec<_> = COLUMNS
        .iter()
        .map(|(name, kind, nullable)| {
            let value = value(name, *kind);
            if *nullable { prop_oneof![1 => Just(Value::Null), 3 => value].boxed() } else { value }
        })
        .collect();
    columns.prop_map(|mut record| {
        if record[column("place_country")].is_null() || record[column("place_town")].is_null() {
            record[column("place_country")] = Value::Null;
            record[column("place_town")] = Value::Null;
        }
        if record[column("_has_address")] == Value::Bool(false) {
            record[column("address__city")] = Value::Text(String::new());
            record[column("address__floor")] = Value::Null;
        }
        record
    })
}

/// Somebody, perhaps nobody.
#[derive(Debug, Clone)]
pub struct Caller {
    pub uid: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
    pub amr: Vec<String>,
    pub aal: i64,
    pub org: Option<String>,
    pub fresh: Option<i64>,
    pub claims: serde_json::Map<String, serde_json::Value>,
}

impl Caller {
    pub fn view(&self) -> mainstay_expr::AuthView<'_> {
        mainstay_expr::AuthView {
            uid: self.uid.as_deref(),
            email: self.email.as_deref(),
            email_verified: self.email_verified,
            roles: &self.roles,
            permissions: &self.permissions,
            amr: &self.amr,
            aal: self.aal,
            org: self.org.as_deref(),
            fresh: self.fresh,
            kind: self.uid.as_ref().map(|_| "user"),
            claims: Some(&self.claims),
        }
    }
}

pub fn caller() -> impl Strategy<Value = Caller> {
    let word = || proptest::option::of(select(vec!["a", "A", "ab"]).prop_map(str::to_owned));
    let roles = proptest::collection::vec(select(vec!["a", "ab", "ä"]).prop_map(str::to_owned), 0..3);
    let amr = proptest::collection::vec(select(vec!["pwd", "otp"]).prop_map(str::to_owned), 0..3);
    let permissions = proptest::collection::vec(select(vec!["a", "b"]).prop_map(str::to_owned), 0..3);
    let fresh = proptest::option::of(select(vec![0, 20_000_000, 300_000_000]));
    let all = (word(), word(), any::<bool>(), roles, amr, 0..3i64, word(), fresh, permissions);
    all.prop_map(|(uid, email, email_verified, roles, amr, aal, org, fresh, permissions)| Caller {
        uid,
        email,
        email_verified,
        roles,
        permissions,
        amr,
        aal,
        org,
        fresh,
        claims: serde_json::Map::new(),
    })
}

/// A text as a CEL literal.
fn cel_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
}

fn text_operand() -> BoxedStrategy<String> {
    let fields = vec![
        "resource.title",
        "resource.nick",
        "resource.name",
        "resource.shop",
        "resource.place",
        "resource.address.city",
        "resource.labels.a",
        "resource.tree.word",
        "resource.labels['ä']",
        "auth.uid",
        "auth.email",
    ];
    let leaf = prop_oneof![
        3 => select(fields).prop_map(str::to_owned),
        3 => select(&TEXTS[..]).prop_map(cel_text),
        1 => select(vec!["'shops/a'", "'shops/A'", "'items/b'", "'countries/a/towns/b'"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| format!("{of}.lowerAscii()")),
            inner.clone().prop_map(|of| format!("{of}.upperAscii()")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} + {b})")),
            (condition_leaf(), inner.clone(), inner).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
        ]
    })
    .boxed()
}

fn int_operand() -> BoxedStrategy<String> {
    let fields = vec![
        "resource.stock",
        "resource.rating",
        "resource.address.floor",
        "resource.counts.a",
        "size(resource.title)",
        "size(resource.nick)",
        "size(resource.digest)",
        "size(resource.tags)",
        "size(resource.codes)",
        "size(resource.lines)",
        "size(resource.by_number)",
        "size(resource.labels)",
        "size(auth.roles)",
        "resource.codes.sum()",
        "resource.codes.map(c, c * 2).sum()",
        "resource.codes.filter(c, c < 3).sum()",
        "size(resource.codes.filter(c, c > resource.stock))",
        "size(resource.tags.filter(t, t == auth.uid))",
    ];
    let leaf = prop_oneof![
        2 => select(fields).prop_map(str::to_owned),
        1 => select(&INTS[..6]).prop_map(|int| int.to_string()),
    ];
    let signs = || select(vec!["+", "-", "*", "/", "%"]);
    leaf.prop_recursive(2, 4, 2, move |inner| {
        prop_oneof![
            3 => inner.clone(),
            1 => (inner.clone(), signs(), inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            1 => (condition_leaf(), inner.clone(), inner).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
        ]
    })
    .boxed()
}

/// What is computed with moments, durations and fractions, and what texts match. Fractions are kept to a size that leaves
/// no room for an overflow: there the interpreter of the oracle goes on, and an engine would fail.
const COMPUTED: [&str; 20] = [
    "resource.create_time + resource.ttl > now",
    "resource.ttl + resource.create_time <= now - duration('1h')",
    "resource.create_time - duration('1h') == timestamp('2024-05-01T10:00:00Z')",
    "now - resource.create_time < duration('2h')",
    "resource.create_time - now == duration('1us')",
    "resource.ttl - duration('20s') == duration('0s')",
    "resource.ttl + resource.ttl > resource.ttl",
    "(resource.active ? resource.create_time : resource.create_time + duration('1s')) > now",
    "date(resource.create_time) == resource.day",
    "date(now) > resource.day",
    "date(resource.create_time + duration('24h')) > date(now)",
    "(resource.price > -9.0 && resource.price < 9.0 ? resource.price * 0.1 + 3.0 : 1.0) > 3.01",
    "(resource.price > -9.0 && resource.price < 9.0 ? resource.price / 3.0 - 0.1 : 1.0) == -0.6",
    "(resource.weight > 0.05 && resource.weight < 9.0 ? 1.0 / resource.weight : 0.0) >= 10.0",
    "resource.tags.exists_one(t, t == 'a')",
    "resource.codes.exists_one(c, c * 2 == resource.stock)",
    "size(resource.codes.map(c, c + 1)) == 2",
    "resource.tags.exists(t, t.matches('^[ab]$') || t == auth.uid)",
    "resource.codes.all(c, c - 1 < resource.stock)",
    "resource.stock * resource.rating > 10 || resource.stock + resource.rating == 9",
];

/// Regular expressions that the oracle reads as RE2 does.
const PATTERNS: [&str; 12] =
    ["", "^$", "^a", "b$", "^[a-c]+$", "(?i)^Ä|B", "ä|🍵", "^.{1,2}$", "[^a]", "a[%_]", "(a|b){2}", "^(?:[^\"]*)$"];

fn comparator() -> impl Strategy<Value = &'static str> {
    select(vec!["==", "!=", "<", "<=", ">", ">="])
}

/// Fields that a record may have or not.
const PRESENT: [&str; 22] = [
    "title",
    "nick",
    "stock",
    "rating",
    "weight",
    "active",
    "sealed",
    "state",
    "create_time",
    "shop",
    "place",
    "address",
    "tags",
    "lines",
    "labels",
    "digest",
    "extra",
    "ratios",
    "tree",
    "grade",
    "share",
    "by_number",
];

fn condition_leaf() -> BoxedStrategy<String> {
    let fixed = vec![
        "true",
        "false",
        "resource.active",
        "resource.sealed",
        "auth.email_verified",
        "auth.aal >= 2",
        "auth.fresh < duration('300s')",
        "resource.ttl <= auth.fresh",
        "auth.fresh == null",
        "'pwd' in auth.amr",
        "auth.amr.exists(m, m == 'otp')",
        "resource.stock > auth.aal",
        "auth.uid == null",
        "auth.email != null",
        "resource.state == State.CART",
        "resource.state in [State.CART, State.GONE]",
        "resource.create_time < now",
        "resource.create_time >= now - duration('1h')",
        "resource.ttl == duration('20s')",
        "resource.digest == b''",
        "resource.digest != b'\\x00'",
        "resource.shop == 'shops/a'",
        "resource.place == 'countries/a/towns/b'",
        "resource.name != 'items/a'",
        "resource.etag == '00000000000000ab'",
        "resource.nick == auth.uid",
        "resource.nick == auth.org",
        "auth.org != null && auth.org != resource.title",
        "resource.title == auth.uid",
        "auth.uid in resource.labels",
        "resource.nick in auth.roles",
        "'a' in auth.roles",
        "'b' in auth.permissions",
        "resource.title in auth.permissions",
        "has(resource.labels.a)",
    ];
    prop_oneof![
        select(fixed).prop_map(str::to_owned),
        select(&PRESENT[..]).prop_map(|name| format!("has(resource.{name})")),
    ]
    .boxed()
}

/// How a rule may go on from a record: by references, in circles, too. The second is how the oracle writes it.
pub const HOPS: [(&str, &str); 5] = [
    ("resource.", "resource."),
    ("resource.shop.", "resource.to_shop."),
    ("resource.shop.shop.", "resource.to_shop.to_shop."),
    ("resource.place.item.", "resource.to_place.to_item."),
    ("resource.place.country.", "resource.to_place.to_country."),
];

/// A rule that compiles, each field of which may lie behind references; and the same as the oracle writes it.
pub fn rule_over_relations() -> BoxedStrategy<(String, String)> {
    let hops = proptest::collection::vec(select(&HOPS[..]), 12);
    (rule(), hops)
        .prop_map(|(rule, hops)| {
            // A fraction is computed with under a bound on the same fraction, so it is looked for at one place.
            let bounded = |part: &str| part.starts_with("price") || part.starts_with("weight");
            let put = |of: fn(&(&'static str, &'static str)) -> &'static str| {
                let mut parts = rule.split("resource.");
                let first = parts.next().unwrap_or_default().to_owned();
                parts
                    .zip(hops.iter().cycle())
                    .fold(first, |rule, (part, hop)| rule + of(if bounded(part) { &hops[0] } else { hop }) + part)
            };
            (put(|hop| hop.0), put(|hop| hop.1))
        })
        .boxed()
}

/// A rule that compiles, over `resource`, `auth` and `now`.
pub fn rule() -> BoxedStrategy<String> {
    let double = prop_oneof![
        select(vec!["resource.price", "resource.weight"]).prop_map(str::to_owned),
        select(vec!["0.0", "1.0", "-1.5", "0.1", "1e300", "2"]).prop_map(str::to_owned),
    ];
    let matching = select(vec!["startsWith", "endsWith", "contains"]);
    let leaf = prop_oneof![
        3 => condition_leaf(),
        3 => (text_operand(), comparator(), text_operand()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        2 => (int_operand(), comparator(), int_operand()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => (Just("resource.price"), comparator(), double).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        // Written with more zeros, so that the oracle, which does not know floats, can round them.
        1 => (select(vec!["resource.grade", "resource.share"]), comparator(), select(vec!["0.0", "0.1000", "1e300", "2", "1"]))
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => select(vec!["resource.grade == resource.price", "resource.share < resource.grade", "0.1000 in resource.grades",
            "1 in resource.grades", "resource.share in [0.1000, 2.0]", "resource.share in resource.grades"])
            .prop_map(str::to_owned),
        2 => (text_operand(), matching, text_operand()).prop_map(|(a, op, b)| format!("{a}.{op}({b})")),
        1 => (text_operand(), select(vec!["resource.tags", "auth.roles", "resource.labels", "resource.counts"]))
            .prop_map(|(a, list)| format!("{a} in {list}")),
        2 => select(&COMPUTED[..]).prop_map(str::to_owned),
        1 => (text_operand(), select(&PATTERNS[..])).prop_map(|(a, pattern)| format!("{a}.matches({})", cel_text(pattern))),
        1 => int_operand().prop_map(|a| format!("{a} in resource.codes")),
        1 => select(vec!["resource.price", "resource.weight", "0.1", "1e300", "1", "-1.5"])
            .prop_map(|a| format!("{a} in resource.ratios")),
        1 => (text_operand(), text_operand(), text_operand()).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}]")),
    ];
    let rule = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| format!("!({of})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(({a}) ? ({b}) : ({c}))")),
        ]
    });
    // What the generator cannot know: names of different types do not compare, and an etag is no text.
    rule.prop_filter("must compile", |rule| mainstay_expr::compile_rule(rule, &crate::fixture::scope()).is_ok()).boxed()
}

/// What is said of a town `t`, or of an item `i`; where it goes on behind references the second is how the oracle writes it.
const OF_TOWN: [(&str, &str); 15] = [
    ("t.label == 'a'", "t.label == 'a'"),
    ("t.label == resource.title", "t.label == resource.title"),
    ("t.label == resource.nick", "t.label == resource.nick"),
    ("t.label == auth.uid", "t.label == auth.uid"),
    ("t.head_count > resource.stock", "t.head_count > resource.stock"),
    ("t.head_count in resource.codes", "t.head_count in resource.codes"),
    ("t.item.title == auth.uid", "t.to_item.title == auth.uid"),
    ("t.item.active", "t.to_item.active"),
    ("t.item.stock >= t.head_count", "t.to_item.stock >= t.head_count"),
    ("t.country.nick == t.label", "t.to_country.nick == t.label"),
    ("t.name == resource.place", "t.name == resource.place"),
    ("t.item.name == resource.name", "t.to_item.name == resource.name"),
    ("resource.tags.exists(x, x == t.label)", "resource.tags.exists(x, x == t.label)"),
    ("auth.uid == 'a'", "auth.uid == 'a'"),
    ("resource.shop.title == t.label", "resource.to_shop.title == t.label"),
];

/// What is said of lists in the row.
const OF_LISTS: [(&str, &str); 16] = [
    (
        "resource.lines.sum(l, l.quantity * 2) > resource.stock",
        "resource.lines.map(l, l.quantity * 2).sum() > resource.stock",
    ),
    ("resource.lines.sum(l, l.item.stock) > 0", "resource.lines.map(l, l.to_item.stock).sum() > 0"),
    (
        "resource.lines.filter(l, l.item.active).sum(l, size(l.notes)) == 2",
        "resource.lines.filter(l, l.to_item.active).map(l, size(l.notes)).sum() == 2",
    ),
    ("resource.lines.exists_one(l, l.quantity == 0)", ""),
    ("resource.tags.exists(x, x == resource.title || x == auth.uid)", ""),
    ("resource.tags.all(x, x != resource.nick && x != auth.uid)", ""),
    ("resource.codes.filter(c, c > 0).exists(c, c == resource.stock)", ""),
    ("resource.codes.map(c, c).all(c, c != 7)", ""),
    ("resource.codes.exists(c, resource.codes.exists(d, c < d))", ""),
    ("resource.lines.exists(l, l.quantity > 1 && l.product == resource.title)", ""),
    ("resource.lines.all(l, l.notes.exists(n, n == l.product) || l.quantity == resource.stock)", ""),
    ("resource.lines.map(l, l.product).exists(p, p == auth.uid)", ""),
    ("resource.title in resource.lines.map(l, l.product)", ""),
    ("resource.lines.exists(l, l.item.active)", "resource.lines.exists(l, l.to_item.active)"),
    ("resource.lines.all(l, l.item.title == auth.uid)", "resource.lines.all(l, l.to_item.title == auth.uid)"),
    ("resource.lines.exists(l, l.town.label == 'a')", "resource.lines.exists(l, l.to_town.label == 'a')"),
];

/// Where towns are found: below an item, or all of them.
const TOWNS: [(&str, &str); 4] = [
    ("resource.towns", "resource.towns"),
    ("Town", "Town"),
    ("resource.shop.towns", "resource.to_shop.towns"),
    ("resource.place.country.towns", "resource.to_place.to_country.towns"),
];

/// Rules that quantify over rows and lists; and the same as the oracle writes them.
pub fn quantified() -> BoxedStrategy<(String, String)> {
    let pair = |(ours, oracle): (&str, &str)| {
        (ours.to_owned(), if oracle.is_empty() { ours.to_owned() } else { oracle.to_owned() })
    };
    let of_town = select(&OF_TOWN[..]).prop_map(pair).prop_recursive(2, 6, 2, joined_pairs);
    let of_lists = select(&OF_LISTS[..]).prop_map(pair);
    let words = select(vec!["exists", "all"]);
    let over_towns = (select(&TOWNS[..]), words, of_town).prop_map(|((ours, oracle), word, (holds, said))| {
        (format!("{ours}.{word}(t, {holds})"), format!("{oracle}.{word}(t, {said})"))
    });
    prop_oneof![3 => over_towns, 1 => of_lists].prop_recursive(2, 6, 2, joined_pairs).boxed()
}

/// Rules over predicates, alone and within quantifiers.
pub fn over_predicates() -> BoxedStrategy<String> {
    let leaf = select(vec![
        "resource.is_mine",
        "resource.settled",
        "resource.shop.settled",
        "resource.reachable",
        "resource.shop.reachable",
        "resource.near",
        "resource.place.big",
        "resource.owned",
        "resource.active || resource.shop.owned || resource.stock == 7",
        "resource.shared || resource.active",
        "resource.shop.shared",
        "resource.place.item.shared",
        "resource.led",
        "resource.shop.led && resource.shared",
        "Town.exists(t, t.big && t.item.reachable)",
        "resource.towns.all(t, t.big || t.item.near)",
        "Town.exists(t, t.country.settled && t.label == resource.nick)",
        "resource.lines.exists(l, l.item.reachable)",
        "auth.uid == resource.title",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|of| format!("!({of})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("({a} || {b})")),
            ]
        })
        .boxed()
}

fn joined_pairs(inner: BoxedStrategy<(String, String)>) -> BoxedStrategy<(String, String)> {
    let both = |(a, b): ((String, String), (String, String)), word: &str| {
        (format!("({} {word} {})", a.0, b.0), format!("({} {word} {})", a.1, b.1))
    };
    prop_oneof![
        inner.clone().prop_map(|(ours, oracle)| (format!("!({ours})"), format!("!({oracle})"))),
        (inner.clone(), inner.clone()).prop_map(move |pair| both(pair, "&&")),
        (inner.clone(), inner).prop_map(move |pair| both(pair, "||")),
    ]
    .boxed()
}
