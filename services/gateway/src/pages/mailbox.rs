//! The mails that were not sent, in development.

use mainstay_fault::Fault;
use mainstay_proto::auth::v1 as pb;
use minijinja::{Value, context};

use super::shown::Shown;
use super::visit::Visit;

const LIST: &str = "/mainstay.auth.v1.MailboxService/ListMails";

pub async fn show(visit: &Visit<'_>) -> Result<Shown, Fault> {
    let page_token = visit.query.text("page_token").to_owned();
    let request = pb::ListMailsRequest { page_size: 25, page_token };
    let listed = visit.ask::<pb::ListMailsResponse>(LIST, &request).await?;
    let mails: Vec<Value> = listed.mails.iter().map(mail).collect();
    Ok(visit.page("mailbox.html", context! { mails, next => listed.next_page_token }))
}

/// As text: what is in a mail is not let loose on a page that is signed in.
fn mail(mail: &pb::Mail) -> Value {
    context! {
        to => mail.recipient,
        subject => mail.subject,
        text => mail.text,
        link => mail.link,
        code => mail.code,
        time => mail.create_time.as_ref().map(ToString::to_string),
    }
}
