//! What the steps need beside cargo itself: looked for first, installed if it is missing, and said so.

use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

/// A program, how to see that it is there, and how to get it.
struct Need {
    /// Succeeds if the program is there.
    probe: &'static [&'static str],
    install: &'static [&'static str],
    /// Whether installing needs root (`apt-get`): then by `sudo`, unless the task runs as root.
    as_root: bool,
}

/// Installs whatever is missing.
pub(crate) fn install() -> Result<()> {
    for need in NEEDS.iter().filter(|need| !is_there(need)) {
        let command = command(need, is_root());
        println!("`{}` is missing; installing: {}", need.probe.join(" "), command.join(" "));
        let mut status = run(&command)?;
        if !status.success() && need.as_root {
            // On a fresh machine the lists of packages may be old, or not be there.
            run(&as_root(&["apt-get", "update"], is_root()))?;
            status = run(&command)?;
        }
        ensure!(status.success(), "`{}` ended with {status}", command.join(" "));
    }
    Ok(())
}

fn is_there(need: &Need) -> bool {
    let mut probe = Command::new(need.probe[0]);
    let status = probe.args(&need.probe[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn run(command: &[&str]) -> Result<ExitStatus> {
    let status = Command::new(command[0]).args(&command[1..]).status();
    status.with_context(|| format!("cannot run {}", command[0]))
}

fn command(need: &Need, is_root: bool) -> Vec<&'static str> {
    if need.as_root { as_root(need.install, is_root) } else { need.install.to_vec() }
}

fn as_root(command: &[&'static str], is_root: bool) -> Vec<&'static str> {
    let sudo = (!is_root).then_some("sudo");
    sudo.into_iter().chain(command.iter().copied()).collect()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

const NEEDS: &[Need] = &[
    Need {
        probe: &["cargo", "fmt", "--version"],
        install: &["rustup", "component", "add", "rustfmt"],
        as_root: false,
    },
    Need {
        probe: &["cargo", "clippy", "--version"],
        install: &["rustup", "component", "add", "clippy"],
        as_root: false,
    },
    // For the example clients.
    Need {
        probe: &["python3", "--version"],
        install: &["apt-get", "install", "--yes", "python3"],
        as_root: true,
    },
    Need {
        probe: &[
            "node",
            "--experimental-websocket",
            "--eval",
            "new WebSocket('ws://[::1]:0').close()",
        ],
        install: &["apt-get", "install", "--yes", "nodejs"],
        as_root: true,
    },
    // For the tests of the page.
    Need {
        probe: &["/usr/bin/chromium", "--version"],
        install: &["apt-get", "install", "--yes", "chromium"],
        as_root: true,
    },
    // For the client in TypeScript.
    Need {
        probe: &["npm", "--version"],
        install: &["apt-get", "install", "--yes", "npm"],
        as_root: true,
    },
    // For the engine that keeps everything in it: the tests start servers of their own. The package would start one too,
    // on the usual port, were it not told that services are left alone.
    Need {
        probe: &["redis-server", "--version"],
        install: &[
            "env",
            "RUNLEVEL=1",
            "apt-get",
            "install",
            "--yes",
            "--no-install-recommends",
            "redis-server",
        ],
        as_root: true,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_noticed() {
        let need = |probe| Need { probe, install: &[], as_root: false };
        assert!(is_there(&need(&["cargo", "--version"])));
        assert!(!is_there(&need(&["cargo", "no-such-command"])));
        assert!(!is_there(&need(&["no-such-program"])));
    }

    #[test]
    fn sudo_is_used_only_where_it_is_needed() {
        let need = Need { probe: &[], install: &["apt-get", "install"], as_root: true };
        assert_eq!(command(&need, false), ["sudo", "apt-get", "install"]);
        assert_eq!(command(&need, true), ["apt-get", "install"]);
    }
}
