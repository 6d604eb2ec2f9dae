//! The `cel` crate's interpreter as the oracle: on every generated rule and record it and `evaluate` agree.

use std::collections::HashMap;
use std::sync::Arc;

use cel::extractors::This;
use cel::objects::{Key, Map};
use cel::{Context, Env, ExecutionError, Value as Cel, extensions};
use mainstay_expr::{AuthView, Expr, Root, Scope, compile_rule, evaluate, evaluate_value};
use mainstay_record::{Kind, Value};
use proptest::prelude::*;

use crate::fixture::{COLUMNS, ITEM, NOW, TOWN, TOWN_DELETED, World, column, scope};
use crate::strategy::{self, Caller};

fn map(entries: impl IntoIterator<Item = (String, Cel)>) -> Cel {
    let map: HashMap<Key, Cel> = entries.into_iter().map(|(key, value)| (Key::from(key), value)).collect();
    Cel::Map(Map { map: Arc::new(map) })
}

fn text(text: &str) -> Cel {
    Cel::String(Arc::new(text.to_owned()))
}

/// A value that only the interpreter can make.
fn computed(source: &str) -> Cel {
    cel::Program::compile(source)
        .expect("the oracle takes it")
        .execute(&Context::default())
        .expect("the oracle takes it")
}

fn timestamp(micros: i64) -> Cel {
    computed(&format!("timestamp('{}')", jiff::Timestamp::from_microsecond(micros).expect("the oracle takes it")))
}

fn json(json: &serde_json::Value) -> Cel {
    match json {
        serde_json::Value::String(value) if value == "Infinity" => Cel::Float(f64::INFINITY),
        serde_json::Value::String(value) if value == "-Infinity" => Cel::Float(f64::NEG_INFINITY),
        serde_json::Value::String(value) => text(value),
        serde_json::Value::Number(value) => match value.as_i64() {
            Some(value) => Cel::Int(value),
            None => Cel::Float(value.as_f64().expect("a double")),
        },
        serde_json::Value::Array(items) => Cel::List(Arc::new(items.iter().map(self::json).collect())),
        serde_json::Value::Object(entries) => map(entries.iter().map(|(key, value)| (key.clone(), self::json(value)))),
        serde_json::Value::Bool(value) => Cel::Bool(*value),
        serde_json::Value::Null => Cel::Null,
    }
}

/// What CEL reads in a field: its default where it is unset.
fn field(name: &str, kind: Kind, value: &Value) -> Cel {
    match (name, value) {
        ("ttl", value) => {
            let micros = if let Value::Int(micros) = value { *micros } else { 0 };
            computed(&format!("duration('{micros}us')"))
        }
        ("tree", Value::Json(value)) if !value.contains("word") => map([("word".to_owned(), text(""))]),
        (_, Value::Bool(value)) => Cel::Bool(*value),
        (_, Value::Int(value)) => Cel::Int(*value),
        (_, Value::Double(value)) => Cel::Float(*value),
        (_, Value::Text(value)) => text(value),
        (_, Value::Bytes(value)) => Cel::Bytes(Arc::new(value.clone())),
        (_, Value::Timestamp(value)) => timestamp(*value),
        (_, Value::Json(value)) => json(&serde_json::from_str(value).expect("the oracle takes it")),
        ("tree", Value::Null) => map([("word".to_owned(), text(""))]),
        ("labels" | "counts" | "extra" | "by_number", Value::Null) => map([]),
        (_, Value::Null) if kind == Kind::Json => Cel::List(Arc::default()),
        (_, Value::Null) if kind == Kind::Timestamp => timestamp(0),
        (name, Value::Null) => field(name, kind, &kind.zero()),
    }
}

fn resource(record: &[Value]) -> Cel {
    let mut fields: HashMap<String, Cel> = HashMap::new();
    let mut address: HashMap<String, Cel> = HashMap::new();
    for ((name, kind, _), value) in COLUMNS.iter().zip(record) {
        match name.strip_prefix("address__") {
            Some(inner) => address.insert(inner.to_owned(), field(name, *kind, value)),
            None => fields.insert((*name).to_owned(), field(name, *kind, value)),
        };
    }
    fields.insert("address".to_owned(), map(address));
    let rendered = |names: &[&str], render: &dyn Fn(&[&str]) -> String| {
        let texts: Option<Vec<&str>> = names
            .iter()
            .map(|name| if let Value::Text(text) = &record[column(name)] { Some(text.as_str()) } else { None })
            .collect();
        text(&texts.map_or(String::new(), |texts| render(&texts)))
    };
    fields.insert("name".to_owned(), rendered(&["_id"], &|ids| format!("items/{}", ids[0])));
    fields.insert("shop".to_owned(), rendered(&["shop"], &|ids| format!("shops/{}", ids[0])));
    let place = rendered(&["place_country", "place_town"], &|ids| format!("countries/{}/towns/{}", ids[0], ids[1]));
    fields.insert("place".to_owned(), place);
    if let Value::Int(revision) = record[column("_revision")] {
        fields.insert("etag".to_owned(), text(&format!("{revision:016x}")));
    }
    map(fields)
}

/// CEL's maps cannot tell unset from default, so presence has a variable of its own.
fn presence(record: &[Value]) -> Cel {
    let default = Value::default();
    let presence = COLUMNS.iter().zip(record).map(|((name, kind, nullable), value)| {
        let unset = if *nullable { &default } else { &kind.zero() };
        ((*name).to_owned(), Cel::Bool(value != unset))
    });
    let mut presence: HashMap<String, Cel> = presence.collect();
    presence.insert("place".to_owned(), presence["place_country"].clone());
    presence.insert("address".to_owned(), presence["_has_address"].clone());
    map(presence)
}

fn auth(caller: &Caller) -> Cel {
    let mut entries = vec![
        ("email_verified".to_owned(), Cel::Bool(caller.email_verified)),
        ("aal".to_owned(), Cel::Int(caller.aal)),
        ("amr".to_owned(), Cel::List(Arc::new(caller.amr.iter().map(|word| text(word)).collect()))),
        ("permissions".to_owned(), Cel::List(Arc::new(caller.permissions.iter().map(|name| text(name)).collect()))),
        ("roles".to_owned(), Cel::List(Arc::new(caller.roles.iter().map(|role| text(role)).collect()))),
    ];
    entries.extend(caller.uid.as_ref().map(|uid| ("uid".to_owned(), text(uid))));
    entries.extend(caller.email.as_ref().map(|email| ("email".to_owned(), text(email))));
    entries.extend(caller.org.as_ref().map(|org| ("org".to_owned(), text(org))));
    entries.extend(caller.fresh.map(|fresh| ("fresh".to_owned(), computed(&format!("duration('{fresh}us')")))));
    map(entries)
}

/// The rule as the oracle can ask it.
fn spelled(rule: &str) -> String {
    let asked = [
        ("auth.uid == null", "!has(auth.uid)"),
        ("auth.email != null", "has(auth.email)"),
        ("auth.org != null", "has(auth.org)"),
        ("auth.fresh == null", "!has(auth.fresh)"),
    ];
    let mut rule = asked.iter().fold(rule.to_owned(), |rule, (ours, theirs)| rule.replace(ours, theirs));
    for (_, hop) in strategy::HOPS {
        rule = rule.replace(&format!("has({hop}labels.a)"), &format!("('a' in {hop}labels)"));
    }
    // A constant that is compared with a float is rounded to one (the generator writes it so that it can be told apart).
    rule = rule.replace("0.1000", "0.10000000149011612");
    let mut spelled = String::new();
    while let Some((before, after)) = rule.split_once("has(resource.") {
        let (name, rest) = after.split_once(')').expect("the oracle takes it");
        spelled = format!("{spelled}{before}present.{name}");
        rule = rest.to_owned();
    }
    spelled + &rule
}

/// The rows that references lead to, under names of their own; none where they lead nowhere.
fn with_relations(mut of: Cel, to: impl IntoIterator<Item = (&'static str, Option<Cel>)>) -> Cel {
    if let Cel::Map(fields) = &mut of {
        let found = to.into_iter().filter_map(|(name, row)| Some((Key::from(name), row?)));
        Arc::make_mut(&mut fields.map).extend(found);
    }
    of
}

/// A record with what it refers to, or with whether that is set.
fn far(world: &World, record: &[Value], depth: usize, of: fn(&[Value]) -> Cel) -> Cel {
    let key =
        |columns: &[usize], record: &[Value]| -> Vec<Value> { columns.iter().map(|c| record[*c].clone()).collect() };
    let item =
        |key: Vec<Value>| world.find(ITEM, &key).filter(|_| depth > 0).map(|item| far(world, item, depth - 1, of));
    let shop = item(key(&[column("shop")], record));
    let of_town = |town: &Vec<Value>| {
        let rows = [("to_item", item(key(&[5], town))), ("to_country", item(key(&[0], town)))];
        with_relations(self::town(town), rows)
    };
    let town = world.find(TOWN, &key(&[column("place_country"), column("place_town")], record)).map(of_town);
    let live = world.towns.iter().filter(|town| town[TOWN_DELETED].is_null());
    let below = live.filter(|town| town[0] == record[0]).map(of_town).collect();
    let own = of(record);
    // Whether there are any is told by a bool, which stays.
    let told = matches!(&own, Cel::Map(fields) if matches!(fields.map.get(&Key::from("lines")), Some(Cel::Bool(_))));
    let lines = if told { None } else { linked(world, &record[column("lines")], &item, &of_town) };
    let found = [("to_shop", shop), ("to_place", town), ("towns", Some(Cel::List(Arc::new(below))))];
    with_relations(own, found.into_iter().chain([("lines", lines)]))
}

/// A town by itself.
fn town(row: &[Value]) -> Cel {
    let id = |index: usize| if let Value::Text(id) = &row[index] { id.clone() } else { String::new() };
    let head_count = if let Value::Int(count) = row[4] { Cel::Int(count) } else { Cel::Null };
    map([
        ("name".to_owned(), text(&format!("countries/{}/towns/{}", id(0), id(1)))),
        ("label".to_owned(), text(&id(3))),
        ("head_count".to_owned(), head_count),
    ])
}

/// The lines of an item, with what they refer to. What is unset reads as its default.
fn linked(
    world: &World,
    lines: &Value,
    item: &dyn Fn(Vec<Value>) -> Option<Cel>,
    town: &dyn Fn(&Vec<Value>) -> Cel,
) -> Option<Cel> {
    let Value::Json(lines) = lines else { return None };
    let lines: Vec<serde_json::Value> = serde_json::from_str(lines).expect("the oracle takes it");
    let id = |line: &serde_json::Value, key: &str, prefix: &str| {
        let name = line.get(key)?.as_str()?.strip_prefix(prefix)?.to_owned();
        (!name.is_empty() && !name.contains('/')).then_some(Value::Text(name))
    };
    let line = |line: &serde_json::Value| {
        let to_item = id(line, "item", "items/").and_then(|id| item(vec![id]));
        let town_id = id(line, "town", "countries/a/towns/");
        let to_town = town_id.and_then(|id| world.find(TOWN, &[Value::Text("a".into()), id])).map(town);
        let of = |key: &str, unset: serde_json::Value| json(line.get(key).unwrap_or(&unset));
        let own = map([
            ("product".to_owned(), of("product", "".into())),
            ("quantity".to_owned(), of("amount", 0.into())),
            ("notes".to_owned(), of("notes", serde_json::json!([]))),
        ]);
        with_relations(own, [("to_item", to_item), ("to_town", to_town)])
    };
    Some(Cel::List(Arc::new(lines.iter().map(line).collect())))
}

/// A rule as the interpreter has it: read once, and asked of many records.
struct Oracle {
    env: Arc<Env>,
    program: cel::Program,
}

impl Oracle {
    fn of(rule: &str) -> Oracle {
        let mut env = Env::stdlib();
        env.add_extension(extensions::strings).expect("the oracle takes it");
        let env = Arc::new(env);
        let program = env.compile(rule).unwrap_or_else(|errors| panic!("{rule}: {errors}"));
        Oracle { env, program }
    }

    fn far(&self, world: &World, record: &[Value], caller: &Caller) -> Option<bool> {
        let item = |id: &Value| world.find(ITEM, std::slice::from_ref(id)).map(|item| far(world, item, 2, resource));
        let all = world.towns.iter().filter(|town| town[TOWN_DELETED].is_null());
        let all = all.map(|row| with_relations(town(row), [("to_item", item(&row[5])), ("to_country", item(&row[0]))]));
        let all = Cel::List(Arc::new(all.collect()));
        self.with(&far(world, record, 2, resource), &far(world, record, 2, presence), caller, all)
    }

    fn alone(&self, resource: &Cel, present: &Cel, caller: &Caller) -> Option<bool> {
        self.with(resource, present, caller, Cel::List(Arc::default()))
    }

    fn with(&self, resource: &Cel, present: &Cel, caller: &Caller, towns: Cel) -> Option<bool> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.add_function("sum", sum).expect("the oracle takes it");
        context.add_function("date", date).expect("the oracle takes it");
        context.add_variable_from_value("resource", resource.clone());
        context.add_variable_from_value("present", present.clone());
        context.add_variable_from_value("auth", auth(caller));
        context.add_variable_from_value("now", timestamp(NOW));
        context.add_variable_from_value("Town", towns);
        let states = crate::fixture::state();
        let states = states.values.iter().map(|(name, number)| (name.clone(), Cel::Int(i64::from(*number))));
        context.add_variable_from_value("State", map(states));
        match self.program.execute(&context) {
            Ok(Cel::Bool(value)) => Some(value),
            _ => None,
        }
    }
}

/// `list.sum()`, which CEL does not have.
fn sum(This(list): This<Cel>) -> Result<Cel, ExecutionError> {
    let Cel::List(items) = list else { return Err(ExecutionError::function_error("sum", "no list")) };
    let number = |item: &Cel| if let Cel::Int(number) = item { i128::from(*number) } else { i128::MAX };
    i64::try_from(items.iter().map(number).sum::<i128>())
        .map(Cel::Int)
        .map_err(|_| ExecutionError::function_error("sum", "overflow"))
}

/// `date(moment)`, which CEL does not have.
fn date(This(moment): This<Cel>) -> Result<Cel, ExecutionError> {
    let Cel::Timestamp(moment) = moment else { return Err(ExecutionError::function_error("date", "no moment")) };
    let moment = jiff::Timestamp::from_microsecond(moment.timestamp_micros()).expect("the oracle takes it");
    let text = moment.strftime("%Y%m%d").to_string();
    Ok(Cel::Int(text.parse().expect("the oracle takes it")))
}

/// How many records each rule is asked of, and how many that have others around them, which the interpreter must copy.
const RECORDS: usize = 8;
const FAR_RECORDS: usize = 1;

/// So many cases, or more.
fn cases(usual: u32) -> ProptestConfig {
    ProptestConfig::with_cases(usual * u32::try_from(strategy::scale()).unwrap_or(1))
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn the_interpreter_of_the_cel_crate_agrees(
        rule in strategy::rule(),
        records in proptest::collection::vec(strategy::record(), RECORDS),
        caller in strategy::caller(),
    ) {
        let (program, oracle) = (compile_rule(&rule, &scope()).expect("the oracle takes it"), Oracle::of(&spelled(&rule)));
        for record in &records {
            let scope = Scope { auth: caller.view(), now: NOW, resource: Some(record), ..Scope::default() };
            prop_assert_eq!(
                evaluate(&program.root, &scope),
                oracle.alone(&resource(record), &presence(record), &caller),
                "{}", rule
            );
        }
    }

    #[test]
    fn the_interpreter_of_the_cel_crate_agrees_on_what_references_lead_to(
        (rule, oracles) in strategy::rule_over_relations(),
        world in crate::relations::worlds(),
        records in proptest::collection::vec(strategy::record(), FAR_RECORDS),
        caller in strategy::caller(),
    ) {
        let (program, oracle) = (compile_rule(&rule, &scope()).expect("the oracle takes it"), Oracle::of(&spelled(&oracles)));
        for record in &records {
            let around = world.around(&program, record);
            let scope =
                Scope { auth: caller.view(), now: NOW, resource: Some(record), around: Some(&around), ..Scope::default() };
            prop_assert_eq!(
                evaluate(&program.root, &scope),
                oracle.far(&world, record, &caller),
                "{}", rule
            );
        }
    }
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn the_interpreter_of_the_cel_crate_agrees_on_what_is_said_of_rows_and_lists(
        (rule, oracles) in strategy::quantified(),
        world in crate::relations::worlds(),
        records in proptest::collection::vec(strategy::record(), FAR_RECORDS),
        caller in strategy::caller(),
    ) {
        let (program, oracle) = (compile_rule(&rule, &scope()).expect("the oracle takes it"), Oracle::of(&oracles));
        for record in &records {
            let around = world.around(&program, record);
            let scope =
                Scope { auth: caller.view(), now: NOW, resource: Some(record), around: Some(&around), ..Scope::default() };
            prop_assert_eq!(
                evaluate(&program.root, &scope),
                oracle.far(&world, record, &caller),
                "{}", rule
            );
        }
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_the_caller_alone_decides_changes_no_truth_of_named_rules_and_quantifiers(
        named in strategy::over_predicates(),
        (quantified, _) in strategy::quantified(),
        world in crate::relations::worlds(),
        record in strategy::record(),
        caller in strategy::caller(),
    ) {
        for rule in [named, quantified] {
            let program = compile_rule(&rule, &scope()).expect("it compiles");
            let around = world.around(&program, &record);
            let scope =
                Scope { auth: caller.view(), now: NOW, resource: Some(&record), around: Some(&around), ..Scope::default() };
            let split = program.split();
            let residual = split.residual_for(split.decide(&caller.view()));
            prop_assert_eq!(evaluate(&program.root, &scope) == Some(true), evaluate(&residual, &scope) == Some(true), "{}", rule);
        }
    }
}

#[test]
fn a_column_reads_as_it_is_stored() {
    let record = crate::fixture::full();
    let scope = Scope { auth: AuthView::default(), old: Some(&record), ..Scope::default() };
    for (index, (_, kind, _)) in COLUMNS.iter().enumerate() {
        let read = evaluate_value(&Expr::column(Root::Old, index, *kind), &scope);
        match (&read, &record[index]) {
            (Value::Json(read), Value::Json(stored)) => {
                let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("the oracle takes it");
                assert_eq!(parse(read), parse(stored));
            }
            (read, stored) => assert_eq!(read, stored),
        }
    }
    let absent = Expr::column(Root::New, 0, Kind::Text);
    assert_eq!(evaluate_value(&absent, &scope), Value::Null);
}
