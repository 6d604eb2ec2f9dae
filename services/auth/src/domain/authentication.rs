//! How somebody has shown who they are.

/// One way to do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A password.
    Password,
    /// A secret that is good once, as a mail carries it.
    OneTimeSecret,
    /// Somewhere else: at a provider of identities.
    Provider,
    /// A code of an app that the account has enrolled.
    Totp,
    /// A code that is good once in the place of a factor.
    RecoveryCode,
    /// A passkey.
    Passkey {
        /// Whether it is one that its owner's devices share.
        synced: bool,
        /// Whether the authenticator has made sure of its owner, by a finger or a PIN.
        verified: bool,
    },
}

impl Method {
    const ALL: [Method; 9] = [
        Method::Password,
        Method::OneTimeSecret,
        Method::Provider,
        Method::Totp,
        Method::RecoveryCode,
        Method::Passkey { synced: false, verified: false },
        Method::Passkey { synced: false, verified: true },
        Method::Passkey { synced: true, verified: false },
        Method::Passkey { synced: true, verified: true },
    ];

    /// Gives the word that is stored.
    pub fn stored(self) -> &'static str {
        match self {
            Method::Password => "pwd",
            Method::OneTimeSecret => "otp",
            Method::Provider => "fed",
            Method::Totp => "totp",
            Method::RecoveryCode => "recovery",
            Method::Passkey { synced: false, verified: false } => "hwk",
            Method::Passkey { synced: false, verified: true } => "hwk+uv",
            Method::Passkey { synced: true, verified: false } => "swk",
            Method::Passkey { synced: true, verified: true } => "swk+uv",
        }
    }

    /// Gives the word that tokens carry (`amr`, RFC 8176 section 2, which has none for a provider: `fed` is what others say).
    pub fn word(self) -> &'static str {
        match self {
            Method::Password => "pwd",
            Method::Provider => "fed",
            Method::OneTimeSecret | Method::Totp | Method::RecoveryCode => "otp",
            Method::Passkey { synced: false, .. } => "hwk",
            Method::Passkey { synced: true, .. } => "swk",
        }
    }

    /// Whether a sign-in begins with it.
    fn is_first(self) -> bool {
        matches!(self, Method::Password | Method::OneTimeSecret | Method::Provider)
    }
}

/// The word of tokens that more than one factor was shown (RFC 8176 section 2).
const MULTIPLE: &str = "mfa";

/// What a session began with, and what was shown in it since. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// In the order in which they were shown, each once.
    pub methods: Vec<Method>,
    /// When the last of them was.
    pub time: i64,
}

impl Authentication {
    /// Nothing was shown: the account was made at `now`, and has nothing that could be.
    pub fn of_nobody(now: i64) -> Authentication {
        Authentication { methods: Vec::new(), time: now }
    }

    /// Something that was shown at `now`.
    pub fn by(method: Method, now: i64) -> Authentication {
        Authentication { methods: vec![method], time: now }
    }

    /// The same with something that was shown at `now`, too.
    #[must_use]
    pub fn with(mut self, method: Method, now: i64) -> Authentication {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        self.time = now;
        self
    }

    /// What is left of it where a factor was removed: one of which nobody knows which it was has to be shown anew. Whoever had
    /// nothing else stays signed in, by one factor.
    #[must_use]
    pub fn without_second_factors(&self) -> Authentication {
        let first: Vec<Method> = self.methods.iter().copied().filter(|method| method.is_first()).collect();
        let unverified = |method: &Method| match *method {
            Method::Passkey { synced, .. } => Method::Passkey { synced, verified: false },
            other => other,
        };
        let mut methods = if first.is_empty() { self.methods.iter().map(unverified).collect() } else { first };
        methods.dedup();
        Authentication { methods, time: self.time }
    }

    /// Gives the words of tokens, each once.
    pub fn words(&self) -> Vec<&'static str> {
        let mut words: Vec<&'static str> = Vec::new();
        let multiple = self.is_multiple().then_some(MULTIPLE);
        for word in self.methods.iter().map(|method| method.word()).chain(multiple) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// Writes the methods as they are stored, with blanks between.
    pub fn stored(&self) -> String {
        let words: Vec<&str> = self.methods.iter().map(|method| method.stored()).collect();
        words.join(" ")
    }

    /// Reads what [`Authentication::stored`] gave. Nothing where a word is not known.
    pub fn from_stored(words: &str, time: i64) -> Option<Authentication> {
        let method = |word: &str| Method::ALL.into_iter().find(|method| method.stored() == word);
        let methods = words.split(' ').filter(|word| !word.is_empty()).map(method).collect::<Option<Vec<_>>>()?;
        Some(Authentication { methods, time })
    }

    /// Names how sure it is who that is (NIST SP 800-63B).
    pub fn level(&self) -> &'static str {
        match &*self.methods {
            [] => "aal0",
            _ if self.is_multiple() => "aal2",
            _ => "aal1",
        }
    }

    /// Whether two factors were shown: something that is known or read beside something that is held, or a passkey whose
    /// authenticator has made sure of its owner.
    pub fn is_multiple(&self) -> bool {
        let is_both = |method: &Method| matches!(method, Method::Passkey { verified: true, .. });
        let has_first = self.methods.iter().any(|method| method.is_first());
        let has_second = self.methods.iter().any(|method| !method.is_first());
        self.methods.iter().any(is_both) || (has_first && has_second)
    }
}
