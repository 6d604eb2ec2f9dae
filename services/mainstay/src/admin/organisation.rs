//! `mainstay admin organisation`: who belongs to which, and who acts in none.

use mainstay_auth as auth;
use mainstay_fault::Reason;
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::process::{Common, Failure, Role};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::{auth_words, look_up, words_of};
use crate::cli::{OrganisationCommand, Reach};
use crate::local::{CallError, Server, Target, target};
use crate::say::say;

/// How many members are shown.
const MOST_MEMBERS: u16 = 1_000;

/// How many a call gives at most.
const PAGE_SIZE: i32 = 100;

pub async fn perform(
    common: &Common,
    reach: &Reach,
    config: &auth::Config,
    command: OrganisationCommand,
) -> Result<(), Failure> {
    let store = Store::open(target(common, reach, Role::Auth)?, common, config).await?;
    let done = run(&store, command).await;
    store.close().await;
    done
}

async fn run(store: &Store, command: OrganisationCommand) -> Result<(), Failure> {
    match command {
        OrganisationCommand::List { page_size, page_token, json } => {
            let page = store.list(pb::ListOrganisationsRequest { page_size, page_token, ..Default::default() }).await?;
            if json { say!("{}", in_json("ListOrganisationsResponse", &page)?) } else { print(&page) }
        }
        OrganisationCommand::Show { name, json } => {
            let (organisation, members) = store.show(&name).await?;
            if json {
                say!("{}", in_json("Organisation", &organisation)?);
                for member in &members {
                    say!("{}", in_json("Member", member)?);
                }
                return Ok(());
            }
            show(&organisation, &members);
        }
        OrganisationCommand::RemoveMember { name, email } => {
            store.remove_member(&name, &email).await?;
            say!("{email} is no member any more; tokens that act there are refused within seconds");
        }
        OrganisationCommand::Disable { name } => {
            let organisation = store.set_disabled(&name, true).await?;
            say!(
                "nobody acts in {} ({name}) any more; tokens that do are refused within seconds",
                organisation.display_name
            );
        }
        OrganisationCommand::Enable { name } => {
            let organisation = store.set_disabled(&name, false).await?;
            say!("members can act in {} ({name})", organisation.display_name);
        }
    }
    Ok(())
}

fn in_json(message: &str, value: &impl Message) -> Result<String, Failure> {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name(&format!("mainstay.auth.v1.{message}"));
    let descriptor = descriptor.ok_or("the platform's contract has no such message")?;
    let value = DynamicMessage::decode(descriptor, value.encode_to_vec().as_slice())?;
    Ok(serde_json::to_string(&value)?)
}

fn state(organisation: &pb::Organisation) -> &'static str {
    if organisation.disable_time.is_some() { "  disabled" } else { "" }
}

fn print(page: &pb::ListOrganisationsResponse) {
    for organisation in &page.organisations {
        say!("{}  {}{}", organisation.name, organisation.display_name, state(organisation));
    }
    match (page.organisations.is_empty(), page.next_page_token.as_str()) {
        (true, _) => say!("there are no organisations"),
        (false, "") => {}
        (false, token) => say!("\nthere are more: mainstay admin organisation list --page-token {token}"),
    }
}

fn show(organisation: &pb::Organisation, members: &[pb::Member]) {
    say!("{}  {}{}", organisation.name, organisation.display_name, state(organisation));
    let width = members.iter().map(|member| member.email.chars().count()).max().unwrap_or_default();
    for member in members {
        let roles = if member.roles.is_empty() { "no roles".to_owned() } else { member.roles.join(", ") };
        say!("  {}  {:width$}  {roles}", member.account, member.email);
    }
    if members.len() >= usize::from(MOST_MEMBERS) {
        say!("  these are the first {MOST_MEMBERS}; OrganisationService.ListMembers has all");
    }
}

/// What knows of organisations: a running server, or a store that nobody else has open.
enum Store {
    Server(Server),
    /// With the lock on its folder, which is held until this is dropped.
    Own {
        auth: auth::Auth,
        _lock: mainstay_db::DataDir,
    },
}

impl Store {
    async fn open(target: Target, common: &Common, config: &auth::Config) -> Result<Store, Failure> {
        Ok(match target {
            Target::Server(server) => Store::Server(server),
            Target::Store(lock) => Store::Own { auth: auth::process::open(common, config).await?, _lock: lock },
        })
    }

    async fn list(&self, request: pb::ListOrganisationsRequest) -> Result<pb::ListOrganisationsResponse, Failure> {
        match self {
            Store::Server(server) => Ok(server.call(&method("ListOrganisations"), &request).await?),
            Store::Own { auth, .. } => auth.list_organisations(request).await.map_err(auth_words),
        }
    }

    async fn show(&self, name: &str) -> Result<(pb::Organisation, Vec<pb::Member>), Failure> {
        let server = match self {
            Store::Server(server) => server,
            Store::Own { auth, .. } => {
                return auth.show_organisation(name, MOST_MEMBERS).await.map_err(|error| of_store(error, name));
            }
        };
        let request = pb::GetOrganisationRequest { name: name.to_owned() };
        let organisation = server.call(&method("GetOrganisation"), &request).await.map_err(|error| of(error, name))?;
        let (mut members, mut page_token) = (Vec::new(), String::new());
        while members.len() < usize::from(MOST_MEMBERS) {
            let request = pb::ListMembersRequest { parent: name.to_owned(), page_size: PAGE_SIZE, page_token };
            let page: pb::ListMembersResponse = server.call(&method("ListMembers"), &request).await?;
            members.extend(page.members);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok((organisation, members))
    }

    async fn remove_member(&self, name: &str, email: &str) -> Result<(), Failure> {
        match self {
            Store::Server(server) => {
                let uid = look_up(server, email).await?.uid;
                let request = pb::DeleteMemberRequest { name: format!("{name}/members/{uid}"), etag: String::new() };
                let no_member = || format!("{email} is no member of {name}, or there is no such organisation");
                let done: Result<(), CallError> = server.call(&method("DeleteMember"), &request).await;
                done.map_err(|error| if is_missing(&error) { no_member().into() } else { error.into() })
            }
            Store::Own { auth, .. } => auth.remove_member(name, email).await.map_err(|error| match error {
                auth::Error::Refused(auth::Refusal::OrganisationNotFound | auth::Refusal::MemberNotFound) => {
                    format!("{email} is no member of {name}, or there is no such organisation").into()
                }
                error => words_of(error, email),
            }),
        }
    }

    async fn set_disabled(&self, name: &str, disable: bool) -> Result<pb::Organisation, Failure> {
        let (own, etag) = (name.to_owned(), String::new());
        match self {
            Store::Server(server) if disable => {
                let request = pb::DisableOrganisationRequest { name: own, etag };
                server.call(&method("DisableOrganisation"), &request).await.map_err(|error| of(error, name))
            }
            Store::Server(server) => {
                let request = pb::EnableOrganisationRequest { name: own, etag };
                server.call(&method("EnableOrganisation"), &request).await.map_err(|error| of(error, name))
            }
            Store::Own { auth, .. } => {
                auth.set_organisation_disabled(name, disable).await.map_err(|error| of_store(error, name))
            }
        }
    }

    async fn close(&self) {
        if let Store::Own { auth, .. } = self {
            auth.close().await;
        }
    }
}

fn is_missing(error: &CallError) -> bool {
    matches!(error, CallError::Refused { fault, .. } if fault.reason() == Some(Reason::ResourceNotFound))
}

fn of(error: CallError, name: &str) -> Failure {
    if is_missing(&error) { none(name) } else { error.into() }
}

fn of_store(error: auth::Error, name: &str) -> Failure {
    match error {
        auth::Error::Refused(auth::Refusal::OrganisationNotFound) => none(name),
        error => auth_words(error),
    }
}

fn none(name: &str) -> Failure {
    format!("there is no {name}; mainstay admin organisation list shows which there are").into()
}

fn method(name: &str) -> String {
    format!("/mainstay.auth.v1.OrganisationService/{name}")
}
