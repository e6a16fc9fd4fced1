//! The beginning of a connection: `connect`, and the answer to it.

use std::time::Duration;

use super::{Driver, Over};
use crate::error::Stopped;
use crate::session::Welcome;
use crate::socket::Socket;

impl Driver {
    /// Says `connect` and waits for the answer; the application is still heard.
    pub(crate) async fn enter(&mut self, socket: &mut Socket) -> Result<Welcome, Over> {
        let entering = self.exchange_until_connected(socket);
        let in_time = tokio::time::timeout(ENTER_TIMEOUT, entering).await;
        let welcome = in_time.unwrap_or_else(|_| {
            Err(Over::Again("it did not answer the connect in time".to_owned()))
        })?;
        if welcome.remember {
            let remembered = self.files.remember_identity(&self.session).await;
            remembered.map_err(|error| Over::Stop(Stopped::File(error.to_string())))?;
        }
        for step in self.session.refuse_unreadable() {
            self.take(step)?;
        }
        Ok(welcome)
    }

    async fn exchange_until_connected(&mut self, socket: &mut Socket) -> Result<Welcome, Over> {
        let random = &mut self.random;
        self.session.open(&mut |frame| socket.say(frame, random));
        loop {
            tokio::select! {
                exchanged = socket.exchange() => {
                    if let Some(welcome) = self.hear(socket, exchanged)? {
                        return Ok(welcome);
                    }
                }
                () = self.application.turn(&mut self.session) => {}
            }
        }
    }
}

const ENTER_TIMEOUT: Duration = Duration::from_secs(10);
