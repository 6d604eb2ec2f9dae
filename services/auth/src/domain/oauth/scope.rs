//! What clients ask for.

/// One word of a scope (RFC 6749, section 3.3; OpenID Connect Core 1.0, sections 5.4 and 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Who it is.
    OpenId,
    /// What they are called, and how they look.
    Profile,
    /// Their address.
    Email,
    /// All that also when they are not there.
    OfflineAccess,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::OpenId, Scope::Profile, Scope::Email, Scope::OfflineAccess];

    pub fn word(self) -> &'static str {
        match self {
            Scope::OpenId => "openid",
            Scope::Profile => "profile",
            Scope::Email => "email",
            Scope::OfflineAccess => "offline_access",
        }
    }

    pub fn from_word(word: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// Some of them, in their order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// All that there are.
    pub fn all() -> Scopes {
        Scopes(Scope::ALL.to_vec())
    }

    /// Reads what is asked for. Words that mean nothing here are passed over (OpenID Connect Core 1.0, section 3.1.2.1).
    pub fn read(text: &str) -> Scopes {
        Scopes::of(text.split(' ').filter_map(Scope::from_word))
    }

    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Scopes {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Scopes(scopes)
    }

    /// Those that are among others, too.
    #[must_use]
    pub fn within(&self, others: &Scopes) -> Scopes {
        Scopes(self.0.iter().copied().filter(|scope| others.has(*scope)).collect())
    }

    /// With others.
    #[must_use]
    pub fn and(&self, others: &Scopes) -> Scopes {
        Scopes::of(self.0.iter().chain(&others.0).copied())
    }

    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether all of others are among them.
    pub fn cover(&self, others: &Scopes) -> bool {
        others.0.iter().all(|scope| self.has(*scope))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn words(&self) -> Vec<String> {
        self.0.iter().map(|scope| scope.word().to_owned()).collect()
    }

    /// With blanks between, as they are stored and told.
    pub fn to_text(&self) -> String {
        self.words().join(" ")
    }

    /// Reads a list of words, of which each has to mean something; gives the place of the first that does not.
    pub fn from_words(words: &[String]) -> Result<Scopes, usize> {
        let read = words.iter().enumerate().map(|(index, word)| Scope::from_word(word).ok_or(index));
        read.collect::<Result<Vec<_>, _>>().map(Scopes::of)
    }
}
