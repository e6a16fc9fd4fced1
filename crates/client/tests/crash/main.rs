//! Clients in processes of their own, killed with `kill -9` wherever they are, and continued by the next with their files:
//! every send that was written down arrives once, under one number; every message is processed. The test starts itself as
//! those processes, so it has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "whatever is not as promised is a panic here")]

#[expect(dead_code, reason = "some of it is for the other tests")]
#[path = "../it/real.rs"]
mod real;
mod victim;

use std::collections::BTreeMap;
use std::path::Path;

use ackd_client::{Event, Inbox, Outgoing};

use crate::real::{Real, id, message, soon, text};
use crate::victim::Victim;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["victim", role, url, file, generation] = arguments[1..] {
        return victim::run(role, url, Path::new(file), generation).await;
    }
    // What the test runner passes (`--nocapture`, a filter) means nothing here.
    senders_that_are_killed_lose_nothing_and_repeat_nothing().await;
    receivers_that_are_killed_process_everything().await;
    println!("ok");
}

async fn senders_that_are_killed_lose_nothing_and_repeat_nothing() {
    let real = Real::start(&["mailbox_limit=100000", "mailbox_sender_limit=100000"]).await;
    let url = format!("http://{}", real.address());
    let (_bob, mut bob) = real.client().claim(id("bob")).connect().await.unwrap();
    let file = real.file("ann.json");
    let receiving = tokio::spawn(async move { receive_to_the_end(&mut bob).await });
    let mut written = Vec::new();
    for generation in 0..GENERATIONS {
        let mut victim = Victim::start("send", &url, &file, generation);
        let before_kill = 1 + generation * 37 % 101;
        written.extend((0..before_kill).map(|_| victim.line()));
        written.extend(victim.kill());
    }
    let (ann, _inbox) = real.client().identity_file(&file).connect().await.unwrap();
    ann.send(Outgoing::to("bob").unwrap().text("the end")).await.await.unwrap();
    let received = soon(receiving).await.unwrap();
    let times = |text: &String| received.iter().filter(|other| *other == text).count();
    for text in &written {
        assert_eq!(times(text), 1, "{text} was written down");
    }
    let mut last = BTreeMap::new();
    for text in &received {
        let (generation, number) = text.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        let before = last.insert(generation.to_owned(), number);
        assert!(before.is_none_or(|before| before < number), "{text} is out of order, or double");
    }
    assert!(GENERATIONS as usize <= written.len(), "each has written something");
}

async fn receive_to_the_end(inbox: &mut Inbox) -> Vec<String> {
    let mut received = Vec::new();
    loop {
        let message = message(inbox).await;
        let text = text(&message.body);
        inbox.ack(&Event::Message(message)).await;
        if text == "the end" {
            return received;
        }
        received.push(text);
    }
}

async fn receivers_that_are_killed_process_everything() {
    let real = Real::start(&[]).await;
    let url = format!("http://{}", real.address());
    let file = real.file("bob.json");
    // The name is claimed before anything is sent to it.
    drop(real.client().identity_file(&file).claim(id("bob")).connect().await.unwrap());
    let (ann, _inbox) = real.client().connect().await.unwrap();
    for number in 0..MESSAGES {
        ann.send(Outgoing::to("bob").unwrap().text(&number.to_string())).await.await.unwrap();
    }
    let mut processed: BTreeMap<String, u64> = BTreeMap::new();
    let mut generation = 0;
    while processed.len() < MESSAGES {
        let mut victim = Victim::start("receive", &url, &file, generation);
        let mut lines: Vec<String> = Vec::new();
        // At least one that is new, or it would never end.
        while lines.iter().all(|line| processed.contains_key(line))
            || !lines.len().is_multiple_of(23)
        {
            let known = processed.len() + lines.len();
            if MESSAGES <= known && lines.iter().any(|line| !processed.contains_key(line)) {
                break;
            }
            lines.push(victim.line());
        }
        lines.extend(victim.kill());
        for line in lines {
            if let Some(before) = processed.insert(line.clone(), generation) {
                assert_eq!(before + 1, generation, "{line} was noted long before");
            }
        }
        generation += 1;
    }
    assert!(1 < generation, "some were killed");
}

const GENERATIONS: u64 = 20;
const MESSAGES: usize = 300;
