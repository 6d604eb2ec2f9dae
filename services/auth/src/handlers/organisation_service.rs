//! Which handler answers which call of `mainstay.auth.v1.OrganisationService`.

use std::sync::Arc;

use mainstay_fault::reply;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::organisation_service_server::OrganisationService;
use tonic::Request;

use super::governing::disabling;
use super::{Answer, invitations, members, organisations};
use crate::core::Core;

/// Serves `mainstay.auth.v1.OrganisationService`.
pub(crate) struct Organisations(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl OrganisationService for Organisations {
    async fn create_organisation(&self, request: Request<pb::CreateOrganisationRequest>) -> Answer<pb::Organisation> {
        reply(organisations::create(&self.0, request).await)
    }

    async fn get_organisation(&self, request: Request<pb::GetOrganisationRequest>) -> Answer<pb::Organisation> {
        reply(organisations::get(&self.0, request).await)
    }

    async fn list_organisations(
        &self,
        request: Request<pb::ListOrganisationsRequest>,
    ) -> Answer<pb::ListOrganisationsResponse> {
        reply(organisations::list(&self.0, request).await)
    }

    async fn update_organisation(&self, request: Request<pb::UpdateOrganisationRequest>) -> Answer<pb::Organisation> {
        reply(organisations::update(&self.0, request).await)
    }

    async fn delete_organisation(&self, request: Request<pb::DeleteOrganisationRequest>) -> Answer<()> {
        reply(organisations::delete(&self.0, request).await)
    }

    async fn disable_organisation(&self, request: Request<pb::DisableOrganisationRequest>) -> Answer<pb::Organisation> {
        reply(disabling::disable(&self.0, request).await)
    }

    async fn enable_organisation(&self, request: Request<pb::EnableOrganisationRequest>) -> Answer<pb::Organisation> {
        reply(disabling::enable(&self.0, request).await)
    }

    async fn create_member(&self, request: Request<pb::CreateMemberRequest>) -> Answer<pb::Member> {
        reply(members::create(&self.0, request).await)
    }

    async fn get_member(&self, request: Request<pb::GetMemberRequest>) -> Answer<pb::Member> {
        reply(members::get(&self.0, request).await)
    }

    async fn list_members(&self, request: Request<pb::ListMembersRequest>) -> Answer<pb::ListMembersResponse> {
        reply(members::list(&self.0, request).await)
    }

    async fn set_member_roles(&self, request: Request<pb::SetMemberRolesRequest>) -> Answer<pb::Member> {
        reply(members::set_roles(&self.0, request).await)
    }

    async fn delete_member(&self, request: Request<pb::DeleteMemberRequest>) -> Answer<()> {
        reply(members::delete(&self.0, request).await)
    }

    async fn create_invitation(&self, request: Request<pb::CreateInvitationRequest>) -> Answer<pb::Invitation> {
        reply(invitations::create(&self.0, request).await)
    }

    async fn get_invitation(&self, request: Request<pb::GetInvitationRequest>) -> Answer<pb::Invitation> {
        reply(invitations::get(&self.0, request).await)
    }

    async fn list_invitations(
        &self,
        request: Request<pb::ListInvitationsRequest>,
    ) -> Answer<pb::ListInvitationsResponse> {
        reply(invitations::list(&self.0, request).await)
    }

    async fn delete_invitation(&self, request: Request<pb::DeleteInvitationRequest>) -> Answer<()> {
        reply(invitations::delete(&self.0, request).await)
    }

    async fn accept_invitation(&self, request: Request<pb::AcceptInvitationRequest>) -> Answer<pb::Member> {
        reply(invitations::accept(&self.0, request).await)
    }

    async fn sign_up_with_invitation(&self, request: Request<pb::SignUpWithInvitationRequest>) -> Answer<pb::Account> {
        reply(invitations::sign_up(&self.0, request).await)
    }
}
