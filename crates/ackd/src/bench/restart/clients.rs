//! The clients: pairs that send to each other, and a tally of what arrives and who comes back.

use std::time::Duration;

use ackd_client::{Client, ClientId, Event, Inbox, Outgoing, Sending};
use anyhow::{Context as _, anyhow, bail};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::bench::stopwatch::Stopwatch;

/// All of them.
#[derive(Debug)]
pub(super) struct Clients {
    handles: Vec<Client>,
    news: mpsc::Receiver<News>,
    answers: Vec<Sending>,
    /// By client, the number of the last message that arrived.
    got: Vec<u64>,
    comebacks: Vec<Comeback>,
    /// Clients without a connection.
    away: usize,
}

/// One client was gone, and is there again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comeback {
    pub(super) left: Duration,
    pub(super) at: Duration,
}

#[derive(Debug)]
enum News {
    Got { client: usize, number: Option<u64> },
    Left,
    Back(Comeback),
    Ended { client: usize },
}

impl Clients {
    /// They connect, some at a time, and attend to what comes.
    pub(super) async fn enter(url: &str, count: usize, clock: Stopwatch) -> anyhow::Result<Self> {
        // More than there is to tell: nobody's clock waits for another's news.
        let (tell, news) = mpsc::channel(count * 16);
        let mut handles = Vec::with_capacity(count);
        while handles.len() < count {
            let some = AT_ONCE.min(count - handles.len());
            let mut entering = JoinSet::new();
            for _ in 0..some {
                entering.spawn(Client::builder(url).connect());
            }
            while let Some(entered) = entering.join_next().await {
                let (client, inbox) = entered?.context("a client cannot connect")?;
                tokio::spawn(attend(handles.len(), inbox, tell.clone(), clock));
                handles.push(client);
            }
        }
        let got = vec![0; count];
        Ok(Self { handles, news, answers: Vec::new(), got, comebacks: Vec::new(), away: 0 })
    }

    /// Each sends message `number` to its partner.
    pub(super) async fn send(&mut self, number: u64) {
        for index in 0..self.handles.len() {
            let to: ClientId = self.handles[index ^ 1].id().clone();
            let outgoing = Outgoing::to(to.as_str()).expect("an ID").text(&number.to_string());
            let sending = self.handles[index].send(outgoing).await;
            self.answers.push(sending);
        }
    }

    /// Until each has got its partner's message `number`.
    pub(super) async fn wait_for_messages(&mut self, number: u64) -> anyhow::Result<()> {
        let mut left = self.got.iter().filter(|got| **got < number).count();
        while 0 < left {
            let heard = self.hear().await.with_context(|| {
                format!("lost: {left} clients wait for message {number} of their partner")
            })?;
            left -= usize::from(heard.is_some_and(|client| self.got[client] == number));
        }
        Ok(())
    }

    /// Until all have their connection again, after each has lost it.
    pub(super) async fn wait_until_back(&mut self) -> anyhow::Result<()> {
        while self.comebacks.len() < self.handles.len() || 0 < self.away {
            let (back, all) = (self.comebacks.len(), self.handles.len());
            self.hear().await.with_context(|| format!("{back} of {all} clients came back"))?;
        }
        Ok(())
    }

    /// Every send was accepted.
    pub(super) async fn wait_for_answers(&mut self) -> anyhow::Result<()> {
        for sending in std::mem::take(&mut self.answers) {
            let answer = tokio::time::timeout(PATIENCE, sending).await;
            answer.context("lost: a send has no answer")?.context("a send was refused")?;
        }
        Ok(())
    }

    pub(super) fn comebacks(&self) -> &[Comeback] {
        &self.comebacks
    }

    pub(super) fn delivered(&self) -> u64 {
        self.got.iter().sum()
    }

    pub(super) async fn close(self) {
        for client in &self.handles {
            client.close().await;
        }
    }

    /// Takes the next news; whose message it was.
    async fn hear(&mut self) -> anyhow::Result<Option<usize>> {
        let news = tokio::time::timeout(PATIENCE, self.news.recv()).await;
        match news.context("nothing happens any more")?.ok_or_else(|| anyhow!("all have ended"))? {
            News::Got { client, number } => {
                if number != Some(self.got[client] + 1) {
                    bail!("client {client} got {number:?} after {}", self.got[client]);
                }
                self.got[client] += 1;
                return Ok(Some(client));
            }
            News::Left => self.away += 1,
            News::Back(comeback) => {
                self.away -= 1;
                self.comebacks.push(comeback);
            }
            News::Ended { client } => bail!("client {client} has stopped"),
        }
        Ok(None)
    }
}

/// What one client does with what comes.
async fn attend(client: usize, mut inbox: Inbox, tell: mpsc::Sender<News>, clock: Stopwatch) {
    let mut left = Duration::ZERO;
    while let Some(event) = inbox.next().await {
        let news = match &event {
            Event::Message(message) => {
                let number = message.body.text().and_then(|text| text.parse().ok());
                Some(News::Got { client, number })
            }
            Event::Disconnected { .. } => {
                left = clock.elapsed();
                Some(News::Left)
            }
            Event::Connected { .. } => Some(News::Back(Comeback { left, at: clock.elapsed() })),
            Event::Receipt(_) | Event::Lost(_) | Event::Unsent(_) => None,
        };
        inbox.ack(&event).await;
        if let Some(news) = news
            && tell.send(news).await.is_err()
        {
            return; // the run is over
        }
    }
    drop(tell.send(News::Ended { client }).await);
}

/// Handshakes at a time.
const AT_ONCE: usize = 128;
/// Far more than the longest pause of a client.
const PATIENCE: Duration = Duration::from_secs(90);
