use std::sync::Arc;

use mainstay_db::Lane;
use mainstay_fault::reply;
use mainstay_identity::{Kind, roles};
use mainstay_layers::context;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::mailbox_service_server::MailboxService;
use mainstay_record::Violation;
use tonic::Request;
use uuid::Uuid;

use super::whose::unless_withheld;
use super::{Answer, timestamp};
use crate::core::Core;
use crate::domain::page_token::PageTokenError;
use crate::error::Error;
use crate::mail::{Letter, Mail};
use crate::store::mails::{self, MailRow};

/// What the name of every mail begins with.
const MAILS: &str = "mails/";

/// How many mails a page has where nobody says, and at most.
const PAGE_SIZE: usize = 10;
const MAX_PAGE_SIZE: usize = 25;

/// Serves `mainstay.auth.v1.MailboxService`.
pub(crate) struct Mailbox(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl MailboxService for Mailbox {
    async fn list_mails(&self, request: Request<pb::ListMailsRequest>) -> Answer<pb::ListMailsResponse> {
        reply(list_mails(&self.0, request).await)
    }

    async fn get_mail(&self, request: Request<pb::GetMailRequest>) -> Answer<pb::Mail> {
        reply(get_mail(&self.0, request).await)
    }
}

/// Lets callers in who are on this machine, or administrate: what lies in a mailbox opens accounts.
fn open<'a, T>(core: &'a Core, request: &Request<T>) -> Result<&'a Mail, Error> {
    let mail = core.mail.as_ref().filter(|mail| core.development && mail.has_mailbox()).ok_or(Error::NoMailbox)?;
    let context = context(request).map_err(Error::Stack)?;
    let is_here = context.peer.is_some_and(|address| address.to_canonical().is_loopback());
    let caller = &context.principal;
    let administrates = caller.has_role(roles::ADMIN) || caller.kind() == Kind::System;
    if is_here || administrates { Ok(mail) } else { Err(unless_withheld(caller, Error::MailboxClosed)) }
}

async fn list_mails(core: &Core, request: Request<pb::ListMailsRequest>) -> Result<pb::ListMailsResponse, Error> {
    let mail = open(core, &request)?;
    let request = request.get_ref();
    let size = match usize::try_from(request.page_size) {
        Ok(0) => PAGE_SIZE,
        Ok(size) => size.min(MAX_PAGE_SIZE),
        Err(_) => return Err(Error::Violations(vec![Violation::new("page_size", "must not be negative")])),
    };
    let before = request.page_token.clone();
    if !before.is_empty() && Uuid::try_parse(&before).is_err() {
        return Err(PageTokenError::Invalid.into());
    }
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let rows = core.database.read(Lane::Heavy, move |conn| {
        let before = before.clone();
        Box::pin(async move { Ok::<_, Error>(mails::delivered(conn, &before, limit).await?) })
    });
    let mut rows = rows.await?;
    let more = rows.len() > size;
    rows.truncate(size);
    let next_page_token = rows.last().filter(|_| more).map(|row| row.uid.clone()).unwrap_or_default();
    let mails = rows.iter().map(|row| mail_to_pb(core, mail, row)).collect::<Result<_, _>>()?;
    Ok(pb::ListMailsResponse { mails, next_page_token })
}

async fn get_mail(core: &Core, request: Request<pb::GetMailRequest>) -> Result<pb::Mail, Error> {
    let mail = open(core, &request)?;
    let uid = request.get_ref().name.strip_prefix(MAILS).filter(|uid| Uuid::try_parse(uid).is_ok());
    let malformed = || Error::Violations(vec![Violation::new("name", "is not `mails/` with a UUID")]);
    let uid = uid.ok_or_else(malformed)?.to_owned();
    let row = core.database.read(Lane::Inline, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(mails::find_delivered(conn, &uid).await?) })
    });
    mail_to_pb(core, mail, &row.await?.ok_or(Error::MailNotFound)?)
}

/// Writes a mail as it would have been sent.
fn mail_to_pb(core: &Core, mail: &Mail, row: &MailRow) -> Result<pb::Mail, Error> {
    let letter = Letter::open(&core.key_encryption_key, &row.uid, &row.sealed_content)?;
    let written = mail.write(&letter)?;
    Ok(pb::Mail {
        name: format!("{MAILS}{}", row.uid),
        kind: letter.kind.word().to_owned(),
        recipient: letter.to.unwrap_or_default(),
        subject: written.subject,
        text: written.text,
        html: written.html,
        link: letter.told.link.clone(),
        code: letter.told.code.clone(),
        create_time: Some(timestamp(row.create_time)),
    })
}
