use mainstay_auth::domain::account::{AccountId, Revision};

#[test]
fn an_id_reads_back_and_has_one_spelling() {
    let id = AccountId::generate();
    assert_eq!(id.to_string().parse(), Ok(id));
    let text = id.to_string();
    for other in
        [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}"), String::new()]
    {
        assert!(other.parse::<AccountId>().is_err() || other == text, "{other}");
    }
}

#[test]
fn a_revision_never_goes_back_even_when_the_clock_does() {
    assert_eq!(Revision(5).next(100), Revision(100));
    assert_eq!(Revision(100).next(5), Revision(101));
    assert_eq!(Revision(255).etag(), "00000000000000ff");
}
