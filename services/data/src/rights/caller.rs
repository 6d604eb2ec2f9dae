//! On whose behalf something is done, and when.

use std::sync::Arc;

use mainstay_contract::{Granted, ORGANISATION_ROLES, Roles};
use mainstay_expr::{AuthView, Scope};
use mainstay_identity::{Kind, Principal};
use mainstay_record::Value;

use super::denial::{Denial, Obstacle, denial};

/// Microseconds in a second.
const SECOND_US: i64 = 1_000_000;

/// Who calls, and the one moment at which all of the call happens.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: Principal,
    /// Microseconds since 1970 UTC.
    pub now: i64,
    /// What the caller may rest on by the contract; nothing where that is the account's roles as they are.
    granted: Option<Arc<Granted>>,
    /// Who this is, acting in an organisation; nothing where in none.
    acting: Option<Arc<str>>,
}

impl Caller {
    /// Says who calls under a contract, which says what roles are worth.
    pub fn new(principal: Principal, now: i64, roles: &Roles) -> Caller {
        let (own, there) = (principal.roles(), principal.organisation_roles());
        let is_plain = roles.is_empty() && there.is_empty() && own.iter().all(|role| !is_of_organisation(role));
        let granted = (!is_plain).then(|| Arc::new(roles.granted(own, there)));
        let acting = principal.organisation().map(|organisation| acting(&principal, organisation));
        Caller { principal, now, granted, acting }
    }

    /// Says who acts without a role: nobody, or the process itself.
    pub fn without_roles(principal: Principal, now: i64) -> Caller {
        let acting = principal.organisation().map(|organisation| acting(&principal, organisation));
        Caller { principal, now, granted: None, acting }
    }

    /// The process itself, at work in the organisation that a row belongs to. Everybody else stays in their own.
    #[must_use]
    pub fn within(&self, organisation: &str) -> Caller {
        if !self.is_system() {
            return self.clone();
        }
        Caller::without_roles(self.principal.within(organisation), self.now)
    }

    /// The organisation in which rows are made and named.
    pub fn organisation(&self) -> Option<&str> {
        self.principal.organisation().filter(|organisation| !organisation.is_empty())
    }

    /// Says whether rules do not apply: the process itself, by its named principal, which never comes over a wire.
    pub fn is_system(&self) -> bool {
        self.principal.kind() == Kind::System
    }

    /// What rules may know of the caller.
    pub fn auth(&self) -> AuthView<'_> {
        AuthView {
            uid: self.principal.uid(),
            email: self.principal.email(),
            email_verified: self.principal.email_verified(),
            roles: self.granted.as_ref().map_or(self.principal.roles(), |granted| &granted.roles),
            permissions: self.granted.as_ref().map_or(&[], |granted| &granted.permissions),
            amr: self.principal.methods(),
            aal: self.principal.level().into(),
            org: self.organisation(),
            fresh: self
                .principal
                .authenticated_at()
                .map(|at| self.now.saturating_sub(at.saturating_mul(SECOND_US)).max(0)),
            kind: self.principal.kind_name(),
            claims: Some(self.principal.claims()),
        }
    }

    /// The scope of a rule on one record.
    pub fn on_resource<'a>(&'a self, resource: &'a [Value]) -> Scope<'a> {
        Scope { resource: Some(resource), ..self.alone() }
    }

    /// The scope of a rule on an update. Without `new` the rule is asked what it says of the old record alone.
    pub fn on_change<'a>(&'a self, old: &'a [Value], new: Option<&'a [Value]>) -> Scope<'a> {
        Scope { old: Some(old), new, ..self.alone() }
    }

    /// The scope of what needs no record: defaults.
    pub fn alone(&self) -> Scope<'_> {
        Scope { auth: self.auth(), now: self.now, ..Scope::default() }
    }

    /// Who this is in page tokens and remembered answers.
    pub fn key(&self) -> &str {
        match &self.acting {
            Some(acting) => acting,
            None => own_key(&self.principal),
        }
    }

    /// What this caller is told of an obstacle that has nothing to do with reading.
    pub fn denied(&self, obstacle: Obstacle) -> Denial {
        denial(&self.principal, obstacle, false)
    }

    /// What this caller is told of a row that is missing or hidden; `public` as in [`denial`].
    pub fn not_readable(&self, public: bool) -> Denial {
        denial(&self.principal, Obstacle::NotReadable, public)
    }

    /// Says whether nobody is signed in.
    pub fn is_nobody(&self) -> bool {
        self.principal.kind() == Kind::Anonymous
    }
}

fn own_key(principal: &Principal) -> &str {
    match principal.kind() {
        Kind::System => "system",
        Kind::Anonymous => "",
        Kind::User | Kind::Service => principal.uid().unwrap_or(""),
    }
}

/// Somebody acting in an organisation, who is another caller in each: neither a page nor an answer of one is taken up in another.
fn acting(principal: &Principal, organisation: &str) -> Arc<str> {
    format!("{} in {organisation}", own_key(principal)).into()
}

/// Whether it is a role that organisations give, and no account has.
fn is_of_organisation(role: &str) -> bool {
    ORGANISATION_ROLES.contains(&role)
}
