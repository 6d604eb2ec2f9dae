//! `mainstay admin import`: accounts of another system, one JSON object a line.

use std::io::{BufRead, BufReader};
use std::path::Path;

use mainstay_auth as auth;
use mainstay_proto::auth::v1 as pb;
use mainstay_runtime::process::{Common, Failure, Role};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

use super::auth_words;
use crate::cli::Reach;
use crate::local::{Target, target};
use crate::say::say;

/// What a line is.
const LINE: &str = "mainstay.auth.v1.ImportedAccount";

/// What one call takes: accounts, and bytes of them.
const MOST_ACCOUNTS: usize = 100;
const MOST_BYTES: usize = 48 * 1024;

/// Longest line that is read, in bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Makes the accounts of a file. Fails where one was not made, when all others are.
pub async fn import(common: &Common, reach: &Reach, config: &auth::Config, file: &Path) -> Result<(), Failure> {
    let lines = std::fs::File::open(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let mut reader = Lines { reader: BufReader::new(lines), number: 0 };
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name(LINE).ok_or("the platform's contract has no imported account")?;
    let mut maker = Maker::open(target(common, reach, Role::Auth)?, common, config).await?;
    let mut batch = Batch::default();
    let (mut made, mut failed) = (0, 0);
    loop {
        let line = reader.next()?;
        let is_last = line.is_none();
        match line.map(|line| read(&descriptor, &line)) {
            None => {}
            Some(Ok(account)) => batch.add(reader.number, account),
            Some(Err(problem)) => {
                failed += 1;
                say!("line {}: {problem}", reader.number);
            }
        }
        if batch.is_full() || (is_last && !batch.accounts.is_empty()) {
            let Batch { accounts, numbers, .. } = std::mem::take(&mut batch);
            let answer = maker.make(pb::ImportAccountsRequest { accounts }).await?;
            made += answer.imported_accounts;
            for failure in answer.failures {
                failed += 1;
                let number = usize::try_from(failure.index).ok().and_then(|index| numbers.get(index)).copied();
                say!("line {}: {} ({})", number.unwrap_or_default(), failure.message, failure.reason);
            }
        }
        if is_last {
            break;
        }
    }
    maker.close().await;
    say!("{made} accounts were made; their passwords are hashed anew at the first sign-in");
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} lines were not taken; what is wrong with each stands above").into())
    }
}

/// The lines of the file.
struct Lines<R> {
    reader: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    /// Gives the next line that is not empty; nothing at the end.
    fn next(&mut self) -> Result<Option<String>, Failure> {
        loop {
            let mut line = String::new();
            let read = std::io::Read::take(&mut self.reader, MAX_LINE_BYTES).read_line(&mut line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if u64::try_from(read)? == MAX_LINE_BYTES && !line.ends_with('\n') {
                return Err(format!("line {} is longer than {MAX_LINE_BYTES} bytes", self.number).into());
            }
            if !line.trim().is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

/// Reads an account as ProtoJSON has it.
fn read(descriptor: &MessageDescriptor, line: &str) -> Result<pb::ImportedAccount, Failure> {
    let mut json = serde_json::Deserializer::from_str(line.trim());
    let message = DynamicMessage::deserialize(descriptor.clone(), &mut json)?;
    json.end()?;
    Ok(pb::ImportedAccount::decode(message.encode_to_vec().as_slice())?)
}

/// Accounts that one call makes.
#[derive(Default)]
struct Batch {
    accounts: Vec<pb::ImportedAccount>,
    numbers: Vec<usize>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, number: usize, account: pb::ImportedAccount) {
        self.bytes += account.encoded_len();
        self.accounts.push(account);
        self.numbers.push(number);
    }

    fn is_full(&self) -> bool {
        // What comes next has room: a profile, claims and a hash.
        self.accounts.len() == MOST_ACCOUNTS || self.bytes > MOST_BYTES
    }
}

/// Whoever makes the accounts.
enum Maker {
    Server(crate::local::Server),
    Store(auth::Auth, mainstay_db::DataDir),
}

impl Maker {
    async fn open(target: Target, common: &Common, config: &auth::Config) -> Result<Maker, Failure> {
        Ok(match target {
            Target::Server(server) => Maker::Server(server),
            Target::Store(directory) => Maker::Store(auth::process::open(common, config).await?, directory),
        })
    }

    async fn make(&mut self, request: pb::ImportAccountsRequest) -> Result<pb::ImportAccountsResponse, Failure> {
        match self {
            Maker::Server(server) => Ok(server.call(&super::method("ImportAccounts"), &request).await?),
            Maker::Store(auth, _) => auth.import_accounts(request).await.map_err(auth_words),
        }
    }

    async fn close(self) {
        if let Maker::Store(auth, _directory) = self {
            auth.close().await;
        }
    }
}
