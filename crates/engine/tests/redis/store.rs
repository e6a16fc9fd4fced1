//! The way to Redis: what it says of itself, hints, and what a loss of the connection does.

use ackd_engine::redis::{Heard, RedisStore, StoreError};
use tokio::sync::mpsc;

use crate::server::Server;

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(test);
}

#[test]
fn it_tells_how_it_keeps_what_it_has() {
    let server = Server::start();
    run(async {
        let store = RedisStore::connect(server.settings()).await.unwrap();
        let health = store.health().await.unwrap();
        assert!(!health.version.is_empty());
        assert_eq!((health.durability.appendonly, health.durability.replicas), (false, 0));
        assert_eq!(health.durability.maxmemory_policy, "noeviction");
        assert_eq!(health.durability.warnings().len(), 1);
    });
}

#[test]
fn hints_reach_who_listens_and_after_a_loss_all_is_looked_at_anew() {
    let mut server = Server::start();
    run(async {
        let store = RedisStore::connect(server.settings()).await.unwrap();
        let (tx, mut rx) = mpsc::channel(16);
        let hints = store.hints(move |heard| drop(tx.try_send(heard)));
        hints.subscribe(["one".to_owned(), "two".to_owned()]);
        // The first time nothing may be subscribed yet.
        while hints.publish("two", b"hello").await.unwrap() == 0 {
            assert_eq!(rx.recv().await, Some(Heard::Anew));
        }
        let before = store.incarnation().await.unwrap();
        let hint = Heard::Hint { channel: "two".to_owned(), payload: b"hello".to_vec() };
        while rx.recv().await.unwrap() != hint {}
        server.restart_empty();
        while rx.recv().await.unwrap() != Heard::Anew {}
        let mut lost = 0;
        while !matches!(hints.publish("one", b"again").await, Ok(1)) {
            lost += 1;
            assert!(lost < 3, "a connection that has failed is made anew");
        }
        assert_ne!(store.incarnation().await.unwrap(), before);
        let hint = Heard::Hint { channel: "one".to_owned(), payload: b"again".to_vec() };
        while rx.recv().await.unwrap() != hint {}
        hints.unsubscribe(["one"]);
        while hints.publish("one", b"nobody").await.unwrap() != 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_store_that_is_gone_is_told_from_one_that_refuses() {
    let mut server = Server::start();
    run(async {
        let store = RedisStore::connect(server.settings()).await.unwrap();
        let wrong = store.ask::<String>(redis::cmd("GET").arg("a").arg("b")).await;
        assert!(matches!(wrong, Err(StoreError::Refused(_))), "{wrong:?}");
        server.stop();
        for _ in 0..2 {
            let gone = store.ask::<String>(&redis::cmd("PING")).await;
            assert!(matches!(gone, Err(StoreError::Unreachable(_))), "{gone:?}");
        }
        assert!(RedisStore::connect(server.settings()).await.is_err());
    });
}
