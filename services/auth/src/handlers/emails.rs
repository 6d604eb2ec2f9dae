//! Verification of an account's address, and its change.

use std::sync::Arc;

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_identity::Revocation;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use mainstay_record::Violation;
use tonic::Request;

use super::making::{Call, ask_to_upgrade, to_be_told};
use super::owner::{find, own_account, prove_password, require_level, require_recent};
use super::sending::{Addressee, Presented, Sending, mail_of, notice, required, wake};
use super::whose::{account_id, require_sight, with_roles};
use super::{account_to_pb, origin, trail};
use crate::audit::{Action, Told};
use crate::config::{EmailChange, SignUp};
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::email::{Claimed, Email};
use crate::domain::one_time_secret::{HashKey, Issued, Purpose};
use crate::domain::password::Password;
use crate::domain::sign_up::Way;
use crate::error::{Error, refused_email, refused_password};
use crate::mail::Kind;
use crate::revoking::{Moment, outdate_tokens};
use crate::store::accounts::{self, AccountRow};
use crate::store::emails::{self, Consent};
use crate::store::mails::{self, MailRow};
use crate::store::{one_time_secrets, sign_ups};

/// The secrets that a change of the address consists of.
const CHANGE: [Purpose; 2] = [Purpose::ChangeEmail, Purpose::ApproveEmailChange];

pub(super) async fn request_email_verification(
    core: &Core,
    request: Request<pb::RequestEmailVerificationRequest>,
) -> Result<(), Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let id = account_id(&caller, &request.get_ref().name)?;
    require_sight(&caller, id, Error::AccountNotFound)?;
    mail_of(core)?;
    let row = find(core, id).await?;
    if row.email.is_empty() {
        return Err(Error::NoAddress);
    }
    if row.email_verified {
        return Err(Error::EmailVerified);
    }
    core.limits.mail(origin(&request)?)?;
    let sending = verification(core, &row)?;
    let stored = core.database.write(Atomic::Transaction, move |conn| {
        let sending = sending.clone();
        Box::pin(async move { sending.store(conn).await })
    });
    stored.await?;
    wake(core);
    Ok(())
}

/// The mail that asks the owner of a new account whether the address is theirs.
pub(super) fn verification(core: &Core, row: &AccountRow) -> Result<Sending, Error> {
    let (identity, email) = (row.identity(), row.email.as_str());
    let addressee = Addressee { account: Some(row), identity: &identity, to: Some(email), about: email };
    Sending::new(core, Purpose::VerifyEmail, &addressee)
}

pub(super) async fn verify_email(core: &Core, request: Request<pb::VerifyEmailRequest>) -> Result<pb::Account, Error> {
    let token = request.get_ref().token.as_str();
    required(token).map_or(Ok(()), |violation| Err(Error::Violations(vec![violation])))?;
    let attempt = core.limits.token(origin(&request)?)?;
    let presented = Presented::read(token)?;
    let trail = trail(&request)?;
    let (key, now) = (Arc::clone(&core.hash_key), core.clock.now_micros());
    let verified = core.database.write(Atomic::Transaction, move |conn| {
        let (key, trail) = (Arc::clone(&key), trail.clone());
        Box::pin(async move {
            let (_, row) = presented.take(conn, &key, &[Purpose::VerifyEmail], now).await?;
            if !emails::verify(conn, &row, now).await? {
                return Err(Error::Contention);
            }
            one_time_secrets::use_up_all(conn, &row.uid, &[Purpose::VerifyEmail], now).await?;
            let id = row.id()?;
            trail.by(id).note(conn, now, Action::VerifyEmail, id, Told::default()).await?;
            let row = accounts::find(conn, id).await?;
            with_roles(conn, row).await
        })
    });
    let account = verified.await?;
    attempt.succeeded();
    Ok(account_to_pb(&account))
}

pub(super) async fn change_email(core: &Core, request: Request<pb::ChangeEmailRequest>) -> Result<pb::Account, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    let (origin, trail, call) = (origin(&request)?, trail(&request)?, Call::of(&request)?);
    let request = request.get_ref();
    let id = own_account(&caller, &request.name)?;
    mail_of(core)?;
    let row = find(core, id).await?;
    require_level(core, &caller, id).await?;
    let email = if row.email.is_empty() {
        // It has no password yet: the session is all that its owner has, or what a provider vouches for.
        if !row.anonymous {
            require_recent(core, &caller)?;
        }
        if core.sign_up == SignUp::Closed {
            return Err(Error::SignUpClosed);
        }
        Email::parse(&request.email).map_err(|problem| Error::Violations(vec![refused_email("", problem)]))?
    } else {
        let (email, password) = read_change(&row, request)?;
        prove_password(core, &row, password, (origin, &trail)).await?;
        email
    };
    core.limits.mail(origin)?;
    // Nobody has shown that the first one was theirs: this one is as good as the first.
    if row.email.is_empty() || !row.email_verified {
        let named = AccountRow { email: email.original().to_owned(), anonymous: false, ..row.clone() };
        // That it is one is told when its owner has shown that the address is theirs.
        ask_to_upgrade(core, named, &call).await?;
    }
    let account = propose(core, row, email).await?;
    wake(core);
    Ok(account)
}

fn read_change(row: &AccountRow, request: &pb::ChangeEmailRequest) -> Result<(Email, Password), Error> {
    let mut violations = Vec::new();
    let email = Email::parse(&request.email).map_err(|problem| violations.push(refused_email("", problem)));
    let password = Password::attempt(&request.password).map_err(|problem| violations.push(refused_password(problem)));
    match (email, password) {
        (Ok(email), Ok(password)) if email.key() != row.email_key => Ok((email, password)),
        (Ok(_), Ok(_)) => Err(Error::Violations(vec![Violation::new("email", "is the address that the account has")])),
        _ => Err(Error::Violations(violations)),
    }
}

/// Notes the new address and asks both. Whether another account has the new one is not told: it gets no mail then.
async fn propose(core: &Core, row: AccountRow, email: Email) -> Result<pb::Account, Error> {
    let claimed = Claimed::read(email.original(), core.former_are_left).map_err(|_| Error::AccountNotFound)?;
    let taken = core.database.read(Lane::Inline, move |conn| {
        let claimed = claimed.clone();
        Box::pin(async move { Ok::<_, Error>(accounts::find_by_email(conn, &claimed).await?.is_some()) })
    });
    let to = (!taken.await?).then_some(email.original());
    let (identity, about) = (row.identity(), email.original());
    let addressee = Addressee { account: Some(&row), identity: email.key(), to, about };
    let mut sendings = vec![Sending::new(core, Purpose::ChangeEmail, &addressee)?];
    let asks_the_old = core.email_change == EmailChange::Both && row.email_verified;
    if asks_the_old {
        let addressee = Addressee { account: Some(&row), identity: &identity, to: Some(&row.email), about };
        sendings.push(Sending::new(core, Purpose::ApproveEmailChange, &addressee)?);
    }
    let now = core.clock.now_micros();
    let consent = Consent { proved: false, approved: !asks_the_old };
    let proposed = core.database.write(Atomic::Transaction, move |conn| {
        let (row, email, sendings) = (row.clone(), email.clone(), sendings.clone());
        Box::pin(async move {
            // What was asked before is about another address.
            one_time_secrets::use_up_all(conn, &row.uid, &CHANGE, now).await?;
            for sending in &sendings {
                sending.store(conn).await?;
            }
            if !emails::propose(conn, &row, (email.original(), email.key()), consent, now).await? {
                return Err(Error::Contention);
            }
            let id = row.id()?;
            let row = accounts::find(conn, id).await?;
            with_roles(conn, row).await
        })
    });
    Ok(account_to_pb(&proposed.await?))
}

pub(super) async fn confirm_email_change(
    core: &Core,
    request: Request<pb::ConfirmEmailChangeRequest>,
) -> Result<pb::ConfirmEmailChangeResponse, Error> {
    let token = request.get_ref().token.as_str();
    required(token).map_or(Ok(()), |violation| Err(Error::Violations(vec![violation])))?;
    let attempt = core.limits.token(origin(&request)?)?;
    let presented = Presented::read(token)?;
    let (key, now) = (Arc::clone(&core.hash_key), core.clock.now_micros());
    let trail = trail(&request)?;
    let (_, before) = look(core, presented, &key, now).await?;
    let about = before.pending_email.clone().unwrap_or_default();
    // The old address learns of it where it was its owner's.
    let told = if before.email_verified { notice(core, Kind::EmailChanged, &before, &about)? } else { None };
    let upgraded = if before.email.is_empty() { to_be_told(core, &before, &Way::Upgrade) } else { None };
    let (former_are_left, moment) = (core.former_are_left, core.moment());
    let confirmed = core.database.write(Atomic::Transaction, move |conn| {
        let (key, told, trail, upgraded) = (Arc::clone(&key), told.clone(), trail.clone(), upgraded.clone());
        Box::pin(async move {
            let changed = confirm(conn, presented, &key, told, (former_are_left, now, moment)).await?;
            if let Some(upgraded) = upgraded.as_ref().filter(|_| changed.is_some()) {
                sign_ups::insert(conn, upgraded).await?;
            }
            if let Some((id, _)) = &changed {
                trail.by(*id).note(conn, now, Action::ChangeEmail, *id, Told::default()).await?;
            }
            Ok::<_, Error>(changed.map(|(_, outdated)| outdated))
        })
    });
    let outdated = confirmed.await?;
    let changed = outdated.is_some();
    core.tell(outdated);
    attempt.succeeded();
    core.hooks.wake();
    wake(core);
    Ok(pb::ConfirmEmailChangeResponse { changed })
}

async fn look(core: &Core, presented: Presented, key: &Arc<HashKey>, now: i64) -> Result<(Issued, AccountRow), Error> {
    let key = Arc::clone(key);
    let found = core.database.read(Lane::Inline, move |conn| {
        let key = Arc::clone(&key);
        Box::pin(async move { presented.find(conn, &key, &CHANGE, now).await })
    });
    found.await
}

/// Takes one consent. Where it was the last one that was wanted, the account has its new address, and tokens that say the old
/// one are to be refreshed.
async fn confirm(
    conn: &mut Conn<'_>,
    presented: Presented,
    key: &Arc<HashKey>,
    told: Option<MailRow>,
    (former_are_left, now, moment): (bool, i64, Moment),
) -> Result<Option<(AccountId, Revocation)>, Error> {
    let (issued, row) = presented.take(conn, key, &CHANGE, now).await?;
    let consent = Consent {
        proved: row.pending_email_proved || issued.purpose == Purpose::ChangeEmail,
        approved: row.pending_email_approved || issued.purpose == Purpose::ApproveEmailChange,
    };
    if !(consent.proved && consent.approved) {
        return if emails::consent(conn, &row, consent).await? { Ok(None) } else { Err(Error::Contention) };
    }
    let (Some(email), Some(email_key)) = (&row.pending_email, &row.pending_email_key) else {
        return Err(Error::SecretNotFound);
    };
    let claimed = Claimed::read(email, former_are_left).map_err(|_| Error::SecretNotFound)?;
    if accounts::find_by_email(conn, &claimed).await?.is_some_and(|other| other.uid != row.uid) {
        return Err(Error::EmailTaken);
    }
    if !emails::change(conn, &row, (email, email_key), now).await? {
        return Err(Error::Contention);
    }
    one_time_secrets::use_up_all(conn, &row.uid, &Purpose::ALL, now).await?;
    if let Some(mail) = &told {
        mails::insert(conn, mail).await?;
    }
    let id = row.id()?;
    Ok(Some((id, outdate_tokens(conn, moment, id).await?)))
}
