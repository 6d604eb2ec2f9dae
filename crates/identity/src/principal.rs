use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

/// What kind of caller a [`Principal`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nobody signed in.
    Anonymous,
    /// A person with an account and a session.
    User,
    /// A program: a process of the platform with a key from the configuration, or a service account with a token.
    Service,
    /// The service itself, doing work of its own. Never comes over the wire.
    System,
}

/// What the uid of every service begins with; that of no account does.
pub const SERVICE_UID_PREFIX: &str = "service:";

/// Names who is calling. Cheap to clone; immutable.
///
/// There is no default: code that acts without a caller has to say [`Principal::anonymous`] or [`Principal::system`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    kind: Kind,
    uid: Option<String>,
    session_id: Option<String>,
    email: Option<String>,
    email_verified: bool,
    roles: Vec<String>,
    withheld: Vec<String>,
    issued_at: Option<i64>,
    expires_at: Option<i64>,
    epoch: i64,
    methods: Vec<String>,
    level: u8,
    authenticated_at: Option<i64>,
    organisation: Option<String>,
    organisation_roles: Vec<String>,
    claims: Map<String, Value>,
    is_unnamed: bool,
    actor: Option<Actor>,
    may_change: bool,
    upstream: Option<String>,
}

/// Who acts as somebody else (`act`, RFC 8693 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account's uid.
    pub uid: String,
    /// The session in which they are signed in as themselves. What ends it ends the other.
    pub session_id: String,
    /// Which of their account's epochs that was.
    pub epoch: i64,
}

/// What a verified access token says about a user; the input of [`Principal::user`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The account's uid (`sub`), a UUID in lower-case hyphenated form.
    pub uid: String,
    /// The session's uid (`sid`).
    pub session_id: Option<String>,
    /// The address as the user wrote it.
    pub email: Option<String>,
    /// Whether the user has shown that the address is theirs.
    pub email_verified: bool,
    /// The account's roles when the token was issued.
    pub roles: Vec<String>,
    /// Those that the session is not worth until a second factor is shown in it. They are none of `roles`.
    pub withheld: Vec<String>,
    /// When the token was issued, in seconds since the Unix epoch.
    pub issued_at: Option<i64>,
    /// When the token stops being valid, in seconds since the Unix epoch.
    pub expires_at: Option<i64>,
    /// Which of the account's epochs the token is of. Another one begins whenever what older tokens say is not so any more.
    pub epoch: i64,
    /// How the user has shown who they are, in the words of RFC 8176.
    pub methods: Vec<String>,
    /// How sure that is, from 1 to 3 (the authentication assurance levels of NIST SP 800-63B); 0 where the token does not say it.
    pub level: u8,
    /// When the user last showed who they are, in seconds since the Unix epoch.
    pub authenticated_at: Option<i64>,
    /// The uid of the organisation that the user acts in.
    pub organisation: Option<String>,
    /// The user's roles in that organisation when the token was issued. What they are worth is said by the contract; they are
    /// no roles of the account.
    pub organisation_roles: Vec<String>,
    /// What administrators have the account's tokens say, by names of their own.
    pub claims: Map<String, Value>,
    /// Whether nobody is known behind the account yet: it was made without an address.
    pub is_unnamed: bool,
    /// Who acts as the user; nobody, where it is the user.
    pub actor: Option<Actor>,
    /// Whether whoever acts as the user may change something. Of a user who acts as nobody else it says nothing.
    pub may_change: bool,
    /// The name of the application's own service that the user comes through; nothing, where it is the user's own call.
    pub upstream: Option<String>,
}

impl Inner {
    fn bare(kind: Kind, uid: Option<String>, roles: Vec<String>) -> Inner {
        Inner {
            kind,
            uid,
            session_id: None,
            email: None,
            email_verified: false,
            roles,
            withheld: Vec::new(),
            issued_at: None,
            expires_at: None,
            epoch: 0,
            methods: Vec::new(),
            level: 0,
            authenticated_at: None,
            organisation: None,
            organisation_roles: Vec::new(),
            claims: Map::new(),
            is_unnamed: false,
            actor: None,
            may_change: false,
            upstream: None,
        }
    }
}

impl Principal {
    /// Names the caller who presented nothing.
    pub fn anonymous() -> Principal {
        static NOBODY: LazyLock<Principal> = LazyLock::new(|| Principal::bare(Kind::Anonymous, None, Vec::new()));
        NOBODY.clone()
    }

    /// Names the process itself. Rules do not apply to it, so it must never be made from anything that a caller sent.
    pub fn system() -> Principal {
        Principal::bare(Kind::System, None, Vec::new())
    }

    /// Names the process itself at work in an organisation, where it makes rows and names them. Whoever is not the process acts
    /// where their token says, and stays there.
    #[must_use]
    pub fn within(&self, organisation: &str) -> Principal {
        if self.kind() != Kind::System {
            return self.clone();
        }
        Principal(Arc::new(Inner {
            organisation: Some(organisation.to_owned()),
            ..Inner::bare(Kind::System, None, Vec::new())
        }))
    }

    /// Names a service account. Its uid is `service:<name>`, which no account can have.
    pub fn service(name: &str, roles: Vec<String>) -> Principal {
        Principal::bare(Kind::Service, Some(format!("{SERVICE_UID_PREFIX}{name}")), roles)
    }

    /// Names a signed-in user, or a service account by what its token says of it: its uid is then `service:<uid>`, its session the
    /// key that it has shown.
    pub fn user(user: User) -> Principal {
        let kind = if user.uid.starts_with(SERVICE_UID_PREFIX) { Kind::Service } else { Kind::User };
        Principal(Arc::new(Inner {
            kind,
            uid: Some(user.uid),
            session_id: user.session_id,
            email: user.email,
            email_verified: user.email_verified,
            roles: user.roles,
            withheld: user.withheld,
            issued_at: user.issued_at,
            expires_at: user.expires_at,
            epoch: user.epoch,
            methods: user.methods,
            level: user.level,
            authenticated_at: user.authenticated_at,
            organisation: user.organisation,
            organisation_roles: user.organisation_roles,
            claims: user.claims,
            is_unnamed: user.is_unnamed,
            actor: user.actor,
            may_change: user.may_change,
            upstream: user.upstream,
        }))
    }

    fn bare(kind: Kind, uid: Option<String>, roles: Vec<String>) -> Principal {
        Principal(Arc::new(Inner::bare(kind, uid, roles)))
    }

    /// Says what kind of caller this is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Gives the stable id: an account's uid, `service:<name>` for a service, nothing for nobody and for the system.
    pub fn uid(&self) -> Option<&str> {
        self.0.uid.as_deref()
    }

    /// Gives the session that the token belongs to.
    pub fn session_id(&self) -> Option<&str> {
        self.0.session_id.as_deref()
    }

    /// Gives the user's address as they wrote it.
    pub fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Says whether the user has shown that the address is theirs.
    pub fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// Gives the roles, sorted as they were issued.
    pub fn roles(&self) -> &[String] {
        &self.0.roles
    }

    /// Says whether the caller holds `role`.
    pub fn has_role(&self, role: &str) -> bool {
        self.0.roles.iter().any(|held| held == role)
    }

    /// Says whether the caller's account has `role`, and the session is not worth it until a second factor is shown in it. Until
    /// then the caller does not hold it; this tells only what would help.
    pub fn withholds(&self, role: &str) -> bool {
        self.0.withheld.iter().any(|withheld| withheld == role)
    }

    /// Gives the second since the Unix epoch at which the token was issued.
    pub fn issued_at(&self) -> Option<i64> {
        self.0.issued_at
    }

    /// Gives how the user has shown who they are (`amr`), in the words of RFC 8176.
    pub fn methods(&self) -> &[String] {
        &self.0.methods
    }

    /// Gives how sure it is who the user is (`acr`), from 1 to 3; 0 for everybody who is no user.
    pub fn level(&self) -> u8 {
        self.0.level
    }

    /// Gives the second since the Unix epoch at which the user last showed who they are (`auth_time`).
    pub fn authenticated_at(&self) -> Option<i64> {
        self.0.authenticated_at
    }

    /// Gives the uid of the organisation that the caller acts in (`org`).
    pub fn organisation(&self) -> Option<&str> {
        self.0.organisation.as_deref()
    }

    /// Gives the caller's roles in that organisation (`org_roles`). They are no roles of the account: [`Principal::has_role`]
    /// does not know them.
    pub fn organisation_roles(&self) -> &[String] {
        &self.0.organisation_roles
    }

    /// Gives what administrators have the account's tokens say (`claims`), by names of their own.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.0.claims
    }

    /// Says whether the caller is signed in with an account that nobody is known behind: it was made without an address.
    pub fn is_unnamed(&self) -> bool {
        self.0.is_unnamed
    }

    /// Gives who it really is where somebody acts as the user: everything else is said of the user.
    pub fn actor(&self) -> Option<&Actor> {
        self.0.actor.as_ref()
    }

    /// Gives the name of the application's own service through which the caller comes: it was told who called it, and calls back
    /// with that. It may do for them what the application's methods do, and nothing of the platform's.
    pub fn upstream(&self) -> Option<&str> {
        self.0.upstream.as_deref()
    }

    /// Says whether the caller only reads: somebody acts as the user, and was not given more.
    pub fn only_reads(&self) -> bool {
        self.0.actor.is_some() && !self.0.may_change
    }

    /// Names what kind of caller this is for rules: `user`, `anonymous` (an account without an address), `service`. Nothing
    /// where nobody is signed in, so that a rule that excludes one kind does not let in nobody.
    pub fn kind_name(&self) -> Option<&'static str> {
        match self.0.kind {
            Kind::Anonymous | Kind::System => None,
            Kind::User if self.0.is_unnamed => Some("anonymous"),
            Kind::User => Some("user"),
            Kind::Service => Some("service"),
        }
    }

    /// Gives the account's epoch that the token is of.
    pub fn epoch(&self) -> i64 {
        self.0.epoch
    }

    /// Gives the second since the Unix epoch at which the token stops being valid; services do not expire.
    pub fn expires_at(&self) -> Option<i64> {
        self.0.expires_at
    }
}
