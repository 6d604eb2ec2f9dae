//! Which organisation an event is about.

use std::collections::BTreeMap;

use super::ORGANISATION;
use crate::domain::organisation::ORGANISATIONS;
use crate::store::audit::EventRow;

/// What is done to service accounts, whose names do not say whose they are: the events do.
const OF_SERVICE_ACCOUNTS: [&str; 2] = ["serviceAccounts.", "serviceAccountKeys."];

/// The uid of the organisation that an event is about, by what it says; `owner` is the detail that names one. That somebody
/// begins to act in an organisation is about their session.
pub(super) fn of<'e>(action: &str, subject: &'e str, owner: Option<&'e str>) -> Option<&'e str> {
    let is_owned = OF_SERVICE_ACCOUNTS.iter().any(|beginning| action.starts_with(beginning));
    let name = if is_owned { owner? } else { subject };
    name.strip_prefix(ORGANISATIONS)?.split('/').next()
}

/// Says whether an event is shown to the managers of the organisation that it is about, and to no others.
pub(super) fn is_right(event: &EventRow) -> bool {
    let details: BTreeMap<String, String> = serde_json::from_str(&event.details).unwrap_or_default();
    let owner = details.get(ORGANISATION).map(String::as_str);
    of(&event.action, &event.subject, owner) == event.organisation_uid.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_about_the_organisation_that_it_was_done_to() {
        for (action, subject, owner, wanted) in [
            ("organisations.update", "organisations/o", None, Some("o")),
            ("members.delete", "organisations/o/members/a", None, Some("o")),
            ("invitations.create", "organisations/o/invitations/i", None, Some("o")),
            ("serviceAccounts.create", "serviceAccounts/s", Some("organisations/o"), Some("o")),
            ("serviceAccountKeys.rotate", "serviceAccounts/s/keys/k", Some("organisations/o"), Some("o")),
            ("serviceAccounts.create", "serviceAccounts/s", None, None),
            ("sessions.switchOrganisation", "accounts/a/sessions/s", Some("organisations/o"), None),
            ("accounts.disable", "", None, None),
        ] {
            assert_eq!(of(action, subject, owner), wanted, "{action}");
        }
    }
}
