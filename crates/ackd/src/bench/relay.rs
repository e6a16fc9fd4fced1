//! `ackd bench relay`: speaks just enough of ackd's frames for `ackd bench direct`, passes each message on and keeps
//! nothing. One thread. What it costs is what sockets and frames cost: the bound for a server that also keeps promises.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use ackd_websocket::{Decoded, Decoder, Encoder, Item, Limits, Role, accept_key};
use anyhow::Context as _;
use clap::Args;
use memchr::memmem;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

use super::link::SCRATCH_BYTES;
use super::scan::number;

/// Arguments of `ackd bench relay`.
#[derive(Debug, Args)]
pub(crate) struct RelayArgs {
    /// Where it listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5001")]
    listen: SocketAddr,
}

/// Serves until it is killed.
pub(crate) fn run(args: &RelayArgs) -> anyhow::Result<()> {
    let relay = Relay::bind(args.listen)?;
    println!("listening on http://{}", relay.local_addr()?);
    relay.serve()
}

/// The relay.
#[derive(Debug)]
struct Relay {
    poll: Poll,
    listener: TcpListener,
    clients: Vec<Option<Client>>,
    scratch: Vec<u8>,
    /// Clients that have something to be written.
    touched: Vec<usize>,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    decoder: Decoder,
    is_upgraded: bool,
    unread: Vec<u8>,
    out: Vec<u8>,
    seq: u64,
}

impl Relay {
    /// Listens.
    fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut listener =
            TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let scratch = vec![0; SCRATCH_BYTES];
        Ok(Self { poll, listener, clients: Vec::new(), scratch, touched: Vec::new() })
    }

    /// Where it listens.
    fn local_addr(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves for good.
    fn serve(mut self) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(index) => self.read(index),
                }
            }
            for index in std::mem::take(&mut self.touched) {
                self.write(index);
            }
        }
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            stream.set_nodelay(true)?;
            let mut client = Client::new(stream);
            client.register(self.poll.registry(), Token(self.clients.len()))?;
            self.clients.push(Some(client));
        }
        Ok(())
    }

    fn read(&mut self, index: usize) {
        let Some(mut client) = self.clients[index].take() else { return };
        self.touched.push(index);
        let kept = client.unread.len();
        self.scratch[..kept].copy_from_slice(&client.unread);
        let mut end = kept;
        loop {
            match client.stream.read(&mut self.scratch[end..]) {
                Ok(0) => return,
                Ok(read) => end += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return,
            }
            if end < self.scratch.len() {
                break;
            }
            self.handle(index, &mut client, &mut end);
        }
        self.handle(index, &mut client, &mut end);
        client.unread.clear();
        client.unread.extend_from_slice(&self.scratch[..end]);
        self.clients[index] = Some(client);
    }

    /// Handles the whole frames in `scratch[..end]`, and moves the rest to its start.
    fn handle(&mut self, index: usize, client: &mut Client, end: &mut usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut start = 0;
        if !client.is_upgraded {
            start = client.upgrade(&scratch[..*end]);
        }
        while client.is_upgraded {
            match client.decoder.decode(&mut scratch[start..*end]) {
                Ok(Decoded::Item { consumed, item: Item::Text(text) }) => {
                    let (out, text) = (&mut client.out, text.as_bytes());
                    if let Some((to, seq, body)) = answer(index, out, text) {
                        self.pass_on(index, to, seq, body);
                    }
                    start += consumed;
                }
                Ok(Decoded::Item { consumed, .. } | Decoded::Absorbed { consumed }) => {
                    start += consumed;
                }
                Ok(Decoded::Need { .. } | Decoded::Closed) | Err(_) => break,
            }
        }
        scratch.copy_within(start..*end, 0);
        *end -= start;
        self.scratch = scratch;
    }

    fn pass_on(&mut self, from: usize, to: usize, n: u64, body: &[u8]) {
        let Some(Some(target)) = self.clients.get_mut(to) else { return };
        target.seq += 1;
        let seq = target.seq;
        let head = format!(
            r#"{{"op":"message","seq":{seq},"id":"{n:032x}","from":"{from:032x}","to":"{to:032x}","body":"#
        );
        let reserved = Encoder::server().reserve_header(&mut target.out);
        target.out.extend_from_slice(head.as_bytes());
        target.out.extend_from_slice(body);
        target.out.extend_from_slice(b",\"at\":1767225600000}");
        reserved.finish(&mut target.out, ackd_websocket::Opcode::Text);
        if self.touched.last() != Some(&to) {
            self.touched.push(to);
        }
    }

    fn write(&mut self, index: usize) {
        let Some(client) = self.clients[index].as_mut() else { return };
        while !client.out.is_empty() {
            match client.stream.write(&client.out) {
                Ok(written) => drop(client.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.clients[index] = None,
            }
        }
    }
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        let decoder = Decoder::new(Role::Server, Limits { message_bytes_max: 1 << 20 });
        let (unread, out) = (Vec::new(), Vec::new());
        Self { stream, decoder, is_upgraded: false, unread, out, seq: 0 }
    }

    fn register(&mut self, registry: &Registry, token: Token) -> anyhow::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        Ok(registry.register(&mut self.stream, token, both)?)
    }

    /// Answers the upgrade once it is whole; how many bytes it was.
    fn upgrade(&mut self, request: &[u8]) -> usize {
        let Some(end) = memmem::find(request, b"\r\n\r\n") else { return 0 };
        let text = String::from_utf8_lossy(&request[..end]);
        let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = key.and_then(|key| accept_key(key.trim()).ok()).unwrap_or_default();
        self.is_upgraded = true;
        self.out.extend_from_slice(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            .as_bytes(),
        );
        end + 4
    }
}

/// Answers a frame; where a message goes, its number and its body. Reads only what the generator writes.
fn answer<'t>(index: usize, out: &mut Vec<u8>, text: &'t [u8]) -> Option<(usize, u64, &'t [u8])> {
    if text.starts_with(b"{\"op\":\"send\",\"n\":") {
        let digits = text[SEND.len()..].trim_ascii_start();
        let n = number(digits)?;
        let to = memmem::find(text, b"\"to\":\"")? + 6;
        let body = to + 32 + b"\",\"body\":".len();
        let target =
            usize::from_str_radix(std::str::from_utf8(&text[to..to + 32]).ok()?, 16).ok()?;
        Encoder::server().text(out, &format!(r#"{{"op":"accepted","n":{n},"id":"{n:032x}"}}"#));
        return Some((target, n, &text[body..text.len() - 1]));
    }
    if memmem::find(text, b"connect").is_some() {
        let connected = format!(
            r#"{{"op":"connected","id":"{index:032x}","token":"-","new":true,"epoch":"0","acked":0,"pending":0,"sent":0}}"#
        );
        Encoder::server().text(out, &connected);
    }
    None
}

const SEND: &[u8] = b"{\"op\":\"send\",\"n\":";
const LISTENER: Token = Token(usize::MAX);
