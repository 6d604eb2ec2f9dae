//! Which handler answers which call of `mainstay.auth.v1.AccountService`.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use mainstay_fault::reply;
use mainstay_proto::auth::v1 as pb;
use mainstay_proto::auth::v1::account_service_server::AccountService;
use tonic::{Request, Status};

use super::{
    Answer, accounts, anonymous, deleting, disabling, emails, erasing, exporting, first_administrator, impersonation,
    importing, listing, passwords, profile,
};
use crate::core::Core;

/// Serves `mainstay.auth.v1.AccountService`.
pub(crate) struct Accounts(pub(crate) Arc<Core>);

#[tonic::async_trait]
impl AccountService for Accounts {
    type ExportAccountStream = Pin<Box<dyn Stream<Item = Result<pb::ExportAccountResponse, Status>> + Send>>;

    async fn sign_up(&self, request: Request<pb::SignUpRequest>) -> Answer<pb::Account> {
        reply(accounts::sign_up(&self.0, request).await)
    }

    async fn get_account(&self, request: Request<pb::GetAccountRequest>) -> Answer<pb::Account> {
        reply(accounts::get_account(&self.0, request).await)
    }

    async fn lookup_account(&self, request: Request<pb::LookupAccountRequest>) -> Answer<pb::Account> {
        reply(accounts::lookup_account(&self.0, request.into_inner()).await)
    }

    async fn list_accounts(&self, request: Request<pb::ListAccountsRequest>) -> Answer<pb::ListAccountsResponse> {
        reply(listing::list_accounts(&self.0, request).await)
    }

    async fn create_account(&self, request: Request<pb::CreateAccountRequest>) -> Answer<pb::Account> {
        reply(accounts::create_account(&self.0, request).await)
    }

    async fn update_account(&self, request: Request<pb::UpdateAccountRequest>) -> Answer<pb::Account> {
        reply(profile::update(&self.0, request).await)
    }

    async fn upgrade_account(&self, request: Request<pb::UpgradeAccountRequest>) -> Answer<pb::Account> {
        reply(anonymous::upgrade(&self.0, request).await)
    }

    async fn delete_account(&self, request: Request<pb::DeleteAccountRequest>) -> Answer<()> {
        reply(deleting::delete(&self.0, request).await)
    }

    async fn export_account(&self, request: Request<pb::ExportAccountRequest>) -> Answer<Self::ExportAccountStream> {
        let stop = self.0.stop.get().cloned().unwrap_or_default();
        let items = reply(exporting::begin(&self.0, request).await)?;
        let stream =
            |exporting: exporting::Exporting| -> Self::ExportAccountStream { Box::pin(exporting.stream(stop)) };
        Ok(items.map(stream))
    }

    async fn erase_account(&self, request: Request<pb::EraseAccountRequest>) -> Answer<pb::EraseAccountResponse> {
        reply(erasing::erase(&self.0, request).await)
    }

    async fn import_accounts(&self, request: Request<pb::ImportAccountsRequest>) -> Answer<pb::ImportAccountsResponse> {
        reply(importing::import(&self.0, request).await)
    }

    async fn create_first_administrator(
        &self,
        request: Request<pb::CreateFirstAdministratorRequest>,
    ) -> Answer<pb::Account> {
        reply(first_administrator::create(&self.0, request).await)
    }

    async fn impersonate_account(
        &self,
        request: Request<pb::ImpersonateAccountRequest>,
    ) -> Answer<pb::ImpersonateAccountResponse> {
        reply(impersonation::impersonate(&self.0, request).await)
    }

    async fn request_email_verification(&self, request: Request<pb::RequestEmailVerificationRequest>) -> Answer<()> {
        reply(emails::request_email_verification(&self.0, request).await)
    }

    async fn verify_email(&self, request: Request<pb::VerifyEmailRequest>) -> Answer<pb::Account> {
        reply(emails::verify_email(&self.0, request).await)
    }

    async fn change_email(&self, request: Request<pb::ChangeEmailRequest>) -> Answer<pb::Account> {
        reply(emails::change_email(&self.0, request).await)
    }

    async fn confirm_email_change(
        &self,
        request: Request<pb::ConfirmEmailChangeRequest>,
    ) -> Answer<pb::ConfirmEmailChangeResponse> {
        reply(emails::confirm_email_change(&self.0, request).await)
    }

    async fn request_password_reset(&self, request: Request<pb::RequestPasswordResetRequest>) -> Answer<()> {
        reply(passwords::request_password_reset(&self.0, request).await)
    }

    async fn reset_password(&self, request: Request<pb::ResetPasswordRequest>) -> Answer<()> {
        reply(passwords::reset_password(&self.0, request).await)
    }

    async fn change_password(&self, request: Request<pb::ChangePasswordRequest>) -> Answer<()> {
        reply(passwords::change_password(&self.0, request).await)
    }

    async fn set_roles(&self, request: Request<pb::SetRolesRequest>) -> Answer<pb::Account> {
        reply(accounts::set_roles(&self.0, request).await)
    }

    async fn disable_account(&self, request: Request<pb::DisableAccountRequest>) -> Answer<pb::Account> {
        reply(disabling::disable(&self.0, request).await)
    }

    async fn enable_account(&self, request: Request<pb::EnableAccountRequest>) -> Answer<pb::Account> {
        reply(disabling::enable(&self.0, request).await)
    }
}
