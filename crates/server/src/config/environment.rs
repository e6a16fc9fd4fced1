//! The environment: `ACKD_…`, and the variables of the original server, which keep their meaning.

use super::error::{ConfigError, Origin, Problem};
use super::key::{Key, VARIABLE_PREFIX};
use super::raw::{Given, Raw};
use super::value::Value;

/// Reads all variables into `raw`, which holds the file already.
pub(super) fn read(variables: &[(String, String)], raw: &mut Raw) -> Result<(), ConfigError> {
    // The more specific ACKD_STORE is laid over REDIS_URL, PORT over the listen address that is in force.
    if let Some(url) = original(variables, "REDIS_URL") {
        redis_url(url, raw)?;
    }
    for (name, text) in variables.iter().filter(|(name, _)| is_ours(name)) {
        let key = name[VARIABLE_PREFIX.len()..].replace("__", ".").to_lowercase();
        let given =
            Given { value: Value::read_named(&key, text), origin: Origin::Variable(name.clone()) };
        raw.set(&key, given, Key::variable)?;
    }
    if let Some(port) = original(variables, "PORT") {
        replace_port(port, raw)?;
    }
    Ok(())
}

/// A variable of the original server; an empty one counts as unset, as compose files write it.
fn original<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = variables.iter().find(|(variable, text)| variable == name && !text.is_empty());
    found.map(|(_, text)| text.as_str())
}

fn is_ours(name: &str) -> bool {
    name.starts_with(VARIABLE_PREFIX)
        && !OF_THE_COMMAND_LINE.contains(&name)
        && !name.starts_with(OF_A_MESSAGE)
        && !OF_ORCHESTRATORS.iter().any(|prefix| name.starts_with(prefix))
}

/// `host:port` or a URL: the store is Redis then. The password in it is never repeated.
fn redis_url(url: &str, raw: &mut Raw) -> Result<(), ConfigError> {
    let url = if url.contains("://") { url.to_owned() } else { format!("redis://{url}") };
    let origin = Origin::Variable("REDIS_URL".to_owned());
    raw.set(Key::Store.name(), Given { value: Value::Text(url), origin }, Key::variable)
}

fn replace_port(port: &str, raw: &mut Raw) -> Result<(), ConfigError> {
    let origin = Origin::Variable("PORT".to_owned());
    let Ok(number) = port.parse::<u16>() else {
        let problem = Problem::BadValue {
            key: Key::Listen.name(),
            found: format!("{port:?}"),
            expected: "a port, 0 to 65535".to_owned(),
        };
        return Err(ConfigError { origin, problem });
    };
    let Value::Text(address) = raw.get(Key::Listen).value else {
        return Ok(()); // no text: the check will say so
    };
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    let value = Value::Text(format!("{host}:{number}"));
    raw.set(Key::Listen.name(), Given { value, origin }, Key::variable)
}

/// Read by the binary's subcommands.
const OF_THE_COMMAND_LINE: &[&str] =
    &["ACKD_ADMIN_TOKEN", "ACKD_CA", "ACKD_CONFIG", "ACKD_IDENTITY", "ACKD_TOKEN", "ACKD_URL"];

/// What `ackd listen --exec` tells the command that it runs, which may be a server.
const OF_A_MESSAGE: &str = "ACKD_MESSAGE_";

/// What Kubernetes and linked containers set for a service that is named `ackd`.
const OF_ORCHESTRATORS: &[&str] = &["ACKD_PORT", "ACKD_SERVICE_", "ACKD_ENV_", "ACKD_NAME"];
