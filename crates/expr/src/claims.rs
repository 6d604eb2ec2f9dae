//! What rules may know of the caller: one table of the names after `auth.`.

use mainstay_record::Kind;

use crate::schema::Type;

/// What is known about the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthName {
    Uid,
    Email,
    EmailVerified,
    Roles,
    Amr,
    Aal,
    Org,
    Fresh,
    Permissions,
    Kind,
    /// What administrators have tokens say, by names of their own.
    Claims,
}

/// A name after `auth.`.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    pub id: AuthName,
    /// As rules write it, after `auth.`.
    pub name: &'static str,
    /// Of the value. `Kind::Json`: an array of strings, or for `claims` an object.
    pub kind: Kind,
    /// NULL where nobody is signed in, or who is has none.
    pub nullable: bool,
    /// The field of an access token that carries it, or that it is reckoned from.
    pub token_field: &'static str,
}

/// All of them, in the order of [`AuthName`].
pub const CLAIMS: [Claim; 11] = [
    Claim { id: AuthName::Uid, name: "uid", kind: Kind::Text, nullable: true, token_field: "sub" },
    Claim { id: AuthName::Email, name: "email", kind: Kind::Text, nullable: true, token_field: "email" },
    Claim {
        id: AuthName::EmailVerified,
        name: "email_verified",
        kind: Kind::Bool,
        nullable: false,
        token_field: "email_verified",
    },
    Claim { id: AuthName::Roles, name: "roles", kind: Kind::Json, nullable: false, token_field: "roles" },
    Claim { id: AuthName::Amr, name: "amr", kind: Kind::Json, nullable: false, token_field: "amr" },
    Claim { id: AuthName::Aal, name: "aal", kind: Kind::Int, nullable: false, token_field: "acr" },
    Claim { id: AuthName::Org, name: "org", kind: Kind::Text, nullable: true, token_field: "org" },
    Claim { id: AuthName::Fresh, name: "fresh", kind: Kind::Int, nullable: true, token_field: "auth_time" },
    // By the roles that the contract declares: see `mainstay_contract::Roles`.
    Claim { id: AuthName::Permissions, name: "permissions", kind: Kind::Json, nullable: false, token_field: "roles" },
    Claim { id: AuthName::Kind, name: "kind", kind: Kind::Text, nullable: true, token_field: "kind" },
    Claim { id: AuthName::Claims, name: "claims", kind: Kind::Json, nullable: false, token_field: "claims" },
];

impl AuthName {
    /// The row of the table.
    pub fn claim(self) -> &'static Claim {
        &CLAIMS[self as usize]
    }
}

impl Claim {
    /// The type of the value.
    pub(crate) fn ty(&self) -> Type {
        match self.kind {
            _ if self.id == AuthName::Fresh => Type::Duration,
            Kind::Bool => Type::Bool,
            Kind::Int => Type::Int,
            Kind::Json if self.id == AuthName::Claims => Type::Struct,
            Kind::Json => Type::List(Box::new(Type::Text)),
            _ => Type::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_stands_in_its_own_place() {
        for claim in CLAIMS {
            assert_eq!(claim.id.claim().name, claim.name);
        }
    }
}
