use mainstay_auth::domain::claims::{Claims, ClaimsError, number};
use serde_json::{Map, Value, json};

fn claims(value: Value) -> Result<Claims, ClaimsError> {
    let Value::Object(map) = value else { panic!("an object") };
    Claims::new(map)
}

#[test]
fn claims_come_back_from_the_store_as_they_were() {
    for value in [json!({}), json!({"tier": "gold", "seats": 5, "beta": true, "of": {"a": [1, 2.5, null]}})] {
        let claims = claims(value).unwrap();
        assert_eq!(Claims::from_stored(&claims.to_stored()), Some(claims));
    }
    assert_eq!(Claims::default().to_stored(), "");
    assert_eq!(Claims::from_stored("[]"), None);
}

#[test]
fn claims_are_bounded_in_bytes_values_and_depth() {
    let text = |length: usize| json!({"a": "x".repeat(length)});
    assert!(claims(text(4_096 - r#"{"a":""}"#.len())).is_ok());
    assert_eq!(claims(text(4_097 - r#"{"a":""}"#.len())), Err(ClaimsError::TooLarge));
    assert_eq!(claims(json!({"a": "\u{1}".repeat(700)})), Err(ClaimsError::TooLarge), "as it is written");
    let deep = |depth: usize| (1..depth).fold(json!({"a": 1}), |inner, _| json!({"a": inner}));
    assert!(claims(deep(8)).is_ok());
    assert_eq!(claims(deep(9)), Err(ClaimsError::TooDeep));
    let lists = (0..9).fold(json!([]), |inner, _| json!([inner]));
    assert_eq!(claims(json!({ "a": lists })), Err(ClaimsError::TooDeep));
    assert!(claims(json!({"a": vec![0; 255]})).is_ok());
    assert_eq!(claims(json!({"a": vec![0; 256]})), Err(ClaimsError::TooMany));
    assert_eq!(claims(json!({"a": ["b\u{0}"]})), Err(ClaimsError::Nul));
    assert_eq!(claims(json!({"a\u{0}": 1})), Err(ClaimsError::Nul));
    assert_eq!(claims(json!({"": 1})), Err(ClaimsError::NoName));
    assert_eq!(claims(Map::new().into()), Ok(Claims::default()));
}

#[test]
fn whole_numbers_are_written_without_a_fraction_and_what_is_none_is_refused() {
    for (given, written) in [(5.0, "5"), (-3.0, "-3"), (2.5, "2.5"), (1e300, "1e+300"), (0.0, "0"), (-0.0, "0")] {
        assert_eq!(number(given).unwrap().to_string(), written);
    }
    for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(number(none), Err(ClaimsError::NoNumber));
    }
}
