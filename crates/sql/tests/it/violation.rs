use mainstay_sql::Violation;

#[test]
fn sqlite_names_the_columns() {
    for text in [
        "UNIQUE constraint failed: shop_v1_product.sku, shop_v1_product.category",
        "shop_v1_product.sku, shop_v1_product.category",
    ] {
        let violation = Violation::parse(text);
        assert!(violation.is("any", "shop_v1_product", ["sku", "category"]));
        assert!(!violation.is("any", "shop_v1_product", ["sku"]));
        assert!(!violation.is("any", "shop_v1_order", ["sku", "category"]));
    }
}

#[test]
fn postgresql_names_the_constraint() {
    for text in
        ["shop_v1_product_sku_key", "duplicate key value violates unique constraint \"shop_v1_product_sku_key\""]
    {
        let violation = Violation::parse(text);
        assert!(violation.is("shop_v1_product_sku_key", "any", []));
        assert!(!violation.is("shop_v1_product_title_key", "any", []));
    }
}

#[test]
fn a_long_index_name_is_recognised_in_its_short_form() {
    let long = format!("{}_key", "column_".repeat(20));
    let violation = Violation::parse(&mainstay_sql::identifier(&long));
    assert!(violation.is(&long, "any", []));
}
