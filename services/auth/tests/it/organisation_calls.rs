//! Calls that are about organisations.

use mainstay_fault::Fault;
use mainstay_layers::{RoutesEndpoint, Stack};
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::organisation_service_client::OrganisationServiceClient;

use crate::harness::{Caller, Harness, answer};

pub fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Caller {
    pub fn organisations(&self) -> OrganisationServiceClient<Stack<RoutesEndpoint>> {
        OrganisationServiceClient::new(self.stack())
    }

    pub async fn create_organisation(&self, display_name: &str) -> Result<pb::Organisation, Fault> {
        self.create_organisation_for("", display_name).await
    }

    pub async fn create_organisation_for(&self, owner: &str, display_name: &str) -> Result<pb::Organisation, Fault> {
        let organisation = pb::Organisation { display_name: display_name.to_owned(), ..Default::default() };
        let message = pb::CreateOrganisationRequest { organisation: Some(organisation), owner: owner.to_owned() };
        answer(self.organisations().create_organisation(self.request(message)).await)
    }

    pub async fn get_organisation(&self, name: &str) -> Result<pb::Organisation, Fault> {
        let message = pb::GetOrganisationRequest { name: name.to_owned() };
        answer(self.organisations().get_organisation(self.request(message)).await)
    }

    pub async fn list_organisations(
        &self,
        member: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<pb::ListOrganisationsResponse, Fault> {
        let (member, page_token) = (member.to_owned(), page_token.to_owned());
        let message = pb::ListOrganisationsRequest { page_size, page_token, member };
        answer(self.organisations().list_organisations(self.request(message)).await)
    }

    pub async fn update_organisation(
        &self,
        organisation: pb::Organisation,
        paths: &[&str],
    ) -> Result<pb::Organisation, Fault> {
        let update_mask = Some(prost_types::FieldMask { paths: texts(paths) });
        let message = pb::UpdateOrganisationRequest { organisation: Some(organisation), update_mask };
        answer(self.organisations().update_organisation(self.request(message)).await)
    }

    pub async fn disable_organisation(&self, name: &str, etag: &str) -> Result<pb::Organisation, Fault> {
        let message = pb::DisableOrganisationRequest { name: name.to_owned(), etag: etag.to_owned() };
        answer(self.organisations().disable_organisation(self.request(message)).await)
    }

    pub async fn enable_organisation(&self, name: &str, etag: &str) -> Result<pb::Organisation, Fault> {
        let message = pb::EnableOrganisationRequest { name: name.to_owned(), etag: etag.to_owned() };
        answer(self.organisations().enable_organisation(self.request(message)).await)
    }

    pub async fn delete_organisation(&self, name: &str, etag: &str) -> Result<(), Fault> {
        let message = pb::DeleteOrganisationRequest { name: name.to_owned(), etag: etag.to_owned() };
        answer(self.organisations().delete_organisation(self.request(message)).await)
    }

    pub async fn create_member(&self, parent: &str, account: &str, roles: &[&str]) -> Result<pb::Member, Fault> {
        let member = pb::Member { account: account.to_owned(), roles: texts(roles), ..Default::default() };
        let message = pb::CreateMemberRequest { parent: parent.to_owned(), member: Some(member) };
        answer(self.organisations().create_member(self.request(message)).await)
    }

    pub async fn get_member(&self, name: &str) -> Result<pb::Member, Fault> {
        let message = pb::GetMemberRequest { name: name.to_owned() };
        answer(self.organisations().get_member(self.request(message)).await)
    }

    pub async fn list_members(
        &self,
        parent: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<pb::ListMembersResponse, Fault> {
        let (parent, page_token) = (parent.to_owned(), page_token.to_owned());
        let message = pb::ListMembersRequest { parent, page_size, page_token };
        answer(self.organisations().list_members(self.request(message)).await)
    }

    pub async fn set_member_roles(&self, name: &str, roles: &[&str], etag: &str) -> Result<pb::Member, Fault> {
        let message = pb::SetMemberRolesRequest { name: name.to_owned(), roles: texts(roles), etag: etag.to_owned() };
        answer(self.organisations().set_member_roles(self.request(message)).await)
    }

    pub async fn delete_member(&self, name: &str) -> Result<(), Fault> {
        let message = pb::DeleteMemberRequest { name: name.to_owned(), etag: String::new() };
        answer(self.organisations().delete_member(self.request(message)).await)
    }

    pub async fn switch(&self, organisation: &str) -> Result<pb::SwitchOrganisationResponse, Fault> {
        let message = pb::SwitchOrganisationRequest { organisation: organisation.to_owned() };
        answer(self.sessions().switch_organisation(self.request(message)).await)
    }

    /// The same caller, acting in an organisation.
    pub async fn acting_in(&self, organisation: &str) -> Caller {
        self.with_bearer(&self.switch(organisation).await.unwrap().access_token)
    }

    pub async fn invite(&self, parent: &str, email: &str, roles: &[&str]) -> Result<pb::Invitation, Fault> {
        let invitation = pb::Invitation { email: email.to_owned(), roles: texts(roles), ..Default::default() };
        let message = pb::CreateInvitationRequest { parent: parent.to_owned(), invitation: Some(invitation) };
        answer(self.organisations().create_invitation(self.request(message)).await)
    }

    pub async fn get_invitation(&self, name: &str) -> Result<pb::Invitation, Fault> {
        let message = pb::GetInvitationRequest { name: name.to_owned() };
        answer(self.organisations().get_invitation(self.request(message)).await)
    }

    pub async fn list_invitations(
        &self,
        parent: &str,
        page_size: i32,
        page_token: &str,
    ) -> Result<pb::ListInvitationsResponse, Fault> {
        let (parent, page_token) = (parent.to_owned(), page_token.to_owned());
        let message = pb::ListInvitationsRequest { parent, page_size, page_token };
        answer(self.organisations().list_invitations(self.request(message)).await)
    }

    pub async fn delete_invitation(&self, name: &str) -> Result<(), Fault> {
        let message = pb::DeleteInvitationRequest { name: name.to_owned() };
        answer(self.organisations().delete_invitation(self.request(message)).await)
    }

    pub async fn accept_invitation(&self, token: &str) -> Result<pb::Member, Fault> {
        let message = pb::AcceptInvitationRequest { token: token.to_owned() };
        answer(self.organisations().accept_invitation(self.request(message)).await)
    }

    pub async fn sign_up_with_invitation(&self, token: &str, password: &str) -> Result<pb::Account, Fault> {
        let (token, password) = (token.to_owned(), password.to_owned());
        let message = pb::SignUpWithInvitationRequest { token, password, locale: String::new() };
        answer(self.organisations().sign_up_with_invitation(self.request(message)).await)
    }
}

impl Harness {
    /// Somebody who has signed up and in, and shown that the address is theirs.
    pub async fn verified_user(&self, email: &str) -> (pb::Account, pb::Credentials) {
        let (account, session) = self.user(email).await;
        let token = self.token("verify_email", email).await;
        self.caller.verify_email(&token).await.unwrap();
        (account, session)
    }
}
