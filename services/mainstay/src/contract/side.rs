//! Where a contract that is compared comes from: a folder, a revision of git, or what is served.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mainstay_contract::{Contract, Diagnostics, MAX_FILES, Source, is_migration};
use mainstay_data::start;
use mainstay_proto::data::v1 as pb;
use mainstay_runtime::process::{Failure, Role};

use super::plan::{System, check_directory, has_store, load, method};
use crate::local::{Target, target};

/// The word for what is served, or was applied last where nobody serves.
const SERVED: &str = "served";

/// One of the two that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    Folder(PathBuf),
    /// The folder as it was at a revision.
    Git {
        revision: String,
        folder: GitFolder,
    },
    /// By the running server, at this address where one is given.
    Served(Option<String>),
}

/// Which folder of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitFolder {
    /// `REVISION:PATH`, as git reads it.
    Path(String),
    /// The other side's.
    Other(PathBuf),
}

impl Side {
    /// Reads an argument. `other` is the folder that a revision without a path is of.
    pub fn parse(text: &str, other: Option<&Path>) -> Result<Side, Failure> {
        if text == SERVED {
            return Ok(Side::Served(None));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Side::Served(Some(text.to_owned())));
        }
        if Path::new(text).is_dir() {
            return Ok(Side::Folder(PathBuf::from(text)));
        }
        let folder = match (text.split_once(':'), other) {
            (Some((revision, path)), _) if !revision.is_empty() => {
                return Ok(Side::Git { revision: revision.to_owned(), folder: GitFolder::Path(path.to_owned()) });
            }
            (_, Some(other)) => GitFolder::Other(other.to_owned()),
            _ => {
                return Err(format!(
                    "`{text}` is no folder, and a revision of git needs a folder on the other side, or `{text}:PATH`"
                )
                .into());
            }
        };
        Ok(Side::Git { revision: text.to_owned(), folder })
    }

    /// Compiles the contract of this side. What was applied or committed once may be what is refused today.
    pub async fn contract(self, system: &System) -> Result<Contract, Failure> {
        match self {
            Side::Folder(folder) => load(&folder),
            Side::Git { revision, folder } => compiled(
                &format!("the contract of {revision}"),
                mainstay_contract::compile_applied(at(&revision, &folder)?),
            ),
            Side::Served(address) => {
                let sources = served(system, address).await?;
                let nothing = || Ok(Contract::empty());
                sources.map_or_else(nothing, |sources| {
                    compiled("the contract that is served", mainstay_contract::compile_applied(sources))
                })
            }
        }
    }
}

fn compiled(what: &str, contract: Result<Contract, Diagnostics>) -> Result<Contract, Failure> {
    contract.map_err(|diagnostics| format!("{what} does not compile:\n{diagnostics}").into())
}

/// The sources of what is served, or was applied last; nothing where nothing ever was.
async fn served(system: &System, address: Option<String>) -> Result<Option<Vec<Source>>, Failure> {
    check_directory(system)?;
    let mut reach = system.reach.clone();
    let wants_server = address.is_some();
    reach.server = address.or(reach.server);
    match target(&system.common, &reach, Role::Data)? {
        Target::Server(server) => {
            let answer: pb::Contract = server.call(&method("GetContract"), &pb::GetContractRequest {}).await?;
            let sources = answer.sources.into_iter().map(|file| Source { path: file.path, text: file.text });
            let sources: Vec<Source> = sources.collect();
            Ok((!sources.is_empty()).then_some(sources))
        }
        Target::Store(_) if wants_server => Err(format!(
            "no server runs on {}: a server is reached by the data directory that it runs on (--data-dir)",
            system.common.data_dir.display()
        )
        .into()),
        Target::Store(_) if !has_store(system) => Ok(None),
        Target::Store(_directory) => {
            let db = start::open(&system.data, &mainstay_data::process::options(&system.common)).await?;
            let newest = start::newest(&db).await;
            db.close().await;
            Ok(newest?.map(|applied| applied.sources))
        }
    }
}

/// The `.proto` files of a folder at a revision, under their paths in it.
fn at(revision: &str, folder: &GitFolder) -> Result<Vec<Source>, Failure> {
    let (place, tree) = match folder {
        GitFolder::Path(path) => (PathBuf::from("."), format!("{revision}:{path}")),
        GitFolder::Other(folder) => {
            let prefix = git(folder, &["rev-parse", "--show-prefix"], "")?;
            let prefix = String::from_utf8_lossy(&prefix).trim_end().trim_end_matches('/').to_owned();
            (folder.clone(), format!("{revision}:{prefix}"))
        }
    };
    let listed = git(&place, &["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", &tree], "")?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let files: Vec<(&str, &str)> = listed.split('\0').filter_map(proto_file).collect();
    if files.is_empty() {
        return Err(format!("{tree} holds no .proto file").into());
    }
    if files.len() > MAX_FILES {
        return Err(format!("{tree} holds more than {MAX_FILES} .proto files").into());
    }
    let wanted: String = files.iter().map(|(id, _)| format!("{id}\n")).collect();
    let texts = texts(&git(&place, &["cat-file", "--batch"], &wanted)?);
    let source = |(id, path): &(&str, &str)| {
        let text = texts.get(*id).ok_or_else(|| format!("git does not give {path} of {tree}"))?;
        let text = String::from_utf8(text.clone()).map_err(|_| format!("{path} of {tree} is not UTF-8"))?;
        Ok(Source { path: (*path).to_owned(), text })
    };
    files.iter().map(source).collect::<Result<_, String>>().map_err(Failure::from)
}

/// A line of `git ls-tree`, where it is a file of a contract: its object and its path. Hidden ones are none, as in a folder.
fn proto_file(line: &str) -> Option<(&str, &str)> {
    let (head, path) = line.split_once('\t')?;
    let mut words = head.split(' ');
    let (mode, id) = (words.next()?, words.nth(1)?);
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    let wanted = path.ends_with(".proto") || is_migration(path);
    (mode.starts_with("100") && wanted && !hidden).then_some((id, path))
}

/// What `git cat-file --batch` wrote: `ID blob SIZE`, the bytes, a line's end.
fn texts(mut rest: &[u8]) -> HashMap<String, Vec<u8>> {
    let mut found = HashMap::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let mut words = head.split(' ');
        let size = words.clone().nth(2).and_then(|size| size.parse::<usize>().ok());
        let (Some(id), Some(text)) = (words.next(), size.and_then(|size| rest.get(end + 1..end + 1 + size))) else {
            return found;
        };
        found.insert(id.to_owned(), text.to_vec());
        rest = rest.get(end + text.len() + 2..).unwrap_or_default();
    }
    found
}

fn git(folder: &Path, arguments: &[&str], input: &str) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("git cannot be run: {error}"))?;
    // No more than a pipe holds, so that it is written before git writes what nobody reads yet.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("git {}: {said}", arguments.join(" ")).into());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_a_folder_a_revision_or_what_is_served() {
        let git = |revision: &str, folder| Side::Git { revision: revision.to_owned(), folder };
        let other = || GitFolder::Other(PathBuf::from("src"));
        for (text, wanted) in [
            ("served", Side::Served(None)),
            ("https://example.org", Side::Served(Some("https://example.org".to_owned()))),
            ("src", Side::Folder(PathBuf::from("src"))),
            ("HEAD~1", git("HEAD~1", other())),
            ("v1.2:proto/shop", git("v1.2", GitFolder::Path("proto/shop".to_owned()))),
        ] {
            assert_eq!(Side::parse(text, Some(Path::new("src"))).ok(), Some(wanted), "{text}");
        }
        assert!(Side::parse("HEAD~1", None).is_err_and(|error| error.to_string().contains("HEAD~1:PATH")));
    }

    #[test]
    fn what_git_writes_is_read_to_its_end_or_not_at_all() {
        let found = texts(b"a1 blob 3\nx\ny\nb2 blob 0\n\nc3 blob 9\nshort\n");
        assert_eq!((found.len(), &found["a1"][..], &found["b2"][..]), (2, &b"x\ny"[..], &b""[..]));
        assert_eq!(proto_file("100644 blob a1\tshop/v1/x.proto"), Some(("a1", "shop/v1/x.proto")));
        for line in ["120000 blob a1\tx.proto", "100644 blob a1\tREADME.md", "100644 blob a1\t.git/x.proto", ""] {
            assert_eq!(proto_file(line), None, "{line}");
        }
    }
}
