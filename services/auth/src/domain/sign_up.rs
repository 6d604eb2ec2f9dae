//! How somebody comes to have an account.

/// The ways to one. `ImportAccounts` is none of them: whoever comes from elsewhere had an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    Password,
    /// By the provider with this id.
    Provider(String),
    Invitation,
    Anonymous,
    /// An account that has no address gets one, or somebody whom a provider knows.
    Upgrade,
    Administrator,
    /// Whoever runs the installation, at its command line or as its first administrator.
    Operator,
}

impl Way {
    /// The word that stands for it in the store.
    pub fn word(&self) -> &'static str {
        match self {
            Way::Password => "password",
            Way::Provider(_) => "provider",
            Way::Invitation => "invitation",
            Way::Anonymous => "anonymous",
            Way::Upgrade => "upgrade",
            Way::Administrator => "administrator",
            Way::Operator => "operator",
        }
    }

    /// The id of the provider that vouches; empty where none does.
    pub fn provider(&self) -> &str {
        match self {
            Way::Provider(id) => id,
            _ => "",
        }
    }

    /// Takes it from the store. `None` where no version writes it.
    pub fn from_stored(word: &str, provider: &str) -> Option<Way> {
        Some(match word {
            "password" => Way::Password,
            "provider" => Way::Provider(provider.to_owned()),
            "invitation" => Way::Invitation,
            "anonymous" => Way::Anonymous,
            "upgrade" => Way::Upgrade,
            "administrator" => Way::Administrator,
            "operator" => Way::Operator,
            _ => return None,
        })
    }
}
