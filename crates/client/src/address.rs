//! Where a server is: `https://host`, `http://host:port`, or `wss` and `ws`, as a person writes it.

use crate::error::AddressError;

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    is_tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Address {
    /// Reads a URL. Without a scheme `http` is meant; without a path `/v1/ws`.
    pub(crate) fn parse(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" if cfg!(feature = "tls") => true,
            "https" | "wss" => return Err(AddressError::Tls),
            _ => return Err(AddressError::Scheme(scheme.to_owned())),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority).ok_or(AddressError::Authority)?;
        let port = port.unwrap_or(if is_tls { 443 } else { 80 });
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\"<>\\".contains(&byte);
        if host.is_empty() || !host.bytes().chain(path.bytes()).all(is_plain) {
            return Err(AddressError::Authority);
        }
        let path = if path.is_empty() || path == "/" { DEFAULT_PATH } else { path };
        Ok(Self { is_tls, host: host.to_owned(), port, path: path.to_owned() })
    }

    /// Whether the server is reached by TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
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

    /// Where the server's paths begin, for one behind a proxy that adds something.
    pub(crate) fn base(&self) -> &str {
        self.path.strip_suffix(DEFAULT_PATH).unwrap_or(&self.path).trim_end_matches('/')
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[host_end..].rfind(':') {
        None => Some((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at(host_end + colon);
            let unbracketed = host_end == 0 && host.contains(':');
            port[1..].parse().ok().filter(|_| !unbracketed).map(|port| (host, Some(port)))
        }
    }
}

const DEFAULT_PATH: &str = "/v1/ws";

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
        assert!(!Address::parse("localhost").expect("valid").is_tls());
        if cfg!(feature = "tls") {
            check("https://example.org", "example.org", 443, "/v1/ws");
            check("WSS://example.org:5000/a", "example.org", 5000, "/a");
            assert!(Address::parse("wss://example.org").expect("valid").is_tls());
        } else {
            assert_eq!(Address::parse("wss://h"), Err(AddressError::Tls));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        assert_eq!(Address::parse("ftp://h"), Err(AddressError::Scheme("ftp".to_owned())));
        for url in
            ["", "http://", "http://:5000", "h:x", "h:99999", "::1", "a@b:1", "h:1/a b", "h:1/\r\n"]
        {
            assert_eq!(Address::parse(url), Err(AddressError::Authority), "{url:?}");
        }
    }
}
