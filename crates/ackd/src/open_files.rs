//! The limit of open files: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, and warns if that is too little for so many connections.
pub(crate) fn raise(connections: usize) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let open_files = getrlimit(Resource::Nofile).current;
    let needed = connections as u64 + OTHERS;
    match open_files {
        Some(open_files) if open_files < needed => tracing::warn!(
            open_files,
            needed,
            "fewer files may be open than limits.connections = {connections} may need: raise the limit (ulimit -n, \
             LimitNOFILE=), or lower that key"
        ),
        _ => tracing::debug!(open_files, "the limit of open files"),
    }
}

/// Files beside the connections: the journal's segments, the store, the runtime.
const OTHERS: u64 = 100;
