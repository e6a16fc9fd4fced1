//! The page at `/`: what this is, and a first message without any program.

/// The page. It asks nothing of any other origin.
pub(super) const PAGE: &str = include_str!("landing.html");

/// What the page may do: its own script and style, and a WebSocket to its own origin.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                                 connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
