//! The table of reasons: name, gRPC code and usual message, one row each.

use tonic::Code;

/// Declares [`Reason`] from one table, so that a reason's name, code and message cannot drift apart.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $code:ident, $message:literal;)*) => {
        /// Says why a call failed, in a word that clients may match on (`ErrorInfo.reason`, AIP-193).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];

            /// Returns the stable `UPPER_SNAKE_CASE` name.
            pub const fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name,)* }
            }

            /// Returns the gRPC code that this reason always travels with.
            pub const fn code(self) -> Code {
                match self { $(Reason::$variant => Code::$code,)* }
            }

            /// Returns the message used where the raiser says nothing more precise.
            pub const fn usual_message(self) -> &'static str {
                match self { $(Reason::$variant => $message,)* }
            }

            /// Finds the reason with this name.
            pub fn from_name(name: &str) -> Option<Reason> {
                match name { $($name => Some(Reason::$variant),)* _ => None }
            }
        }
    };
}

reasons! {
    // --- what was asked is not well formed
    /// The bytes are no message of the method's request type, or the body is no JSON.
    MalformedRequest, "MALFORMED_REQUEST", InvalidArgument, "the request could not be read";
    /// At least one field breaks its rules; the violations name them all.
    FieldViolation, "FIELD_VIOLATION", InvalidArgument, "one or more fields are not valid";
    /// A field of the body or a query parameter does not exist in the request type.
    UnknownField, "UNKNOWN_FIELD", InvalidArgument, "the request names a field that does not exist";
    /// An argument is well formed but means nothing (an id, a page size, a name of the wrong collection).
    InvalidArgument, "INVALID_ARGUMENT", InvalidArgument, "an argument is not valid";
    /// A resource name does not match its pattern.
    InvalidName, "INVALID_NAME", InvalidArgument, "the resource name is not valid";
    /// The filter does not parse or does not fit the resource (AIP-160).
    InvalidFilter, "INVALID_FILTER", InvalidArgument, "the filter is not valid";
    /// The order does not parse or names something that has no order (AIP-132).
    InvalidOrderBy, "INVALID_ORDER_BY", InvalidArgument, "order_by is not valid";
    /// The page token is not ours, has expired, or belongs to another query (AIP-158).
    InvalidPageToken, "INVALID_PAGE_TOKEN", InvalidArgument, "the page token is not valid for this call";
    /// A field mask names something that cannot be named there (AIP-161).
    InvalidMask, "INVALID_MASK", InvalidArgument, "the field mask is not valid";
    /// A request id came again with another request (AIP-155).
    RequestIdReused, "REQUEST_ID_REUSED", InvalidArgument, "this request id was used for another request";
    /// An IMMUTABLE field would change (AIP-203).
    ImmutableField, "IMMUTABLE_FIELD", InvalidArgument, "an immutable field cannot be changed";
    /// A contract does not compile; the violations are its diagnostics.
    InvalidContract, "INVALID_CONTRACT", InvalidArgument, "the contract is not valid";
    /// The body or the message is larger than the limit.
    PayloadTooLarge, "PAYLOAD_TOO_LARGE", ResourceExhausted, "the request is larger than this server accepts";
    /// The body's content type is none that this address understands.
    UnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", InvalidArgument, "this content type is not supported here";

    // --- who is asking
    /// Nobody is signed in, and the method wants somebody.
    Unauthenticated, "UNAUTHENTICATED", Unauthenticated, "this call needs a signed-in caller";
    /// The bearer token is not one of ours: malformed, forged, for another audience, or of an unknown key.
    TokenInvalid, "TOKEN_INVALID", Unauthenticated, "the bearer token is not valid";
    /// The bearer token was ours and has expired.
    TokenExpired, "TOKEN_EXPIRED", Unauthenticated, "the bearer token has expired";
    /// The address and the password do not belong together; which of the two is wrong is not said.
    WrongCredentials, "WRONG_CREDENTIALS", Unauthenticated, "the e-mail address or the password is wrong";
    /// The code of a mail is wrong, was used, is too old, or was tried too often.
    WrongCode, "WRONG_CODE", Unauthenticated, "the code is wrong, or not good any more: it was used, is too old, or was tried too often; ask for a new one";
    /// What was begun and waits for a factor was begun too long ago, was finished, or was tried too often.
    ChallengeOver, "CHALLENGE_OVER", Unauthenticated, "what was begun is over: it was finished, is too old, or was tried too often; begin anew";
    /// What an authenticator has shown is not right: of another challenge, page or account, of a passkey that nobody has, or
    /// signed less often than before.
    PasskeyRefused, "PASSKEY_REFUSED", Unauthenticated, "the passkey was not accepted";
    /// A provider of identities does not vouch for whoever comes back from it, or in a way that is not believed.
    ProviderRefused, "PROVIDER_REFUSED", Unauthenticated, "the provider does not vouch for this sign-in; begin anew";
    /// The session is good, and its owner has to show more, or again, who they are (RFC 9470).
    InsufficientUserAuthentication, "INSUFFICIENT_USER_AUTHENTICATION", Unauthenticated, "this call needs another proof of who is signed in";
    /// The method wants the token of a solved CAPTCHA, and there is none.
    CaptchaRequired, "CAPTCHA_REQUIRED", FailedPrecondition, "this call wants the token of a solved CAPTCHA, in its field `captcha_token`";
    /// The CAPTCHA's provider does not vouch for the token: it is wrong, was used, is too old, or was solved elsewhere.
    CaptchaFailed, "CAPTCHA_FAILED", FailedPrecondition, "the CAPTCHA was not solved, or not any more; solve another one";
    /// The CAPTCHA's provider does not answer.
    CaptchaUnavailable, "CAPTCHA_UNAVAILABLE", Unavailable, "the CAPTCHA cannot be checked now; try again later";
    /// The session was signed out, revoked, or its refresh token was used twice.
    SessionEnded, "SESSION_ENDED", Unauthenticated, "the session has ended; sign in again";
    /// The caller is known and may not do this.
    PermissionDenied, "PERMISSION_DENIED", PermissionDenied, "the caller may not do this";
    /// The account is disabled. Only who has proved to be its owner is told.
    AccountDisabled, "ACCOUNT_DISABLED", PermissionDenied, "the account is disabled; ask an administrator";
    /// Whoever decides about sign-ups here lets this one not have an account.
    SignUpDenied, "SIGN_UP_DENIED", PermissionDenied, "an account cannot be made for this sign-up";
    /// A page of this origin may not make a browser call this server (the Fetch standard's CORS protocol).
    OriginNotAllowed, "ORIGIN_NOT_ALLOWED", PermissionDenied, "pages of this origin may not call this server";

    // --- what the call is about
    /// There is no such resource, or the caller may not know of it.
    ResourceNotFound, "RESOURCE_NOT_FOUND", NotFound, "there is no such resource";
    /// The secret of a link is not good: it was used, is over, was made for another address, or never was one.
    OneTimeSecretNotFound, "ONE_TIME_SECRET_NOT_FOUND", NotFound, "the link is not good, or not any more: it was used, is too old, or another address is meant by now; ask for a new one";
    /// A parent or a reference names a resource that does not exist, or that the caller may not know of.
    ReferenceNotFound, "REFERENCE_NOT_FOUND", NotFound, "a referenced resource does not exist";
    /// No HTTP rule matches the path.
    RouteNotFound, "ROUTE_NOT_FOUND", NotFound, "nothing is served at this path";
    /// The path exists with another HTTP method.
    MethodNotAllowed, "METHOD_NOT_ALLOWED", Unimplemented, "this path does not take this HTTP method";
    /// There is no such gRPC method.
    MethodNotFound, "METHOD_NOT_FOUND", Unimplemented, "there is no such method";
    /// The method exists and this server cannot do it (yet).
    Unimplemented, "UNIMPLEMENTED", Unimplemented, "this is not supported";
    /// A resource of this name exists already.
    AlreadyExists, "ALREADY_EXISTS", AlreadyExists, "a resource of this name exists already";
    /// Another resource has the same value in a unique index.
    UniqueViolation, "UNIQUE_VIOLATION", AlreadyExists, "another resource has the same value";
    /// Another resource has a time that overlaps, where the contract lets none.
    Overlap, "OVERLAP", AlreadyExists, "another resource has a time that overlaps";
    /// An account with this e-mail address exists already.
    EmailTaken, "EMAIL_TAKEN", AlreadyExists, "an account with this e-mail address exists already";
    /// Another account has this user name, or one that looks like it.
    UserNameTaken, "USER_NAME_TAKEN", AlreadyExists, "another account has this user name, or one that looks like it";
    /// Another account is linked with this user of the provider.
    IdentityTaken, "IDENTITY_TAKEN", AlreadyExists, "another account is linked with this user of the provider";
    /// The resource has changed since the caller read it (AIP-154).
    EtagMismatch, "ETAG_MISMATCH", Aborted, "the resource has changed; read it again";
    /// Concurrent calls were in each other's way more often than is retried inside.
    Conflict, "CONFLICT", Aborted, "another call was faster; try again";
    /// There is an account with the address that the provider gives, and its owner has to agree to the link.
    IdentityNotLinked, "IDENTITY_NOT_LINKED", FailedPrecondition, "an account has this e-mail address: sign in to it in another way, and link the provider there";
    /// The resource is deleted, though it is still there (AIP-164).
    ResourceDeleted, "RESOURCE_DELETED", FailedPrecondition, "the resource is deleted; undelete it first";
    /// Other resources refer to this one.
    StillReferenced, "STILL_REFERENCED", FailedPrecondition, "other resources refer to this one";
    /// The resource is in a state in which the transition does not begin (AIP-216).
    IllegalTransition, "ILLEGAL_TRANSITION", FailedPrecondition, "the resource is in a state that does not allow this";
    /// A reference that never comes back to where it began would.
    Cycle, "CYCLE", FailedPrecondition, "the reference would lead back to where it began";
    /// References that are followed one after the other would be too many.
    TooDeep, "TOO_DEEP", FailedPrecondition, "too many references would follow one another";
    /// The guard of a transition does not hold.
    GuardRefused, "GUARD_REFUSED", FailedPrecondition, "the resource does not fulfil what this needs";
    /// What the contract lets a write bring with it is not possible: a row that it would change cannot be so.
    EffectRefused, "EFFECT_REFUSED", FailedPrecondition, "what this brings with it is not possible";
    /// A plan holds a step that is refused, or guarded and not accepted.
    PlanRefused, "PLAN_REFUSED", FailedPrecondition, "the plan holds a step that cannot be applied";
    /// The state of the system forbids the call for now.
    FailedPrecondition, "FAILED_PRECONDITION", FailedPrecondition, "the call is not possible in the present state";

    // --- whether it can be done now
    /// The server has more to do than it takes on; nothing was done.
    Overloaded, "OVERLOADED", Unavailable, "the server is busy; try again";
    /// The caller asks more often than is allowed.
    RateLimited, "RATE_LIMITED", ResourceExhausted, "too many calls; slow down";
    /// The answer was made and let go of: too much that was answered is not taken by its clients. What was asked may have been
    /// done.
    AnswersUnread, "ANSWERS_UNREAD", ResourceExhausted, "too many answers wait to be read; what was asked may have been done";
    /// The caller's deadline, or the server's own, passed.
    DeadlineExceeded, "DEADLINE_EXCEEDED", DeadlineExceeded, "the deadline passed before the answer was ready";
    /// The request did not come whole in the time that it is given.
    RequestTimeout, "REQUEST_TIMEOUT", DeadlineExceeded, "the rest of the request did not come in time";
    /// The caller gave up.
    Cancelled, "CANCELLED", Cancelled, "the call was cancelled";
    /// Something that is needed does not answer.
    Unavailable, "UNAVAILABLE", Unavailable, "the service is not available; try again";
    /// A provider of identities does not answer, or not with what it should.
    ProviderUnavailable, "PROVIDER_UNAVAILABLE", Unavailable, "the provider does not answer as it should; try again later";
    /// What the application has to be asked first does not answer, or not with what it should.
    HookUnavailable, "HOOK_UNAVAILABLE", Unavailable, "something that has to be asked first does not answer as it should; try again later";
    /// The server is shutting down.
    ShuttingDown, "SHUTTING_DOWN", Unavailable, "the server is shutting down; try again";
    /// The answer to a commit was lost: the write may have happened. Never retried inside.
    CommitUnknown, "COMMIT_UNKNOWN", Unavailable, "it is not known whether the write happened; read before trying again";
    /// What is stored is damaged. Another call may do; this one does when the operator has restored it from a backup.
    DataDamaged, "DATA_DAMAGED", DataLoss, "what is stored here is damaged: its operator has to restore it from a backup";
    /// The server is at fault; the log says how.
    Internal, "INTERNAL", Internal, "an internal error occurred";
}

impl Reason {
    /// Finds the reason that stands for a bare gRPC code, for statuses that carry no reason of ours.
    pub const fn of_code(code: Code) -> Reason {
        match code {
            Code::Cancelled => Reason::Cancelled,
            Code::InvalidArgument | Code::OutOfRange => Reason::InvalidArgument,
            Code::DeadlineExceeded => Reason::DeadlineExceeded,
            Code::NotFound => Reason::ResourceNotFound,
            Code::AlreadyExists => Reason::AlreadyExists,
            Code::PermissionDenied => Reason::PermissionDenied,
            Code::ResourceExhausted => Reason::RateLimited,
            Code::FailedPrecondition => Reason::FailedPrecondition,
            Code::Aborted => Reason::Conflict,
            Code::Unimplemented => Reason::Unimplemented,
            Code::Unavailable => Reason::Unavailable,
            Code::Unauthenticated => Reason::Unauthenticated,
            Code::DataLoss => Reason::DataDamaged,
            Code::Ok | Code::Unknown | Code::Internal => Reason::Internal,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
