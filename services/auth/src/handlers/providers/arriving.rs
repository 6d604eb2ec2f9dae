//! Somebody whom a provider vouches for: found, made, linked, or sent away to agree first.

use mainstay_db::Conn;
use mainstay_identity::Revocation;
use uuid::Uuid;

use crate::audit::{Action, Told, Trail};
use crate::config::SignUp;
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::authentication::{Authentication, Method};
use crate::domain::claims::Claims;
use crate::domain::email::Claimed;
use crate::domain::provider::{Asserted, Decision, Local, decide};
use crate::domain::session::SECOND;
use crate::domain::sign_up::Way;
use crate::error::Error;
use crate::handlers::accounts::provided_row;
use crate::handlers::beginning::{Beginning, Begun, begin_after};
use crate::handlers::emails::verification;
use crate::handlers::making::{Admitted, Call};
use crate::handlers::profile::Profile;
use crate::handlers::sending::{Sending, notice};
use crate::handlers::whose::with_roles;
use crate::mail::Kind;
use crate::revoking::{Moment, outdate_tokens};
use crate::store::accounts::{self, AccountRow};
use crate::store::identities::{self, IdentityRow};
use crate::store::mails::{self, MailRow};
use crate::ways_in::take_back;

/// All that has to be there before the transaction in which somebody comes.
pub(super) struct Arrival {
    asserted: Asserted,
    claimed: Option<Claimed>,
    /// Whether an account is made for whoever has none, and one is linked that has the address.
    makes_accounts: bool,
    links_accounts: bool,
    /// A password hash that no password has.
    nobodys: String,
    /// The account that would be made, where one would be.
    made: Option<Admitted>,
    verification: Option<Sending>,
    /// What tells the owner of the account with this uid that it is linked.
    notice: Option<(String, MailRow)>,
    moment: Moment,
}

impl Arrival {
    /// Prepares for somebody to come, and asks whether they may, where an account would be made. `local` is the account that has the
    /// address, as far as it was looked at.
    pub(super) async fn prepare(
        core: &Core,
        asserted: Asserted,
        (is_known, local): (bool, Option<&AccountRow>),
        (now, call): (i64, &Call),
    ) -> Result<Arrival, Error> {
        let provider = core.providers.find(&asserted.provider).ok_or(Error::ProviderNotFound)?;
        let nobodys = core.hasher.of_nobody()?;
        let verified = asserted.address.as_ref().filter(|address| address.verified);
        let claimed = verified.and_then(|it| Claimed::read(it.email.original(), core.former_are_left).ok());
        let makes_accounts = core.sign_up == SignUp::Open && provider.sign_up;
        let new = new_row(&asserted, standing(local), &nobodys, now).filter(|_| makes_accounts && !is_known);
        let made = match new {
            Some(row) => {
                let way = Way::Provider(asserted.provider.clone());
                Some(Admitted::ask(core, (row, &[]), (way, ""), call).await?)
            }
            None => None,
        };
        let asks = |row: &&AccountRow| !row.email.is_empty() && !row.email_verified && core.mail.is_some();
        let unverified = made.as_ref().map(Admitted::row).filter(asks);
        let verification = unverified.map(|row| verification(core, row)).transpose()?;
        let notice = match local {
            Some(row) => {
                notice(core, Kind::IdentityAdded, row, &provider.display_name)?.map(|mail| (row.uid.clone(), mail))
            }
            None => None,
        };
        Ok(Arrival {
            claimed,
            makes_accounts,
            links_accounts: provider.link_by_email,
            nobodys,
            made,
            verification,
            notice,
            moment: core.moment(),
            asserted,
        })
    }

    /// Lets them in: a session, or a challenge where the account has a factor.
    pub(super) async fn come(
        &self,
        conn: &mut Conn<'_>,
        beginning: &Beginning,
    ) -> Result<(Account, Begun, Vec<Revocation>), Error> {
        let now = beginning.now;
        let asserted = &self.asserted;
        let known = identities::of_subject(conn, (&asserted.issuer, &asserted.subject)).await?;
        let (uid, mut revocations) = match known {
            Some(identity) => {
                identities::touch(conn, &identity.uid, (&asserted.provider, &display_name(asserted)), now).await?;
                (identity.account_uid, Vec::new())
            }
            None => self.first_time(conn, beginning).await?,
        };
        let id = uid.parse().map_err(|_| crate::store::DamagedRow { table: "identities", column: "account_uid" })?;
        let row = accounts::find(conn, id).await?.ok_or(Error::Contention)?;
        if row.disable_time.is_some() {
            return Err(Error::AccountDisabled);
        }
        revocations.extend(self.say_of(conn, &row, now).await?);
        // A clock that goes ahead there makes nobody fresh here.
        let shown_at = asserted.auth_time.map_or(now, |time| time.saturating_mul(SECOND).min(now));
        let shown = Authentication::by(Method::Provider, shown_at);
        let begun = begin_after(conn, id, shown, beginning).await?;
        let row = accounts::find(conn, id).await?;
        Ok((with_roles(conn, row).await?, begun, revocations))
    }

    /// Finds or makes the account of a user who was never here. Gives its uid.
    async fn first_time(&self, conn: &mut Conn<'_>, beginning: &Beginning) -> Result<(String, Vec<Revocation>), Error> {
        let now = beginning.now;
        let local = match &self.claimed {
            Some(claimed) => accounts::find_by_email(conn, claimed).await?,
            None => None,
        };
        let decision = decide(self.asserted.address.as_ref(), standing(local.as_ref()));
        match (decision, local) {
            (Decision::MakeWithoutAddress, _) => self.make(conn, false, beginning).await,
            (Decision::Make { .. }, _) => self.make(conn, true, beginning).await,
            (Decision::Link | Decision::Reclaim, Some(row)) if self.links_accounts => {
                if row.disable_time.is_some() {
                    return Err(Error::AccountDisabled);
                }
                let mut ended = Vec::new();
                if decision == Decision::Reclaim {
                    ended.push(take_back(conn, &row, &self.nobodys, (now, self.moment)).await?);
                }
                link(conn, &row, &self.asserted, (now, beginning.trail.clone().by(row.id()?))).await?;
                if let Some((_, mail)) = self.notice.as_ref().filter(|(uid, _)| *uid == row.uid) {
                    mails::insert(conn, mail).await?;
                }
                Ok((row.uid, ended))
            }
            _ => Err(Error::IdentityNotLinked),
        }
    }

    /// Makes the account that was asked about. Where it is another one by now, it has to be asked anew.
    async fn make(
        &self,
        conn: &mut Conn<'_>,
        has_address: bool,
        beginning: &Beginning,
    ) -> Result<(String, Vec<Revocation>), Error> {
        if !self.makes_accounts {
            return Err(Error::SignUpClosed);
        }
        let made = self.made.as_ref().filter(|made| made.row().email.is_empty() != has_address);
        let made = made.ok_or(Error::Contention)?;
        made.insert(conn, &[]).await?;
        if let Some(asking) = &self.verification {
            asking.store_unless_too_many(conn).await?;
        }
        let row = made.row();
        let told = Told::default().with("provider", self.asserted.provider.clone());
        let trail = beginning.trail.clone().by(row.id()?);
        trail.note(conn, beginning.now, Action::SignUp, row.id()?, told).await?;
        identities::insert(conn, &identity(row, &self.asserted, beginning.now)).await?;
        Ok((row.uid.clone(), Vec::new()))
    }

    /// Has tokens say of the account what the provider says now, where the settings want that.
    async fn say_of(&self, conn: &mut Conn<'_>, row: &AccountRow, now: i64) -> Result<Option<Revocation>, Error> {
        let damaged = crate::store::DamagedRow { table: "accounts", column: "claims" };
        let before = Claims::from_stored(&row.claims).ok_or(damaged)?;
        let after = match before.with(&self.asserted.claims) {
            Ok(after) => after,
            Err(problem) => {
                tracing::warn!(
                    provider = %self.asserted.provider,
                    account = %row.uid,
                    problem = %problem,
                    "what a provider says of an account cannot be said in its tokens, which say what they said before"
                );
                return Ok(None);
            }
        };
        if after == before {
            return Ok(None);
        }
        if !accounts::replace_claims(conn, row, &after, now).await? {
            return Err(Error::Contention);
        }
        Ok(Some(outdate_tokens(conn, self.moment, row.id()?).await?))
    }
}

/// The account that has the address, as far as it matters for who comes.
fn standing(local: Option<&AccountRow>) -> Local {
    match local {
        None => Local::None,
        Some(row) if row.email_verified => Local::Verified,
        Some(_) => Local::Unverified,
    }
}

/// The account that would be made for whoever comes, where one would be.
fn new_row(asserted: &Asserted, standing: Local, nobodys: &str, now: i64) -> Option<AccountRow> {
    let address = match decide(asserted.address.as_ref(), standing) {
        Decision::Make { .. } => asserted.address.as_ref().map(|it| (&it.email, it.trusted)),
        Decision::MakeWithoutAddress => None,
        _ => return None,
    };
    Some(provided_row(address, nobodys.to_owned(), profile(asserted), now))
}

/// Links an account, and has it noted.
pub(super) async fn link(
    conn: &mut Conn<'_>,
    row: &AccountRow,
    asserted: &Asserted,
    (now, trail): (i64, Trail),
) -> Result<IdentityRow, Error> {
    let identity = identity(row, asserted, now);
    identities::insert(conn, &identity).await?;
    let account = row.id()?;
    let told = Told::of(super::names::identity_name_of(account, &identity.uid));
    trail.note(conn, now, Action::LinkIdentity, account, told.with("provider", asserted.provider.clone())).await?;
    Ok(identity)
}

fn identity(row: &AccountRow, asserted: &Asserted, now: i64) -> IdentityRow {
    IdentityRow {
        uid: Uuid::now_v7().as_hyphenated().to_string(),
        account_uid: row.uid.clone(),
        provider: asserted.provider.clone(),
        issuer: asserted.issuer.clone(),
        subject: asserted.subject.clone(),
        display_name: display_name(asserted),
        create_time: now,
        use_time: now,
    }
}

/// What tells a user of a provider from another one: the address, verified or not, or the name.
fn display_name(asserted: &Asserted) -> String {
    let address = asserted.address.as_ref().map(|address| address.email.original().to_owned());
    address.unwrap_or_else(|| asserted.display_name.clone())
}

fn profile(asserted: &Asserted) -> Profile {
    Profile {
        display_name: asserted.display_name.clone(),
        picture_uri: asserted.picture_uri.clone(),
        locale: asserted.locale.clone(),
        ..Profile::default()
    }
}
