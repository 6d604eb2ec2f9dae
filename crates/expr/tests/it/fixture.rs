//! A resource with a field of every sort, and a record of it. `mainstay-sql` tests on the same one.

use std::sync::Arc;

use mainstay_expr::{
    Around, Child, EnumType, Field, Known, LinkTo, MapKey, PredicateSource, Predicates, Program, RecordType, Referred,
    RuleScope, Scope, Storage, Type, compile_predicates,
};
use mainstay_record::names::json_name;
use mainstay_record::{JsonField, JsonMessage, JsonShape, Kind, Template, TemplatePart, Value};

/// A column of the fixture: its name, kind, and whether it may be NULL.
pub const COLUMNS: [(&str, Kind, bool); 33] = [
    ("_id", Kind::Text, false),
    ("_revision", Kind::Int, false),
    ("title", Kind::Text, false),
    ("nick", Kind::Text, true),
    ("stock", Kind::Int, false),
    ("rating", Kind::Int, true),
    ("price", Kind::Double, false),
    ("weight", Kind::Double, true),
    ("active", Kind::Bool, false),
    ("sealed", Kind::Bool, true),
    ("state", Kind::Int, false),
    ("create_time", Kind::Timestamp, true),
    ("ttl", Kind::Int, true),
    ("day", Kind::Int, true),
    ("digest", Kind::Bytes, false),
    ("shop", Kind::Text, true),
    ("place_country", Kind::Text, true),
    ("place_town", Kind::Text, true),
    ("_has_address", Kind::Bool, false),
    ("address__city", Kind::Text, false),
    ("address__floor", Kind::Int, true),
    ("tags", Kind::Json, true),
    ("codes", Kind::Json, true),
    ("lines", Kind::Json, true),
    ("labels", Kind::Json, true),
    ("counts", Kind::Json, true),
    ("extra", Kind::Json, true),
    ("ratios", Kind::Json, true),
    ("tree", Kind::Json, true),
    ("grade", Kind::Double, false),
    ("share", Kind::Double, true),
    ("grades", Kind::Json, true),
    ("by_number", Kind::Json, true),
];

/// The position of a column.
pub fn column(name: &str) -> usize {
    COLUMNS.iter().position(|(column, ..)| *column == name).expect("the fixture has the column")
}

pub fn state() -> Arc<EnumType> {
    let values = [("STATE_UNSPECIFIED", 0), ("CART", 1), ("PLACED", 2), ("GONE", 7)];
    Arc::new(EnumType {
        name: "shop.v1.Item.State".into(),
        values: values.map(|(name, number)| (name.to_owned(), number)).to_vec(),
    })
}

fn template(parts: &[&str]) -> Template {
    let mut position = 0;
    let parts = parts.iter().map(|part| match *part {
        "{}" => {
            position += 1;
            TemplatePart::Variable(position - 1)
        }
        text => TemplatePart::Literal(text.to_owned()),
    });
    Template { parts: parts.collect() }
}

fn field(number: u32, name: &str, ty: Type, storage: Storage) -> Field {
    Field {
        name: name.to_owned(),
        json_name: json_name(name),
        aliases: Vec::new(),
        number,
        ty,
        storage,
        acyclic: false,
    }
}

fn stored(number: u32, name: &str, ty: Type) -> Field {
    let index = column(name);
    field(number, name, ty, Storage::Column { index, nullable: COLUMNS[index].2 })
}

fn document(number: u32, name: &str, ty: Type, shape: JsonShape) -> Field {
    field(number, name, ty, Storage::Json { column: column(name), shape })
}

fn line() -> (Arc<RecordType>, JsonShape) {
    let part = Arc::new(RecordType {
        name: "shop.v1.Item.Line.Part".into(),
        fields: vec![field(1, "sku", Type::Text, Storage::InJson)],
        ..RecordType::default()
    });
    let record = Arc::new(RecordType {
        name: "shop.v1.Item.Line".into(),
        fields: vec![
            field(1, "product", Type::Text, Storage::InJson),
            field(2, "quantity", Type::Int, Storage::InJson),
            field(3, "notes", Type::List(Box::new(Type::Text)), Storage::InJson),
            field(4, "part", Type::Message(part), Storage::InJson),
            field(5, "sent", Type::Timestamp, Storage::InJson),
            field(
                6,
                "item",
                Type::Text,
                Storage::LinkInJson(LinkTo { template: template(&["items/", "{}"]), target: Some(ITEM) }),
            ),
            field(
                7,
                "town",
                Type::Text,
                Storage::LinkInJson(LinkTo {
                    template: template(&["countries/", "{}", "/towns/", "{}"]),
                    target: Some(TOWN),
                }),
            ),
        ],
        ..RecordType::default()
    });
    let key = |number: u32, key: &str, message: Option<usize>| JsonField { number, key: key.into(), message };
    let line = JsonMessage {
        fields: vec![
            key(1, "product", None),
            // The field was born under another name.
            key(2, "amount", None),
            key(3, "notes", None),
            key(4, "part", Some(1)),
            key(5, "sent", None),
            key(6, "item", None),
            key(7, "town", None),
        ],
    };
    let part = JsonMessage { fields: vec![key(1, "sku", None)] };
    (record, JsonShape { messages: vec![line, part] })
}

/// A message that contains itself, cut where it recurs.
fn tree() -> (Arc<RecordType>, JsonShape) {
    let name = "shop.v1.Item.Tree".to_owned();
    let cut = Arc::new(RecordType { name: name.clone(), ..RecordType::default() });
    let record = RecordType {
        name,
        fields: vec![
            field(1, "word", Type::Text, Storage::InJson),
            field(2, "child", Type::Message(cut), Storage::InJson),
        ],
        ..RecordType::default()
    };
    let key = |number: u32, key: &str, message: Option<usize>| JsonField { number, key: key.into(), message };
    let message = JsonMessage { fields: vec![key(1, "word", None), key(2, "child", Some(0))] };
    (Arc::new(record), JsonShape { messages: vec![message] })
}

/// The record type: every sort of field.
pub fn item() -> Arc<RecordType> {
    let text = || Box::new(Type::Text);
    let (line, line_shape) = line();
    let (tree, tree_shape) = tree();
    let address = Arc::new(RecordType {
        name: "shop.v1.Item.Address".into(),
        fields: vec![
            Field { name: "city".into(), ..stored(1, "address__city", Type::Text) },
            Field { name: "floor".into(), ..stored(2, "address__floor", Type::Int) },
        ],
        ..RecordType::default()
    });
    let name = |template: Template, columns: &[&str], target: Option<usize>| Storage::Template {
        template,
        columns: columns.iter().map(|name| column(name)).collect(),
        nullable: target.is_some(),
        target: target.map(|table| Referred { table, key: columns.iter().map(|name| column(name)).collect() }),
    };
    let fields = vec![
        field(1, "name", Type::Text, name(template(&["items/", "{}"]), &["_id"], None)),
        field(2, "etag", Type::Text, Storage::Etag { revision: column("_revision") }),
        Field { aliases: vec!["label".into()], ..stored(3, "title", Type::Text) },
        stored(4, "nick", Type::Text),
        stored(5, "stock", Type::Int),
        stored(6, "rating", Type::Int),
        stored(7, "price", Type::Double),
        stored(8, "weight", Type::Double),
        stored(9, "active", Type::Bool),
        stored(10, "sealed", Type::Bool),
        stored(11, "state", Type::Enum(state())),
        stored(12, "create_time", Type::Timestamp),
        stored(13, "ttl", Type::Duration),
        stored(14, "day", Type::Date),
        stored(15, "digest", Type::Bytes),
        Field {
            acyclic: true,
            ..field(16, "shop", Type::Text, name(template(&["shops/", "{}"]), &["shop"], Some(ITEM)))
        },
        field(
            17,
            "place",
            Type::Text,
            name(template(&["countries/", "{}", "/towns/", "{}"]), &["place_country", "place_town"], Some(TOWN)),
        ),
        field(18, "address", Type::Message(address), Storage::Message { presence: Some(column("_has_address")) }),
        document(19, "tags", Type::List(text()), JsonShape::default()),
        document(20, "codes", Type::List(Box::new(Type::Int)), JsonShape::default()),
        document(21, "lines", Type::List(Box::new(Type::Message(line))), line_shape),
        document(22, "labels", Type::Map(text()), JsonShape::default()),
        document(23, "counts", Type::Map(Box::new(Type::Int)), JsonShape::default()),
        document(24, "extra", Type::Struct, JsonShape::default()),
        document(25, "ratios", Type::List(Box::new(Type::Double)), JsonShape::default()),
        document(26, "tree", Type::Message(tree), tree_shape),
        stored(27, "grade", Type::Float),
        stored(28, "share", Type::Float),
        document(29, "grades", Type::List(Box::new(Type::Float)), JsonShape::default()),
        document(30, "by_number", Type::MapOther { key: MapKey::Int, value: text() }, JsonShape::default()),
    ];
    let children = vec![Child { name: "towns".into(), table: TOWN, keys: 1 }];
    Arc::new(RecordType { name: "shop.v1.Item".into(), fields, children, ..RecordType::default() })
}

/// The number of the record that an item's `shop` names: an item, too, so that there are circles.
pub const ITEM: usize = 0;
/// The number of the record that an item's `place` names.
pub const TOWN: usize = 1;

/// A resource below another one, of which it has the key in its own; it refers to an item.
pub const TOWN_COLUMNS: [(&str, Kind, bool); 7] = [
    ("_country_id", Kind::Text, false),
    ("_id", Kind::Text, false),
    ("_revision", Kind::Int, false),
    ("label", Kind::Text, true),
    ("size", Kind::Int, false),
    ("item", Kind::Text, true),
    ("gone", Kind::Timestamp, true),
];

/// The column that is set in towns that are deleted.
pub const TOWN_DELETED: usize = 6;

/// The record type of a town. Its parent is an item, as if those were countries.
pub fn town() -> Arc<RecordType> {
    let reference = |template: Template, columns: &[usize], nullable: bool, target: Option<usize>| Storage::Template {
        template,
        columns: columns.to_vec(),
        nullable,
        target: target.map(|table| Referred::by_name(table, columns)),
    };
    let column = |index: usize| Storage::Column { index, nullable: TOWN_COLUMNS[index].2 };
    let items = || template(&["items/", "{}"]);
    let fields = vec![
        field(1, "name", Type::Text, reference(template(&["countries/", "{}", "/towns/", "{}"]), &[0, 1], false, None)),
        Field { aliases: vec!["title".into()], ..field(2, "label", Type::Text, column(3)) },
        field(3, "head_count", Type::Int, column(4)),
        field(4, "item", Type::Text, reference(items(), &[5], true, Some(ITEM))),
    ];
    let ancestors = vec![field(0, "country", Type::Text, reference(items(), &[0], false, Some(ITEM)))];
    Arc::new(RecordType { name: "shop.v1.Town".into(), fields, ancestors, ..RecordType::default() })
}

/// All records by their numbers.
pub fn records() -> Arc<[Arc<RecordType>]> {
    Arc::new([item(), town()])
}

pub fn scope() -> RuleScope {
    let record = Some(item());
    RuleScope {
        resource: record.clone(),
        old: record.clone(),
        new: record,
        records: records(),
        enums: vec![state()],
        predicates: predicates(),
        ..RuleScope::default()
    }
}

/// Rules with names: plain ones, one that names others, and one that goes up through the shops.
pub fn predicates() -> Arc<Predicates> {
    let of = |table: usize, name: &str, rule: &str| PredicateSource { table, name: name.into(), rule: rule.into() };
    let sources = [
        of(ITEM, "is_mine", "resource.title == auth.uid"),
        of(ITEM, "settled", "resource.towns.exists(t, t.big && t.label != resource.nick)"),
        of(TOWN, "big", "resource.head_count > 1 || resource.item.is_mine"),
        of(ITEM, "reachable", "resource.is_mine || resource.stock == 7 || resource.shop.reachable"),
        of(ITEM, "owned", "resource.is_mine || resource.shop.owned"),
        of(ITEM, "shared", "resource.towns.exists(t, t.label == auth.uid) || resource.is_mine || resource.shop.shared"),
        of(ITEM, "led", "resource.shop.is_mine && resource.stock > 0 || resource.shop.led"),
        of(ITEM, "near", "resource.shop.near || resource.towns.exists(t, t.item.is_mine)"),
    ];
    let scope = RuleScope { records: records(), enums: vec![state()], ..RuleScope::default() };
    let (predicates, problems) = compile_predicates(&sources, &scope);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(predicates)
}

/// What is stored.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub items: Vec<Vec<Value>>,
    pub towns: Vec<Vec<Value>>,
}

impl World {
    /// The row of a table with this key.
    pub fn find(&self, table: usize, key: &[Value]) -> Option<&Vec<Value>> {
        let rows = if table == ITEM { &self.items } else { &self.towns };
        rows.iter().find(|row| row.starts_with(key))
    }

    /// All there is.
    pub fn all(&self) -> Around {
        let items = Known { keys: 1, deleted: None, rows: self.items.clone() };
        Around::of(vec![items, Known { keys: 2, deleted: Some(TOWN_DELETED), rows: self.towns.clone() }])
    }

    /// The rows that a program looks at from a record, some of them found ahead.
    pub fn around(&self, program: &Program, record: &[Value]) -> Around {
        let mut around = self.all();
        for row in program.looks() {
            let (from, relation) = row.found_from().expect("a look is at a row that is found");
            let scope = Scope { around: Some(&around), ..on(record) };
            let key = scope.row(&from).expect("it was looked for").and_then(|from| relation.key(from));
            let found = key.and_then(|key| self.find(relation.table, &key)).cloned();
            around.put(row, found);
        }
        around
    }
}

/// The scope of a record, old or new alike.
pub fn on(record: &[Value]) -> Scope<'_> {
    Scope { now: NOW, resource: Some(record), old: Some(record), new: Some(record), ..Scope::default() }
}

/// A town.
pub fn town_row(country: &str, id: &str, label: Option<&str>, size: i64, item: Option<&str>) -> Vec<Value> {
    let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
    vec![text(Some(country)), text(Some(id)), Value::Int(1), text(label), Value::Int(size), text(item), Value::Null]
}

/// The moment that the tests call now: 2024-05-01T12:00:00Z.
pub const NOW: i64 = 1_714_564_800_000_000;

/// A record in which nothing is set.
pub fn empty() -> Vec<Value> {
    let mut record: Vec<Value> =
        COLUMNS.iter().map(|(_, kind, nullable)| if *nullable { Value::Null } else { kind.zero() }).collect();
    record[column("_id")] = Value::Text("0".into());
    record
}

/// A record in which everything is set.
pub fn full() -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let json = |text: &str| Value::Json(text.to_owned());
    let values = [
        ("_id", text("cup")),
        ("_revision", Value::Int(0xab)),
        ("title", text("Blue Tässchen 🍵")),
        ("nick", text("a%_b*c\\")),
        ("stock", Value::Int(5)),
        ("rating", Value::Int(-2)),
        ("price", Value::Double(2.5)),
        ("weight", Value::Double(0.0)),
        ("active", Value::Bool(true)),
        ("sealed", Value::Bool(false)),
        ("state", Value::Int(1)),
        ("create_time", Value::Timestamp(NOW - 3_600_000_000)),
        ("ttl", Value::Int(20_000_000)),
        ("day", Value::Int(20_240_229)),
        ("digest", Value::Bytes(vec![0, 255])),
        ("shop", text("corner")),
        ("place_country", text("it")),
        ("place_town", text("rome")),
        ("_has_address", Value::Bool(true)),
        ("address__city", text("Rome")),
        ("address__floor", Value::Int(3)),
        ("tags", json(r#"["red","x\"y","ß"]"#)),
        ("codes", json("[1,-7]")),
        (
            "lines",
            json(
                r#"[{"product":"products/a","amount":2,"notes":["n1"],"part":{"sku":"S1"},"sent":1714564800000000},{"product":"products/b"}]"#,
            ),
        ),
        ("labels", json(r#"{"color":"blue","a b":"","q\"k":"v"}"#)),
        ("counts", json(r#"{"one":1,"zero":0}"#)),
        ("extra", json(r#"{"k":1}"#)),
        ("ratios", json(r#"[0.5,3,"Infinity"]"#)),
        ("tree", json(r#"{"word":"root","child":{}}"#)),
        ("grade", Value::Double(f64::from(0.1_f32))),
        ("share", Value::Double(f64::from(16_777_216.0_f32))),
        ("grades", json("[0.10000000149011612,0.5]")),
        ("by_number", json(r#"{"1":"one","-7":""}"#)),
    ];
    let mut record = empty();
    for (name, value) in values {
        record[column(name)] = value;
    }
    record
}
