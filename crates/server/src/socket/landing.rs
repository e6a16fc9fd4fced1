//! The page at `/`: what this is, and a first message without any program.

/// The page. It asks nothing of any other origin.
pub(super) const PAGE: &str = include_str!("landing/page.html");
pub(super) const SCRIPT: &str = include_str!("landing/page.js");
pub(super) const STYLE: &str = include_str!("landing/page.css");

/// What the page may do: load its own script and style, and connect to its own origin. Nothing inline, nothing foreign.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                 base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
