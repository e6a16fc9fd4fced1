//! The files of the page. Written by `npm run build` in `web`, not by hand.

use super::File;

#[rustfmt::skip]
pub(super) const FILES: &[File] = &[
    File {
        path: "/icon-DIcWt6ET.svg",
        kind: "image/svg+xml",
        etag: "W/\"3003f50445a1ebc5\"",
        hashed: true,
        identity: include_bytes!("../../../assets/icon-DIcWt6ET.svg"),
        gzip: include_bytes!("../../../assets/icon-DIcWt6ET.svg.gz"),
        brotli: include_bytes!("../../../assets/icon-DIcWt6ET.svg.br"),
    },
    File {
        path: "/index-CarbvBj0.css",
        kind: "text/css; charset=utf-8",
        etag: "W/\"17cf018f846bc070\"",
        hashed: true,
        identity: include_bytes!("../../../assets/index-CarbvBj0.css"),
        gzip: include_bytes!("../../../assets/index-CarbvBj0.css.gz"),
        brotli: include_bytes!("../../../assets/index-CarbvBj0.css.br"),
    },
    File {
        path: "/index-qF7fOVPQ.js",
        kind: "text/javascript; charset=utf-8",
        etag: "W/\"e1d65e28c163c52f\"",
        hashed: true,
        identity: include_bytes!("../../../assets/index-qF7fOVPQ.js"),
        gzip: include_bytes!("../../../assets/index-qF7fOVPQ.js.gz"),
        brotli: include_bytes!("../../../assets/index-qF7fOVPQ.js.br"),
    },
    File {
        path: "/",
        kind: "text/html; charset=utf-8",
        etag: "W/\"2bc6679560b09606\"",
        hashed: false,
        identity: include_bytes!("../../../assets/index.html"),
        gzip: include_bytes!("../../../assets/index.html.gz"),
        brotli: include_bytes!("../../../assets/index.html.br"),
    },
];
