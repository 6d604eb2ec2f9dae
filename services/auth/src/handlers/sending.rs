//! One-time secrets on their way out with a mail, and back.

use std::sync::Arc;

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_record::Violation;
use uuid::Uuid;

use super::solving::Solver;
use crate::core::Core;
use crate::domain::account::AccountId;
use crate::domain::email::{Claimed, Email};
use crate::domain::one_time_secret::{COUNTED_FOR, Code, HashKey, Issued, LinkSecret, Purpose, SecretHash, Shown};
use crate::domain::session::micros;
use crate::error::{Error, refused_email};
use crate::limits::{Exceeded, Limit, Origin};
use crate::mail::{Kind, Letter, Mail, NOTICE_LASTS, Told};
use crate::store::accounts::{self, AccountRow};
use crate::store::mails::{self, MailRow};
use crate::store::one_time_secrets::{self, SecretRow};

/// Gives mail, where this installation has it.
pub(super) fn mail_of(core: &Core) -> Result<&Mail, Error> {
    core.mail.as_ref().ok_or(Error::NoMail)
}

/// Whom a secret is for, and where it goes.
pub(super) struct Addressee<'a> {
    /// The account that it is for. Where nobody has one, a secret is made and stored all the same and goes nowhere: that takes
    /// the same work, and leaves the same trace.
    pub(super) account: Option<&'a AccountRow>,
    /// The address, in its canonical form.
    pub(super) identity: &'a str,
    /// Where the mail goes. Nowhere is where there is no account, or where the owner is not to be told.
    pub(super) to: Option<&'a str>,
    /// The address that the mail speaks of.
    pub(super) about: &'a str,
}

/// Sends a secret to whoever has an address, and does the same work where nobody has, once a CAPTCHA is solved where one is wanted.
/// Gives the id that a code is known by.
pub(super) async fn send_to_whoever_has(
    core: &Core,
    purpose: Purpose,
    email: &str,
    (origin, solver, captcha_token): (Origin, &Solver, &str),
) -> Result<String, Error> {
    let email = Claimed::read(email, core.former_are_left)
        .map_err(|problem| Error::Violations(vec![refused_email("", problem)]))?;
    mail_of(core)?;
    solver.check(core, captcha_token).await?;
    core.limits.mail(origin)?;
    let wanted = email.clone();
    let found = core.database.read(Lane::Inline, move |conn| {
        let email = wanted.clone();
        Box::pin(async move { Ok::<_, Error>(accounts::find_by_email(conn, &email).await?) })
    });
    let row = found.await?;
    let to = row.as_ref().map(|row| row.email.as_str());
    let about = to.unwrap_or_default();
    let addressee = Addressee { account: row.as_ref(), identity: email.identity(), to, about };
    let sending = Sending::new(core, purpose, &addressee)?;
    let id = sending.id().to_owned();
    let stored = core.database.write(Atomic::Transaction, move |conn| {
        let sending = sending.clone();
        Box::pin(async move { sending.store(conn).await })
    });
    stored.await?;
    wake(core);
    Ok(id)
}

/// A secret and the mail with it, ready to be stored in one transaction.
#[derive(Clone)]
pub(super) struct Sending {
    secret: SecretRow,
    mail: MailRow,
    address: SecretHash,
    now: i64,
    most: u32,
}

impl Sending {
    /// Makes a secret and the mail that carries it.
    pub(super) fn new(core: &Core, purpose: Purpose, addressee: &Addressee<'_>) -> Result<Sending, Error> {
        let locale = addressee.account.map(|row| row.locale.as_str()).unwrap_or_default();
        Sending::telling(core, purpose, addressee, (locale, ""))
    }

    /// Makes an invitation to an organisation of this name. It is written in the language of whoever invites: whether the
    /// address has an account is not looked at.
    pub(super) fn invitation(
        core: &Core,
        email: &Email,
        (organisation, locale): (&str, &str),
    ) -> Result<Sending, Error> {
        let (to, about) = (Some(email.original()), email.original());
        let addressee = Addressee { account: None, identity: email.key(), to, about };
        Sending::telling(core, Purpose::AcceptInvitation, &addressee, (locale, organisation))
    }

    fn telling(
        core: &Core,
        purpose: Purpose,
        addressee: &Addressee<'_>,
        (locale, organisation): (&str, &str),
    ) -> Result<Sending, Error> {
        let mail = mail_of(core)?;
        let now = core.clock.now_micros();
        let secret = LinkSecret::of(Uuid::now_v7())?;
        let code = (purpose == Purpose::SignIn).then(Code::generate).transpose()?;
        let address = core.hash_key.address(addressee.identity);
        let account = addressee.account.map(|row| row.uid.parse::<AccountId>());
        let lasts = purpose.lasts();
        let issued = Issued {
            id: secret.id(),
            purpose,
            account: account.transpose().map_err(|_| crate::store::DamagedRow { table: "accounts", column: "uid" })?,
            address,
            link: secret.hash(),
            code: code.as_ref().map(|code| core.hash_key.code(secret.id(), code)),
            create_time: now,
            expire_time: now.saturating_add(micros(lasts)),
            use_time: None,
        };
        let kind = kind(purpose);
        let letter = Letter {
            kind,
            to: addressee.to.map(str::to_owned),
            locale: locale.to_owned(),
            told: Told {
                email: addressee.about.to_owned(),
                link: mail.link(kind, &secret.to_text()),
                code: code.as_ref().map(Code::to_text).unwrap_or_default(),
                minutes: lasts.as_secs() / 60,
                organisation: organisation.to_owned(),
            },
        };
        let account_uid = addressee.account.map(|row| row.uid.clone());
        let mail_row = MailRow { account_uid, ..row(core, &letter, issued.expire_time)? };
        let most = mail.per_address_per_hour;
        Ok(Sending { secret: SecretRow::from(&issued), mail: mail_row, address, now, most })
    }

    /// Gives the id of the secret's row, by which a code is known.
    pub(super) fn id(&self) -> &str {
        &self.secret.uid
    }

    /// Gives when it was made, and until when it is good.
    pub(super) fn times(&self) -> (i64, i64) {
        (self.secret.create_time, self.secret.expire_time)
    }

    /// Stores both, or neither where the address has got enough mails for now: what is done beside it is done.
    pub(super) async fn store_unless_too_many(&self, conn: &mut Conn<'_>) -> Result<(), Error> {
        match self.store(conn).await {
            Err(Error::Exceeded(_)) => Ok(()),
            stored => stored,
        }
    }

    /// Stores both. Fails, before anything is stored, where the address has got enough mails for now: whoever asked for them.
    pub(super) async fn store(&self, conn: &mut Conn<'_>) -> Result<(), Error> {
        let since = self.now.saturating_sub(micros(COUNTED_FOR));
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        let sent = one_time_secrets::sent_since(conn, self.address, since, i64::from(self.most)).await?;
        if let Some(first) = sent.get(most.saturating_sub(1)) {
            let wait = u64::try_from(first.saturating_sub(since)).unwrap_or_default();
            let wait = std::time::Duration::from_micros(wait);
            return Err(Exceeded { limit: Limit::MailToOne, wait }.into());
        }
        one_time_secrets::insert(conn, &self.secret).await?;
        mails::insert(conn, &self.mail).await?;
        Ok(())
    }
}

fn kind(purpose: Purpose) -> Kind {
    match purpose {
        Purpose::VerifyEmail => Kind::VerifyEmail,
        Purpose::ChangeEmail => Kind::ChangeEmail,
        Purpose::ApproveEmailChange => Kind::ApproveEmailChange,
        Purpose::ResetPassword => Kind::ResetPassword,
        Purpose::SignIn => Kind::SignIn,
        Purpose::AcceptInvitation => Kind::Invitation,
    }
}

/// Makes the row of a mail that tells the owner of an account what has happened. Nothing where this installation sends no
/// mail.
pub(super) fn notice(core: &Core, kind: Kind, account: &AccountRow, about: &str) -> Result<Option<MailRow>, Error> {
    // Who has no address is told nothing.
    if core.mail.is_none() || account.email.is_empty() {
        return Ok(None);
    }
    let told = Told {
        email: about.to_owned(),
        link: String::new(),
        code: String::new(),
        minutes: 0,
        organisation: String::new(),
    };
    let letter = Letter { kind, to: Some(account.email.clone()), locale: account.locale.clone(), told };
    let mail = row(core, &letter, core.clock.now_micros().saturating_add(micros(NOTICE_LASTS)))?;
    Ok(Some(MailRow { account_uid: Some(account.uid.clone()), ..mail }))
}

fn row(core: &Core, letter: &Letter, expire_time: i64) -> Result<MailRow, Error> {
    let uid = Uuid::now_v7().as_hyphenated().to_string();
    let now = core.clock.now_micros();
    let sealed_content = letter.seal(&core.key_encryption_key, &uid)?;
    Ok(MailRow {
        uid,
        sealed_content,
        create_time: now,
        expire_time,
        attempts: 0,
        attempt_time: now,
        deliver_time: None,
        account_uid: None,
    })
}

/// Has the job look for what was just stored.
pub(super) fn wake(core: &Core) {
    if let Some(mail) = &core.mail {
        mail.wake();
    }
}

/// A secret that somebody presents: what is left of it once it was read.
#[derive(Clone, Copy)]
pub(super) struct Presented {
    id: Uuid,
    shown: Shown,
}

/// Refuses a request without a secret, before anything is counted.
pub(super) fn required(token: &str) -> Option<Violation> {
    token.is_empty().then(|| Violation::new("token", "is required"))
}

impl Presented {
    /// Reads the secret of a link.
    pub(super) fn read(token: &str) -> Result<Presented, Error> {
        let secret = LinkSecret::parse(token).ok_or(Error::SecretNotFound)?;
        Ok(Presented { id: secret.id(), shown: Shown::Link(secret.hash()) })
    }

    /// Takes a code, by its hash, for the request that it is said to be for. Its try is counted already.
    pub(super) fn code(id: Uuid, hash: SecretHash) -> Presented {
        Presented { id, shown: Shown::Code(hash) }
    }

    /// Finds the secret and its account, where it is good for one of these purposes, and the address that it was sent to still
    /// is the one that it is about. Uses nothing up.
    pub(super) async fn find(
        self,
        conn: &mut Conn<'_>,
        key: &Arc<HashKey>,
        purposes: &[Purpose],
        now: i64,
    ) -> Result<(Issued, AccountRow), Error> {
        let row = one_time_secrets::find(conn, self.id).await?.ok_or(Error::SecretNotFound)?;
        let issued = Issued::try_from(row)?;
        let account =
            issued.account.filter(|_| issued.admits(self.shown, purposes, now)).ok_or(Error::SecretNotFound)?;
        let account = accounts::find(conn, account).await?.ok_or(Error::SecretNotFound)?;
        let meant = match issued.purpose {
            Purpose::ChangeEmail => account.pending_email_key.clone().ok_or(Error::SecretNotFound)?,
            Purpose::VerifyEmail
            | Purpose::ApproveEmailChange
            | Purpose::ResetPassword
            | Purpose::SignIn
            | Purpose::AcceptInvitation => account.identity(),
        };
        if key.address(&meant) == issued.address { Ok((issued, account)) } else { Err(Error::SecretNotFound) }
    }

    /// Finds the secret of an invitation, where it is good. It is no account's, and for whoever has the address that it was sent
    /// to.
    pub(super) async fn of_invitation(self, conn: &mut Conn<'_>, now: i64) -> Result<Issued, Error> {
        let row = one_time_secrets::find(conn, self.id).await?.ok_or(Error::SecretNotFound)?;
        let issued = Issued::try_from(row)?;
        if issued.admits(self.shown, &[Purpose::AcceptInvitation], now) {
            Ok(issued)
        } else {
            Err(Error::SecretNotFound)
        }
    }

    /// The same, and uses it up: of many who do so at once, one succeeds.
    pub(super) async fn take(
        self,
        conn: &mut Conn<'_>,
        key: &Arc<HashKey>,
        purposes: &[Purpose],
        now: i64,
    ) -> Result<(Issued, AccountRow), Error> {
        let found = self.find(conn, key, purposes, now).await?;
        if one_time_secrets::use_up(conn, self.id, now).await? { Ok(found) } else { Err(Error::SecretNotFound) }
    }
}
