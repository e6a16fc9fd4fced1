//! Where a server is: `http://host:port` or `ws://host:port`, as a person writes it.

use crate::error::AddressError;

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
    path: String,
}

impl Address {
    /// Reads a URL. Without a scheme `http` is meant; without a path `/v1/ws`.
    pub(crate) fn parse(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => {}
            "https" | "wss" => return Err(AddressError::Tls),
            _ => return Err(AddressError::Scheme(scheme.to_owned())),
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority).ok_or(AddressError::Authority)?;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\"<>\\".contains(&byte);
        if host.is_empty() || !host.bytes().chain(path.bytes()).all(is_plain) {
            return Err(AddressError::Authority);
        }
        let path = if path.is_empty() || path == "/" { DEFAULT_PATH } else { path };
        Ok(Self { host: host.to_owned(), port, path: path.to_owned() })
    }

    /// What a TCP connection is made to; an IPv6 address without its brackets.
    pub(crate) fn endpoint(&self) -> (&str, u16) {
        (self.host.trim_start_matches('[').trim_end_matches(']'), self.port)
    }

    /// The `Host` header.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

fn split_port(authority: &str) -> Option<(&str, u16)> {
    let host_end = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[host_end..].rfind(':') {
        None => Some((authority, DEFAULT_PORT)),
        Some(colon) => {
            let (host, port) = authority.split_at(host_end + colon);
            let unbracketed = host_end == 0 && host.contains(':');
            port[1..].parse().ok().filter(|_| !unbracketed).map(|port| (host, port))
        }
    }
}

const DEFAULT_PATH: &str = "/v1/ws";
const DEFAULT_PORT: u16 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let check = |url: &str, host: &str, port: u16, path: &str| {
            let address = Address::parse(url).expect(url);
            assert_eq!((address.endpoint(), address.path()), ((host, port), path), "{url}");
        };
        check("http://localhost:5000", "localhost", 5000, "/v1/ws");
        check("localhost:5000/", "localhost", 5000, "/v1/ws");
        check("WS://example.org", "example.org", 80, "/v1/ws");
        check("ws://h:1/chat/v1/ws", "h", 1, "/chat/v1/ws");
        check("http://[::1]:5000", "::1", 5000, "/v1/ws");
        check("http://[::1]", "::1", 80, "/v1/ws");
        assert_eq!(Address::parse("http://[::1]:5").expect("valid").authority(), "[::1]:5");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        assert_eq!(Address::parse("wss://h"), Err(AddressError::Tls));
        assert_eq!(Address::parse("ftp://h"), Err(AddressError::Scheme("ftp".to_owned())));
        for url in
            ["", "http://", "http://:5000", "h:x", "h:99999", "::1", "a@b:1", "h:1/a b", "h:1/\r\n"]
        {
            assert_eq!(Address::parse(url), Err(AddressError::Authority), "{url:?}");
        }
    }
}
