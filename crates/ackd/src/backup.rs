//! `ackd backup`: a copy of a store, from a running server or from the directory itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ackd_client::{Operator, OperatorAnswer, OperatorError};
use ackd_server::LockError;
use ackd_server::config::Secret;
use ackd_server::offline::{self, BackupSummary, OfflineError};
use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::config::ConfigArgs;
use crate::connection::runtime;
use crate::failure::Usage;

/// Where the backup comes from, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Directory for the backup: a new or an empty one
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The running server to ask; without it the data directory is opened, which no server may use then
    #[arg(long, value_name = "URL", env = "ACKD_URL")]
    url: Option<String>,
    /// The server's admin.token [default: that of the configuration]
    #[arg(long, value_name = "TOKEN", env = "ACKD_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// Trusts the certificates in this PEM file (of authorities, or the server's own), in place of the system's
    #[arg(long, value_name = "FILE", env = "ACKD_CA")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// The backup in its directory. It has this name only when all of it is synced and was read back.
pub(crate) const FILE: &str = "backup.ackd";
/// Before that, this one.
const UNFINISHED: &str = "backup.ackd.unfinished";

pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let unfinished = prepare(&args.dir)?;
    let mut into = BufWriter::new(create(&unfinished)?);
    if let Some(url) = &args.url {
        let token = config.admin.token.as_ref().map(Secret::reveal);
        let token = args.admin_token.as_deref().or(token);
        runtime()?.block_on(args.ask(url, token, &mut into))?;
    } else {
        offline::backup(&config, &mut into).map_err(explain)?;
    }
    let summary = finish(into, &args.dir, &unfinished)?;
    let BackupSummary { segments, entries, bytes } = summary;
    println!("{} is complete", args.dir.join(FILE).display());
    println!("{bytes} bytes: {segments} segments of the journal, {entries} entries of the archive");
    Ok(())
}

/// Makes the directory, or sees that nothing in it is lost.
fn prepare(dir: &Path) -> anyhow::Result<PathBuf> {
    let cannot = || format!("cannot use {}", dir.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).with_context(cannot)?;
    for entry in fs::read_dir(dir).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name();
        if name != UNFINISHED {
            let (dir, name) = (dir.display(), name.display());
            return Err(
                Usage(format!("{dir} is not empty ({name} is there); name a new one")).into()
            );
        }
    }
    Ok(dir.join(UNFINISHED))
}

/// For nobody else to read: it has everybody's messages.
fn create(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.with_context(|| format!("cannot write {}", path.display()))
}

impl BackupArgs {
    async fn ask(
        &self,
        url: &str,
        token: Option<&str>,
        into: &mut impl Write,
    ) -> anyhow::Result<()> {
        let authorities = self.ca.as_ref().map(|path| {
            fs::read(path)
                .map_err(|error| Usage(format!("cannot read --ca {}: {error}", path.display())))
        });
        let authorities = authorities.transpose()?;
        let unreachable = |error| match error {
            OperatorError::Address(error) => Usage(format!("--url {url}: {error}")).into(),
            OperatorError::Token => Usage(format!("--admin-token: {error}")).into(),
            OperatorError::Tls(error) => Usage(format!("{error} (--ca)")).into(),
            OperatorError::Unreachable(error) => {
                anyhow!("{error}; is --url right, and does the server run?")
            }
        };
        let operator = Operator::new(url, authorities.as_deref(), token).map_err(unreachable)?;
        let mut answer = operator.get("/v1/backup").await.map_err(unreachable)?;
        if answer.status != 200 {
            return Err(refused(url, &mut answer).await);
        }
        while let Some(bytes) = answer.next().await.context("the server broke off; see its log")? {
            into.write_all(&bytes).context("cannot write the backup")?;
        }
        Ok(())
    }
}

async fn refused(url: &str, answer: &mut OperatorAnswer) -> anyhow::Error {
    match answer.status {
        401 => anyhow!("{url} wants its admin token; show it with --admin-token"),
        403 => anyhow!(
            "{url} lets only its own machine ask, since admin.token is not set there; set it, or run this there"
        ),
        404 => anyhow!("{url} makes no backups: it is another server, or an older ackd"),
        status => {
            let said = answer.next().await.ok().flatten().unwrap_or_default();
            anyhow!("{url} makes no backup now: HTTP {status} {}", String::from_utf8_lossy(&said))
        }
    }
}

/// Everything durable, read back, and only then under its name.
fn finish(into: BufWriter<File>, dir: &Path, unfinished: &Path) -> anyhow::Result<BackupSummary> {
    let cannot = || format!("cannot write {}", unfinished.display());
    let file = into.into_inner().map_err(io::IntoInnerError::into_error).with_context(cannot)?;
    file.sync_all().with_context(cannot)?;
    let written = File::open(unfinished).with_context(cannot)?;
    let summary = offline::verify(&mut io::BufReader::new(written))?;
    fs::rename(unfinished, dir.join(FILE)).with_context(cannot)?;
    File::open(dir).and_then(|dir| dir.sync_all()).with_context(cannot)?;
    if let Some(parent) = dir.parent() {
        let here = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        // It may be another's, which we may not open.
        let _durable = File::open(here).and_then(|parent| parent.sync_all());
    }
    Ok(summary)
}

fn explain(error: OfflineError) -> anyhow::Error {
    match error {
        OfflineError::Lock(error @ LockError::Held { .. }) => {
            anyhow!("{error}; name that server with --url, and it makes the backup while it runs")
        }
        error => error.into(),
    }
}
