//! A PostgreSQL server for tests.
//!
//! `MAINSTAY_TEST_POSTGRES_URL` names one whose role may create databases. Without it a throw-away cluster is started
//! from the binaries of this machine and shared by all test processes of a run: it lives in memory where there is much of
//! that, else in the folder for temporary files, listens on the loopback interface only, and a small watcher ends it when
//! no test process has used it for a while. Tests never skip PostgreSQL: where no server can be had, they fail and say
//! what to install.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const URL_VARIABLE: &str = "MAINSTAY_TEST_POSTGRES_URL";

/// The folder that is memory on Linux.
const MEMORY: &str = "/dev/shm";

/// How many bytes have to be free there for the shared cluster: many times what it ever took.
const ROOM: u64 = 4 << 30;

/// A cluster for tests may lose everything at any time.
pub(crate) const SETTINGS: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 \
     -c shared_buffers=64MB -c autovacuum=off -c max_wal_size=256MB -c unix_socket_directories=";

/// Watches the users of a cluster (one file named after each process id) and ends it 15 seconds after the last one.
/// It moves the folder away first, so that nobody new joins, and stays if somebody did meanwhile.
const WATCHER: &str = r#"
dir=$1; idle=0
users() { for f in "$dir"/users/*; do [ -e "$f" ] && kill -0 "${f##*/}" 2>/dev/null && return 0; done; return 1; }
while [ -e "$dir/data/postmaster.pid" ]; do
  sleep 1
  if users; then idle=0; else idle=$((idle + 1)); fi
  if [ $idle -ge 15 ]; then
    case "$dir" in *.ending.*) ;; *) mv "$dir" "$1.ending.$$" && dir="$1.ending.$$" ;; esac
    if users; then idle=0; else
      kill -QUIT "$(head -n 1 "$dir/data/postmaster.pid")"
      while kill -0 "$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null)" 2>/dev/null; do sleep 1; done
      break
    fi
  fi
done
rm -rf "$dir"
"#;

/// The server's URL, without a database's name in it: `postgres://user@host:port/postgres`.
pub fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| match std::env::var(URL_VARIABLE) {
        Ok(url) if !url.is_empty() => url,
        _ => shared_cluster().unwrap_or_else(|problem| panic!("no PostgreSQL for the tests: {problem}")),
    })
}

/// The URL of another database of the same server.
pub fn database_url(name: &str) -> String {
    let url = server_url();
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let server = match base.char_indices().filter(|(_, c)| *c == '/').nth(2) {
        Some((slash, _)) => &base[..slash],
        None => base,
    };
    format!("{server}/{name}{query}")
}

/// Joins the run's cluster, or starts it.
fn shared_cluster() -> Result<String, String> {
    let uid = output(Command::new("id").arg("-u"))?;
    let root = is_root()?;
    let folder = shared_folder(root).join(format!("mainstay-test-postgres-{}", uid.trim()));
    let lock_path = folder.with_extension("lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
    let lock: File = lock.map_err(|error| format!("{}: {error}", lock_path.display()))?;
    lock.lock().map_err(|error| format!("{}: {error}", lock_path.display()))?;
    if let Some(url) = join(&folder) {
        return Ok(url);
    }
    // What is here answers no more: the rest of a run that was killed.
    let _ = fs::remove_dir_all(&folder);
    let binaries = binaries()?;
    let url = start(&folder, &binaries, root, SETTINGS)?;
    watch(&folder)?;
    Ok(url)
}

pub(crate) fn is_root() -> Result<bool, String> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// A test makes a database of some hundred files and drops it: in memory that takes half as long.
fn shared_folder(root: bool) -> PathBuf {
    let free = rustix::fs::statvfs(MEMORY).map_or(0, |of| of.f_bavail.saturating_mul(of.f_frsize));
    let is_ours = || tempfile::tempdir_in(MEMORY).is_ok();
    if free >= ROOM && is_ours() { PathBuf::from(MEMORY) } else { temporary_folder(root) }
}

/// Where root makes temporary files, the server's own user may not be able to go.
pub(crate) fn temporary_folder(root: bool) -> PathBuf {
    let folder = std::env::temp_dir();
    let open_to_all = fs::metadata(&folder).is_ok_and(|folder| folder.permissions().mode() & 0o001 != 0);
    if root && !open_to_all { PathBuf::from("/tmp") } else { folder }
}

/// Registers as a user first and looks whether the server lives afterwards: the watcher looks in the other order.
fn join(folder: &Path) -> Option<String> {
    register(folder).ok()?;
    let url = fs::read_to_string(folder.join("url")).ok()?;
    let address = url.split('@').nth(1)?.split('/').next()?.to_owned();
    std::net::TcpStream::connect(address).ok()?;
    Some(url)
}

fn register(folder: &Path) -> std::io::Result<()> {
    File::create(folder.join("users").join(std::process::id().to_string())).map(drop)
}

pub(crate) fn start(folder: &Path, binaries: &Path, root: bool, settings: &str) -> Result<String, String> {
    let problem = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder.join("users")).map_err(problem)?;
    let user = if root { Some(unprivileged_user()?) } else { None };
    if let Some(user) = &user {
        chown(folder, Some(user.uid), Some(user.gid)).map_err(problem)?;
    }
    let data = folder.join("data");
    let mut initdb = as_user(&binaries.join("initdb"), user.as_ref());
    initdb.arg("-D").arg(&data).args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    output(initdb.current_dir(folder))?;
    let mut last = String::new();
    for _ in 0..5 {
        let port = free_port().map_err(problem)?;
        let mut start = as_user(&binaries.join("pg_ctl"), user.as_ref());
        start.arg("-D").arg(&data).arg("-l").arg(folder.join("log")).args(["-w", "-t", "60", "-o"]);
        start.arg(format!("-h 127.0.0.1 -p {port} {settings}")).arg("start").current_dir(folder);
        // The server inherits what pg_ctl has: a pipe would keep its reader waiting for ever.
        let status = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if status.map_err(problem)?.success() {
            let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
            fs::write(folder.join("url"), &url).map_err(problem)?;
            register(folder).map_err(problem)?;
            return Ok(url);
        }
        last = fs::read_to_string(folder.join("log")).unwrap_or_default();
    }
    Err(format!("PostgreSQL does not start:\n{last}"))
}

fn watch(folder: &Path) -> Result<(), String> {
    let mut watcher = Command::new("sh");
    watcher.args(["-c", WATCHER, "watcher"]).arg(folder).process_group(0).current_dir("/");
    watcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    watcher.spawn().map(drop).map_err(|error| format!("sh: {error}"))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

pub(crate) struct User {
    name: &'static str,
    uid: u32,
    gid: u32,
}

/// PostgreSQL refuses to run as root.
pub(crate) fn unprivileged_user() -> Result<User, String> {
    for name in ["postgres", "nobody"] {
        let id = |flag| output(Command::new("id").args([flag, name])).ok()?.trim().parse().ok();
        if let (Some(uid), Some(gid)) = (id("-u"), id("-g")) {
            return Ok(User { name, uid, gid });
        }
    }
    Err("tests run as root, and there is neither a user `postgres` nor `nobody` to run PostgreSQL as".to_owned())
}

pub(crate) fn as_user(program: &Path, user: Option<&User>) -> Command {
    let Some(user) = user else { return Command::new(program) };
    if on_path("setpriv").is_some() {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid)]).arg("--clear-groups");
        command.arg(program);
        return command;
    }
    let mut command = Command::new("runuser");
    command.args(["-u", user.name, "--"]).arg(program);
    command
}

/// The folder with `initdb` and `pg_ctl`; installs the package where this machine lets us.
pub(crate) fn binaries() -> Result<PathBuf, String> {
    if let Some(found) = find_binaries() {
        return Ok(found);
    }
    if on_path("apt-get").is_some() {
        let _ = output(Command::new("apt-get").arg("update"));
        let install = output(Command::new("apt-get").args(["install", "-y", "--no-install-recommends", "postgresql"]));
        if let (Ok(_), Some(found)) = (install, find_binaries()) {
            return Ok(found);
        }
    }
    Err(format!(
        "found neither `initdb` on the PATH nor /usr/lib/postgresql. Install PostgreSQL (Debian, Ubuntu: \
         `apt-get install postgresql`; Fedora: `dnf install postgresql-server`; macOS: `brew install postgresql`), or set \
         {URL_VARIABLE} to the URL of a server on which tests may create databases"
    ))
}

fn find_binaries() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    let linked = on_path("initdb").and_then(|initdb| Some(fs::canonicalize(initdb).ok()?.parent()?.to_owned()));
    let mut packaged: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    packaged.sort();
    let configured = output(Command::new("pg_config").arg("--bindir")).ok().map(|text| PathBuf::from(text.trim()));
    linked.into_iter().chain(packaged.into_iter().rev()).chain(configured).find(complete)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)))
}
