//! How somebody has shown who they are.

/// One way to do so, in the words of RFC 8176.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A password.
    Password,
    /// A secret that is good once, as a mail carries it.
    OneTimeSecret,
}

impl Method {
    const ALL: [Method; 2] = [Method::Password, Method::OneTimeSecret];

    /// Gives the word that tokens carry (`amr`).
    pub fn word(self) -> &'static str {
        match self {
            Method::Password => "pwd",
            Method::OneTimeSecret => "otp",
        }
    }
}

/// What a session began with. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// In the order in which they were shown.
    pub methods: Vec<Method>,
    /// When the last of them was.
    pub time: i64,
}

impl Authentication {
    /// Something that was shown at `now`.
    pub fn by(method: Method, now: i64) -> Authentication {
        Authentication { methods: vec![method], time: now }
    }

    /// Gives the words of all methods.
    pub fn words(&self) -> Vec<&'static str> {
        self.methods.iter().map(|method| method.word()).collect()
    }

    /// Reads what [`Authentication::words`] gave, with blanks between. Nothing where a word is not known.
    pub fn from_words(words: &str, time: i64) -> Option<Authentication> {
        let method = |word: &str| Method::ALL.into_iter().find(|method| method.word() == word);
        let methods = words.split(' ').map(method).collect::<Option<Vec<_>>>()?;
        Some(Authentication { methods, time })
    }

    /// Names how sure it is who that is (NIST SP 800-63B): everything that there is so far is one factor.
    pub fn level(&self) -> &'static str {
        "aal1"
    }
}
