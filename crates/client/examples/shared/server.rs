// A server in this process, for examples that are run by themselves: `cargo test` includes this file.

struct ExampleServer {
    url: String,
    _server: ackd_server::Server,
    _store: tempfile::TempDir,
}

async fn start_server() -> ExampleServer {
    use ackd_server::config::{Flags, Raw, Sources};

    let store = tempfile::tempdir().expect("a directory");
    let flags = Flags {
        set: vec!["journal_bytes=16MiB".to_owned(), "ack_timeout=100ms".to_owned()],
        listen: Some("127.0.0.1:0".to_owned()),
        data_dir: Some(store.path().display().to_string()),
        store: None,
    };
    let sources = Sources { file: None, environment: Vec::new(), flags };
    let config = Raw::gather(&sources).and_then(|raw| raw.check()).expect("a good configuration");
    let server = ackd_server::Server::start(config).await.expect("the server starts");
    let url = format!("http://{}", server.local_addr());
    ExampleServer { url, _server: server, _store: store }
}
