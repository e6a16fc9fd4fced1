//! What a client hears when the server fails: `internal` and 1011 where its own connection does, `store_unavailable` and
//! 4503 where the disk does.

use ackd_engine::{
    Answer, Archive, Command as Verb, CrashPlan, Embedded, Engine, FaultPlan, Outcome, SimArchive,
    SimDisk, Sink, Submission,
};

use super::*;
use crate::clock::SystemEntropy;
use crate::router::{Router, Switchboard};
use crate::server::settings;
use crate::socket::{Phase, Timers};

/// An engine that answers every message with nonsense.
#[derive(Debug)]
struct Nonsense {
    engine: Arc<dyn Engine>,
    sink: Arc<Switchboard>,
}

impl Engine for Nonsense {
    fn submit(&self, now: Millis, batch: &mut Vec<Submission<'_>>) {
        let mut outcome = Outcome::default();
        batch.retain(|submission| {
            let is_append = matches!(submission.command, Verb::Append(_));
            if is_append {
                outcome.answers.push((submission.tag, Answer::RoomNumber(0)));
            }
            !is_append
        });
        self.engine.submit(now, batch);
        self.sink.deliver(&mut outcome);
    }
}

/// The same server with another engine.
fn with_engine(server: &Context, engine: Arc<dyn Engine>, sink: Arc<Switchboard>) -> Arc<Context> {
    Arc::new(Context {
        router: Router::new(engine, sink),
        rules: server.rules.clone(),
        greeting: server.greeting.clone(),
        clock: server.clock,
        timers: Timers::default(),
        quota: server.quota.clone(),
        policy: server.policy.clone(),
        ping_interval_ms: server.ping_interval_ms,
        header_timeout: server.header_timeout,
        phase: Phase::default(),
        store: server.store.clone(),
        metrics: server.metrics.clone(),
        pulse: server.pulse.clone(),
    })
}

#[tokio::test]
async fn a_panic_is_told_as_internal_and_1011_and_ends_nobody_else() {
    let (server, _data_dir) = server().await;
    let turns = Arc::new(Turns::default());
    let sink = server.context().router.switchboard().clone();
    let nonsense = Nonsense { engine: server.engine(), sink: sink.clone() };
    let failing = with_engine(server.context(), Arc::new(nonsense), sink);
    let mut bob = Peer::connected(server.context(), &turns, "bob").await;
    for _ in 0..2 {
        // The second time she enters what the first has left.
        let mut ann = Peer::connected(&failing, &turns, "ann").await;
        ann.say(r#"{"op":"send","n":1,"to":"bob","body":1}"#).await;
        ann.expect(&[r#""code":"internal","temporary":true"#]).await;
        assert_eq!(ann.hear().await, "1011");
        assert_eq!(ann.stream.read(&mut [0]).await.unwrap(), 0);
    }
    // On a connection that does not fail the number is decided as if nothing had been.
    let mut ann = Peer::connected(server.context(), &turns, "ann").await;
    ann.say(r#"{"op":"send","n":1,"to":"bob","body":1}"#).await;
    ann.hear_all(1, r#"{"op":"accepted","n":1,"id":"#).await;
    bob.hear_all(1, r#"{"op":"message""#).await;
    drop((ann, bob, failing));
    server.kill().await;
}

/// The same server on this disk.
fn on_disk(server: &Context, data_dir: &TempDir, disk: &SimDisk) -> Arc<Context> {
    let (settings, sink) = (settings(&config(data_dir)), Arc::new(Switchboard::default()));
    let (entropy, now) = (Box::new(SystemEntropy), server.clock.now());
    let archive: Arc<dyn Archive> = Arc::new(SimArchive::new(disk));
    let engine = Embedded::open(settings, (disk.clone(), archive), entropy, sink.clone(), now);
    with_engine(server, Arc::new(engine.unwrap().0), sink)
}

#[tokio::test]
async fn a_disk_that_fails_is_told_as_store_unavailable_and_to_newcomers_with_4503() {
    let (server, data_dir) = server().await;
    let (turns, disk) = (Arc::new(Turns::default()), SimDisk::default());
    let context = on_disk(server.context(), &data_dir, &disk);
    let _bob = Peer::connected(&context, &turns, "bob").await;
    let mut ann = Peer::connected(&context, &turns, "ann").await;
    disk.plan(FaultPlan { error_at: Some(1), ..FaultPlan::default() });
    let send = |n| format!(r#"{{"op":"send","n":{n},"to":"bob","body":{n}}}"#);
    for n in [1, 1, 2] {
        ann.say(&send(n)).await;
        let n = format!(r#""n":{n},"#);
        let code = r#""code":"store_unavailable","temporary":true,"retry_after_ms":"#;
        ann.expect(&[&n, code]).await;
    }
    ann.say(r#"{"op":"ping"}"#).await;
    ann.expect(&["pong"]).await; // her connection stays
    let mut eve = Peer::new(&context, &turns).await;
    eve.claim("eve").await;
    eve.expect(&[r#""code":"store_unavailable""#]).await;
    assert_eq!(eve.hear().await, "4503");
    // After the restart the same numbers are decided; nobody has lost or doubled anything.
    disk.crash(CrashPlan::Lose);
    let context = on_disk(server.context(), &data_dir, &disk);
    let mut bob = Peer::connected(&context, &turns, "bob").await;
    let mut ann = Peer::connected(&context, &turns, "ann").await;
    ann.say(&format!("[{},{}]", send(1), send(2))).await;
    for n in [1, 2] {
        let (n, body) = (format!(r#""n":{n},"#), format!(r#""body":{n},"#));
        ann.expect(&[r#"{"op":"accepted","#, &n]).await;
        bob.expect(&[r#"{"op":"message","#, &body]).await;
    }
    drop((ann, bob, eve, context));
    server.kill().await;
}
