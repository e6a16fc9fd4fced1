//! The examples do what they say.

#[expect(dead_code, reason = "its main is for the shell")]
#[path = "../../examples/echo.rs"]
mod echo;
#[expect(dead_code, reason = "its main is for the shell")]
#[path = "../../examples/jobs.rs"]
mod jobs;

use ackd_client::{Outgoing, SendError};
use tokio::sync::mpsc;

use crate::real::{Real, id, message, soon, text};

#[tokio::test]
async fn echo_answers_with_what_it_got() {
    let real = Real::start(&[]).await;
    let (ann, mut inbox) = real.client().claim(id("ann")).connect().await.expect("let in");
    let echo = real.client().identity_file(real.file("echo.json"));
    let asking = async {
        // It is there once its name is known.
        while let Err(error) = ann.send(Outgoing::to("echo").unwrap().text("hello")).await.await {
            assert!(matches!(error, SendError::Refused { .. }), "{error}");
        }
        assert_eq!(text(&message(&mut inbox).await.body), "hello");
    };
    soon(async {
        tokio::select! {
            stopped = echo::echo(echo) => panic!("{stopped:?}"),
            () = asking => {}
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_is_done_and_one_that_cannot_be_is_given_up() {
    let real = Real::start(&["ack_timeout=50ms"]).await;
    let worker = || real.client().identity_file(real.file("worker.json"));
    drop(worker().claim(id("worker")).connect().await.expect("let in"));
    for number in [u32::MAX, 21] {
        let client = real.client().identity_file(real.file("orders.json"));
        jobs::order(client, &jobs::Job { number }).await.expect("accepted");
    }
    let (done_tx, mut done) = mpsc::channel(4);
    let working = jobs::work(worker(), |number| done_tx.try_send(number).expect("few"));
    soon(async {
        tokio::select! {
            stopped = working => panic!("{stopped:?}"),
            number = done.recv() => assert_eq!(number, Some(42)),
        }
    })
    .await;
}
