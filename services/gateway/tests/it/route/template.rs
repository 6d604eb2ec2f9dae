use mainstay_contract::http::Template;
use proptest::prelude::*;

/// Templates as a contract might hold them.
pub fn templates() -> impl Strategy<Value = String> {
    let literal = "[a-z][a-z0-9_.-]{0,5}";
    let part = prop_oneof![3 => literal.prop_map(String::from), 1 => Just("*".to_owned())];
    let variable = (prop::collection::vec(part.clone(), 1..4), any::<bool>())
        .prop_map(|(parts, plain)| if plain { String::new() } else { format!("={}", parts.join("/")) });
    let segment =
        prop_oneof![3 => part.prop_map(|part| (part, None)), 2 => variable.prop_map(|v| (String::new(), Some(v)))];
    let tail = prop_oneof![4 => Just(""), 1 => Just("/**"), 1 => Just("/{tail=**}"), 1 => Just("/{tail=a/**}")];
    let verb = prop_oneof![2 => Just(String::new()), 1 => "[a-z]{1,5}".prop_map(|verb| format!(":{verb}"))];
    (prop::collection::vec(segment, 1..6), tail, verb).prop_map(|(segments, tail, verb)| {
        let parts: Vec<String> = segments
            .into_iter()
            .enumerate()
            .map(|(i, (literal, variable))| variable.map_or(literal, |pattern| format!("{{f{i}{pattern}}}")))
            .collect();
        format!("/{}{tail}{verb}", parts.join("/"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_printed_template_reads_as_the_same(text in templates()) {
        let template = Template::parse(&text).unwrap();
        prop_assert_eq!(&Template::parse(&template.to_string()).unwrap(), &template);
    }
}
