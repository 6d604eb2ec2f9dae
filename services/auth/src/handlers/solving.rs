//! Whether whoever calls has solved a CAPTCHA, where this installation wants one.

use std::net::IpAddr;

use mainstay_identity::Kind;
use mainstay_layers::context;
use tonic::Request;

use super::standing::administers_all;
use crate::captcha::CaptchaError;
use crate::core::Core;
use crate::error::Error;
use crate::limits::Origin;

/// Who shows the token of a CAPTCHA.
pub(super) struct Solver {
    peer: Option<IpAddr>,
    is_exempt: bool,
}

impl Solver {
    /// Programs of the installation solve none, and neither does whoever administers. Those of an organisation do, since
    /// everybody may found one.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Solver, Error> {
        let context = context(request).map_err(Error::Stack)?;
        let caller = &context.principal;
        let is_installations = caller.kind() == Kind::Service && caller.organisation().is_none();
        let is_exempt = is_installations || administers_all(caller);
        Ok(Solver { peer: context.peer, is_exempt })
    }

    /// Has the provider judge the token. Wrong ones are counted as wrong secrets are: each is a call of somebody else's.
    pub(super) async fn check(&self, core: &Core, token: &str) -> Result<(), Error> {
        let Some(captcha) = core.captcha.as_ref().filter(|_| !self.is_exempt) else { return Ok(()) };
        let attempt = core.limits.token(Origin::of(self.peer))?;
        let checked = captcha.check(token, self.peer).await;
        if !matches!(checked, Err(CaptchaError::Failed(_))) {
            attempt.withdraw();
        }
        Ok(checked?)
    }
}
