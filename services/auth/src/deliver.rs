//! The job that sends what waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use mainstay_db::{Atomic, Lane};
use mainstay_runtime::{Failure, Jobs, Work};
use mainstay_telemetry::Metrics;
use tokio::time::timeout;

use crate::core::Core;
use crate::domain::session::micros;
use crate::error::Error;
use crate::mail::{Letter, MAILBOX_LASTS, Mail, MailMeter, NotTaken, Outcome, UnwrittenError, Way};
use crate::store::mails::{self, MailRow};

/// How often it is looked whether a mail is due that another replica has queued, or whose next try has come.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many mails are on their way at a time, each over a connection of its own: as many as every provider lets one sender
/// have.
const AT_ONCE: usize = 4;

/// How many are read from the store at a time.
const BATCH: i64 = 32;

/// The pause of a mail that could not be sent because nothing could. When the server is back, nobody waits for longer.
const OUTAGE: Duration = Duration::from_secs(15);

/// The pauses of the job after rounds in which the server took nothing: the first, and the longest.
pub(crate) const RETRY: (Duration, Duration) = (Duration::from_secs(1), OUTAGE);

/// The pauses of what is tried again after attempts that failed; the last one stays.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(60 * 60),
];

/// Sends mails as they come.
pub(crate) struct Deliver {
    core: Arc<Core>,
    meter: MailMeter,
}

impl Deliver {
    pub(crate) fn new(core: &Arc<Core>, jobs: &Jobs) -> Deliver {
        Deliver { core: Arc::clone(core), meter: MailMeter::new(jobs.metrics()) }
    }
}

impl Work for Deliver {
    /// Nothing is written as long as nothing is due, the lease neither.
    async fn due(&mut self) {
        let Some(mail) = &self.core.mail else { return std::future::pending().await };
        // What fails here fails again in the round, where it is told.
        while let Ok(false) = is_due(&self.core).await {
            let _ = timeout(INTERVAL, mail.queued()).await;
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let Some(mail) = &self.core.mail else { return Ok(()) };
        round(&self.core, mail, &self.meter).await
    }
}

/// Sends what is due, once.
pub(crate) async fn deliver(core: &Core, metrics: &Metrics) -> Result<(), Failure> {
    let Some(mail) = &core.mail else { return Ok(()) };
    round(core, mail, &MailMeter::new(metrics)).await
}

async fn is_due(core: &Core) -> Result<bool, mainstay_db::Error> {
    let now = core.clock.now_micros();
    let due = core.database.read(Lane::Inline, move |conn| Box::pin(async move { mails::due(conn, now, 1).await }));
    Ok(!due.await?.is_empty())
}

async fn round(core: &Core, mail: &Mail, meter: &MailMeter) -> Result<(), Failure> {
    loop {
        let now = core.clock.now_micros();
        let due = core.database.read(Lane::Heavy, move |conn| {
            Box::pin(async move {
                Ok::<_, mainstay_db::Error>((mails::due(conn, now, BATCH).await?, mails::waiting(conn).await?))
            })
        });
        let (due, waiting) = due.await?;
        meter.waiting(u64::try_from(waiting).unwrap_or_default());
        if due.is_empty() {
            return Ok(());
        }
        let nothing_goes = AtomicBool::new(false);
        let one = |row| one_of_many(core, mail, meter, row, &nothing_goes);
        // Those that are on their way come to their end: each says by itself when it is tried again.
        let sent: Vec<_> = stream::iter(due.into_iter().map(one)).buffer_unordered(AT_ONCE).collect().await;
        sent.into_iter().collect::<Result<(), Failure>>()?;
    }
}

/// Sends one mail, unless another one has found that nothing can be sent.
async fn one_of_many(
    core: &Core,
    mail: &Mail,
    meter: &MailMeter,
    row: MailRow,
    nothing_goes: &AtomicBool,
) -> Result<(), Failure> {
    if nothing_goes.load(Ordering::Relaxed) {
        return Ok(());
    }
    let sent = one(core, mail, meter, row).await;
    if sent.is_err() {
        nothing_goes.store(true, Ordering::Relaxed);
    }
    sent
}

/// Sends one mail, or notes when it is tried again. Fails where nothing can be sent.
async fn one(core: &Core, mail: &Mail, meter: &MailMeter, row: MailRow) -> Result<(), Failure> {
    let Ok(letter) = Letter::open(&core.key_encryption_key, &row.uid, &row.sealed_content) else {
        tracing::error!(mail = row.uid, "a mail cannot be read as it is stored; it is given up");
        return Ok(remove(core, &row).await?);
    };
    if core.clock.now_micros() >= row.expire_time {
        tracing::warn!(mail = row.uid, kind = letter.kind.word(), "a mail could not be sent while it was of use");
        meter.count(letter.kind, Outcome::Expired);
        return Ok(remove(core, &row).await?);
    }
    if letter.to.is_none() {
        return Ok(remove(core, &row).await?);
    }
    if mail.has_mailbox() {
        meter.count(letter.kind, Outcome::Sent);
        return Ok(into_mailbox(core, &row).await?);
    }
    // Noted before it is tried: a mail that ends the process is not the first one again after each start.
    if !defer(core, &row, (row.attempts, row.attempts + 1), pause(row.attempts)).await? {
        return Ok(());
    }
    let sent = match send(core, mail, &row, &letter).await {
        Ok(sent) => sent,
        Err(unwritten) => return Ok(give_up(core, meter, &row, &letter, &unwritten).await?),
    };
    match sent {
        Ok(()) => {
            meter.count(letter.kind, Outcome::Sent);
            Ok(remove(core, &row).await?)
        }
        Err(never) if never.is_final() => Ok(give_up(core, meter, &row, &letter, &never).await?),
        Err(nothing) if nothing.is_of_all() => {
            meter.count(letter.kind, Outcome::Deferred);
            // That says nothing of this mail: it is no attempt.
            defer(core, &row, (row.attempts + 1, row.attempts), OUTAGE).await?;
            Err(nothing.into())
        }
        Err(later) => {
            tracing::debug!(mail = row.uid, kind = letter.kind.word(), attempts = row.attempts + 1, %later, "a mail waits");
            meter.count(letter.kind, Outcome::Deferred);
            Ok(())
        }
    }
}

/// Hands a mail to whoever sends it. Fails outright where it cannot be written.
async fn send(
    core: &Core,
    mail: &Mail,
    row: &MailRow,
    letter: &Letter,
) -> Result<Result<(), NotTaken>, UnwrittenError> {
    match mail.way() {
        Way::Smtp(smtp) => Ok(smtp.send(mail.message(&row.uid, letter)?).await),
        Way::Hook => {
            let request = mail.handed_over(&row.uid, letter, row.expire_time)?;
            Ok(core.hooks.send_mail(request).await.map_err(|error| NotTaken::by_hook(error.code())))
        }
        Way::Mailbox => Ok(Ok(())),
    }
}

async fn give_up(
    core: &Core,
    meter: &MailMeter,
    row: &MailRow,
    letter: &Letter,
    why: &(dyn std::error::Error + Send + Sync),
) -> Result<(), Error> {
    tracing::warn!(mail = row.uid, kind = letter.kind.word(), %why, "a mail is given up");
    meter.count(letter.kind, Outcome::Refused);
    remove(core, row).await
}

/// The pause after this many attempts and one more.
pub(crate) fn pause(attempts: i64) -> Duration {
    let last = PAUSES.len() - 1;
    PAUSES[usize::try_from(attempts).unwrap_or(last).min(last)]
}

/// Notes how many attempts there were, and when the next one is. False where it was not so many before: another replica has the
/// mail.
async fn defer(core: &Core, row: &MailRow, attempts: (i64, i64), pause: Duration) -> Result<bool, Error> {
    let next = core.clock.now_micros().saturating_add(micros(pause));
    let uid = row.uid.clone();
    let deferred = core.database.write(Atomic::Statement, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(mails::defer(conn, &uid, attempts, next).await?) })
    });
    deferred.await
}

async fn into_mailbox(core: &Core, row: &MailRow) -> Result<(), Error> {
    let (uid, now) = (row.uid.clone(), core.clock.now_micros());
    let expires = now.saturating_add(micros(MAILBOX_LASTS));
    let moved = core.database.write(Atomic::Statement, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(mails::deliver(conn, &uid, now, expires).await?) })
    });
    moved.await
}

async fn remove(core: &Core, row: &MailRow) -> Result<(), Error> {
    let uid = row.uid.clone();
    let removed = core.database.write(Atomic::Statement, move |conn| {
        let uid = uid.clone();
        Box::pin(async move { Ok::<_, Error>(mails::remove(conn, &uid).await?) })
    });
    removed.await
}
