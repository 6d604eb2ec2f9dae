//! What the owner of an account shows of themselves, and what an administrator has tokens say of them.

use mainstay_db::Atomic;
use mainstay_identity::{Kind, Principal, roles};
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::claims_wire::claims_from_pb;
use super::owner::{is_own, require_administrators_level};
use super::whose::{account_id_of, require_sight, unless_withheld, with_roles};
use super::{account_to_pb, trail};
use crate::audit::{Action, Told};
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::claims::Claims;
use crate::domain::user_name::UserName;
use crate::domain::{locale, profile};
use crate::error::Error;
use crate::revoking::outdate_tokens;
use crate::store::accounts as store;

/// The field that only administrators change.
const CLAIMS: &str = "claims";

/// What is said of the account alone, and passed over where it is named (AIP-203).
const OUTPUT_ONLY: [&str; 7] =
    ["name", "uid", "email_verified", "create_time", "update_time", "disable_time", "pending_email"];

/// Changes an account's profile: everybody their own, administrators any, and its claims.
pub(super) async fn update(core: &Core, request: Request<pb::UpdateAccountRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let trail = trail(&request)?;
    let pb::UpdateAccountRequest { account, update_mask } = request.into_inner();
    let given = account.unwrap_or_default();
    let id = account_id_of(&caller, ("account.name", &given.name))?;
    require_sight(&caller, id, Error::AccountNotFound)?;
    let paths = update_mask.map(|mask| mask.paths).unwrap_or_default();
    let administrates = administrates(&caller);
    let fields = Fields::read(&paths, &given, administrates)?;
    if fields.claims.is_named() && !administrates {
        return Err(unless_withheld(&caller, Error::NotAdministrator(CLAIMS)));
    }
    if fields.claims.is_named() || !is_own(&caller, id) {
        require_administrators_level(core, &caller).await?;
    }
    let change = Change::read(fields, given, administrates)?;
    let (now, moment) = (core.clock.now_micros(), core.moment());
    let written = core.database.write(Atomic::Transaction, move |conn| {
        let (change, trail) = (change.clone(), trail.clone());
        Box::pin(async move {
            let row = store::find(conn, id).await?;
            let account = with_roles(conn, row).await?;
            if !change.etag.is_empty() && change.etag != account.revision.etag() {
                return Err(Error::EtagMismatch);
            }
            let (changed, names) = change.on(&account)?;
            if names.is_empty() {
                return Ok((account, None));
            }
            if !store::replace_profile(conn, &changed, account.revision, now).await? {
                return Err(Error::Contention);
            }
            trail.note(conn, now, Action::UpdateAccount, id, Told::default().with("fields", names.join(", "))).await?;
            // What tokens say of the account is not so any more.
            let revocation = if names.contains(&CLAIMS) { Some(outdate_tokens(conn, moment, id).await?) } else { None };
            let changed = Account { revision: account.revision.next(now), update_time: now, ..changed };
            Ok::<_, Error>((changed, revocation))
        })
    });
    let (account, revocation) = written.await?;
    core.tell(revocation);
    Ok(account_to_pb(&account))
}

fn administrates(caller: &Principal) -> bool {
    caller.has_role(roles::ADMIN) || caller.kind() == Kind::System
}

/// Which claims a mask names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Named {
    /// None of them.
    #[default]
    None,
    /// Whatever is given, by a mask that names nothing: it has to be allowed only where it changes something.
    Given,
    /// All of them.
    All,
    /// These alone.
    Some(Vec<String>),
}

impl Named {
    fn is_named(&self) -> bool {
        matches!(self, Named::All | Named::Some(_))
    }
}

/// Which fields a mask names.
#[derive(Clone, Debug, Default)]
struct Fields {
    user_name: bool,
    display_name: bool,
    picture_uri: bool,
    locale: bool,
    claims: Named,
    email: bool,
    roles: bool,
}

impl Fields {
    /// Reads a mask; without one, what is populated counts (AIP-134).
    fn read(paths: &[String], given: &pb::Account, administrates: bool) -> Result<Fields, Error> {
        match paths {
            [] => Ok(Fields {
                user_name: !given.user_name.is_empty(),
                display_name: !given.display_name.is_empty(),
                picture_uri: !given.picture_uri.is_empty(),
                locale: !given.locale.is_empty(),
                claims: if given.claims.is_some() { Named::Given } else { Named::None },
                email: !given.email.is_empty(),
                roles: !given.roles.is_empty(),
            }),
            [all] if all == "*" => Ok(Fields {
                user_name: true,
                display_name: true,
                picture_uri: true,
                locale: true,
                claims: if administrates || given.claims.is_some() { Named::Given } else { Named::None },
                email: !given.email.is_empty(),
                roles: !given.roles.is_empty(),
            }),
            paths => paths.iter().try_fold(Fields::default(), |fields, path| fields.with(path)),
        }
    }

    fn with(mut self, path: &str) -> Result<Fields, Error> {
        match path {
            "user_name" => self.user_name = true,
            "display_name" => self.display_name = true,
            "picture_uri" => self.picture_uri = true,
            "locale" => self.locale = true,
            CLAIMS => self.claims = Named::All,
            "email" => self.email = true,
            "roles" => self.roles = true,
            "etag" => {}
            path if OUTPUT_ONLY.contains(&path) => {}
            "*" => return Err(Error::Mask("names `*` beside other paths".to_owned())),
            path => match path.strip_prefix("claims.").filter(|name| !name.is_empty() && !name.contains('.')) {
                Some(name) => self.claims = with_claim(self.claims, name),
                None => return Err(Error::Mask(format!("names `{path}`, which is no field of an account"))),
            },
        }
        Ok(self)
    }
}

fn with_claim(named: Named, name: &str) -> Named {
    match named {
        Named::All => Named::All,
        Named::Some(mut names) => {
            names.push(name.to_owned());
            Named::Some(names)
        }
        Named::None | Named::Given => Named::Some(vec![name.to_owned()]),
    }
}

/// What an account says of itself, and what is said of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    pub(super) user_name: Option<UserName>,
    pub(super) display_name: String,
    pub(super) picture_uri: String,
    pub(super) locale: String,
    pub(super) claims: Claims,
}

impl Profile {
    /// Reads what the fields of an account shall be; what is wrong with them is added to the violations.
    pub(super) fn read(given: pb::Account, violations: &mut Vec<Violation>) -> Profile {
        let mut refuse =
            |field: &str, problem: String| violations.push(Violation::new(format!("account.{field}"), problem));
        let user_name = Some(given.user_name.trim()).filter(|name| !name.is_empty()).map(UserName::parse).transpose();
        let user_name = user_name.unwrap_or_else(|problem| {
            refuse("user_name", problem.to_string());
            None
        });
        let display_name = profile::display_name(&given.display_name).unwrap_or_else(|problem| {
            refuse("display_name", problem.to_string());
            String::new()
        });
        if let Err(problem) = profile::check_picture_uri(&given.picture_uri) {
            refuse("picture_uri", problem.to_string());
        }
        if let Err(problem) = locale::check(&given.locale) {
            refuse("locale", problem.to_string());
        }
        let claims = claims_from_pb(given.claims.unwrap_or_default()).unwrap_or_else(|problem| {
            refuse("claims", problem.to_string());
            Claims::default()
        });
        Profile { user_name, display_name, picture_uri: given.picture_uri, locale: given.locale, claims }
    }
}

/// What is to be changed.
#[derive(Clone, Debug)]
struct Change {
    etag: String,
    fields: Fields,
    wanted: Profile,
    email: String,
    roles: Vec<String>,
    administrates: bool,
}

impl Change {
    /// Reads what the fields that a mask names shall be, or says of all of them what is wrong. What it does not name is not
    /// looked at.
    fn read(fields: Fields, given: pb::Account, administrates: bool) -> Result<Change, Error> {
        let pb::Account { etag, email, roles, .. } = given.clone();
        let masked = pb::Account {
            user_name: if fields.user_name { given.user_name } else { String::new() },
            display_name: if fields.display_name { given.display_name } else { String::new() },
            picture_uri: if fields.picture_uri { given.picture_uri } else { String::new() },
            locale: if fields.locale { given.locale } else { String::new() },
            claims: given.claims.filter(|_| fields.claims != Named::None),
            ..pb::Account::default()
        };
        let mut violations = Vec::new();
        let wanted = Profile::read(masked, &mut violations);
        if !violations.is_empty() {
            return Err(Error::Violations(violations));
        }
        Ok(Change { etag, fields, wanted, email, roles, administrates })
    }

    /// Gives the account as it is to be, and the names of what becomes another.
    fn on(&self, account: &Account) -> Result<(Account, Vec<&'static str>), Error> {
        self.refuse_what_has_methods(account)?;
        let (fields, wanted) = (&self.fields, self.wanted.clone());
        let mut changed = account.clone();
        if fields.user_name {
            changed.user_name = wanted.user_name;
        }
        if fields.display_name {
            changed.display_name = wanted.display_name;
        }
        if fields.picture_uri {
            changed.picture_uri = wanted.picture_uri;
        }
        if fields.locale {
            changed.locale = wanted.locale;
        }
        changed.claims = claims_after(&account.claims, &fields.claims, &wanted.claims)?;
        let differs = [
            ("user_name", changed.user_name != account.user_name),
            ("display_name", changed.display_name != account.display_name),
            ("picture_uri", changed.picture_uri != account.picture_uri),
            ("locale", changed.locale != account.locale),
            (CLAIMS, changed.claims != account.claims),
        ];
        let names: Vec<&str> = differs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect();
        // Names are few, and accounts without an address cost nothing.
        if names.contains(&"user_name") && account.is_anonymous {
            let problem = "is for accounts with an address: `UpgradeAccount` comes first";
            return Err(Error::Violations(vec![Violation::new("account.user_name", problem)]));
        }
        // Who writes back what they have read says nothing of claims.
        if names.contains(&CLAIMS) && !self.administrates {
            return Err(Error::NotAdministrator(CLAIMS));
        }
        Ok((changed, names))
    }

    /// The address and the roles have methods of their own, with rules of their own: they may be given as they are.
    fn refuse_what_has_methods(&self, account: &Account) -> Result<(), Error> {
        let mut violations = Vec::new();
        if self.fields.email && self.email != account.email {
            violations.push(Violation::new("account.email", "is changed with `ChangeEmail`"));
        }
        if self.fields.roles && self.roles != account.roles {
            violations.push(Violation::new("account.roles", "are changed with `SetRoles`"));
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::Violations(violations)) }
    }
}

fn claims_after(held: &Claims, named: &Named, given: &Claims) -> Result<Claims, Error> {
    let names = match named {
        Named::None => return Ok(held.clone()),
        Named::Given | Named::All => return Ok(given.clone()),
        Named::Some(names) => names,
    };
    let mut map = held.as_map().clone();
    for name in names {
        match given.as_map().get(name) {
            Some(value) => map.insert(name.clone(), value.clone()),
            None => map.remove(name),
        };
    }
    Claims::new(map).map_err(|problem| Error::Violations(vec![Violation::new("account.claims", problem)]))
}
