//! The session driven by hand: frames as JSON in, frames as JSON out.

use ackd_wire::v1::json::{decode_server, encode_client};
use ackd_wire::{ClientId, Name, Token};

use super::*;

struct Bench {
    session: Session<char, char>,
}

impl Bench {
    fn new() -> Self {
        let outbox = Outbox::new(Name::parse_outbox("o").expect("a name"));
        Self { session: Session::new(Identity::New, Some(outbox), 64) }
    }

    fn connected() -> Self {
        let mut bench = Self::new();
        bench.open();
        bench.read_connected();
        bench
    }

    fn open(&mut self) -> String {
        let mut said = String::new();
        self.session.open(&mut |frame| said.push_str(&json(frame)));
        said
    }

    fn read_connected(&mut self) -> Welcome {
        let token = Token::new([1; 32]).reveal();
        let text = format!(
            r#"{{"op":"connected","id":"me","token":"{token}","new":true,"epoch":"e","acked":0,"pending":2,"sent":0,
            "expires":1,"server":"s","ack_timeout_ms":1,"max_message":1,"ping_interval_ms":25000}}"#
        );
        match self.read(&text) {
            Step::Connected(welcome) => welcome,
            other => panic!("{other:?}"),
        }
    }

    fn read(&mut self, text: &str) -> Step<char, char> {
        self.read_at(0, text)
    }

    fn read_at(&mut self, now: Millis, text: &str) -> Step<char, char> {
        let frame = decode_server(text).next().expect("a frame").expect("readable");
        self.session.read(frame, now)
    }

    fn said(&mut self, now: Millis) -> Vec<String> {
        let mut said = Vec::new();
        self.session.write(now, &mut |frame| said.push(json(frame)));
        said
    }

    fn send(&mut self, waiting: char) {
        let outgoing = Outgoing::to("bob").expect("an ID").text("hi");
        self.session.send(outgoing, waiting).expect("there is an outbox");
    }
}

fn json(frame: &ClientFrame<'_>) -> String {
    let mut out = Vec::new();
    encode_client(&mut out, frame);
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn message(seq: u64, id: u8) -> String {
    let id = MessageId([id; 16]);
    format!(r#"{{"op":"message","seq":{seq},"id":"{id}","from":"ann","to":"me","body":1,"at":5}}"#)
}

fn delivered(step: &Step<char, char>) -> bool {
    matches!(step, Step::Event(Event::Message(_)))
}

fn hi(n: u64) -> String {
    format!(r#"{{"op":"send","n":{n},"to":"bob","body":"hi"}}"#)
}

fn numbered(text: &str) -> Option<&str> {
    text.split_once(r#""n":"#).and_then(|(_, rest)| rest.split_once(',')).map(|(n, _)| n)
}

fn numbers(said: &[String]) -> Vec<&str> {
    said.iter().filter_map(|text| numbered(text)).collect()
}

#[test]
fn nothing_but_connect_is_said_before_connected() {
    let mut bench = Bench::new();
    bench.send('a');
    let said = bench.open();
    assert!(said.starts_with(r#"{"op":"connect""#) && said.contains(r#""outbox":"o""#), "{said}");
    assert!(bench.said(0).is_empty());
    let welcome = bench.read_connected();
    assert!(welcome.new && welcome.pending == 2);
    assert!(matches!(&bench.session.identity, Identity::Known { id, .. } if id.as_str() == "me"));
    assert_eq!(bench.said(0).len(), 1);
    assert!(bench.open().contains(r#""id":"me","token":""#), "the identity is entered again");
}

#[test]
fn a_send_is_said_once_and_answered_once() {
    let mut bench = Bench::connected();
    bench.send('a');
    assert_eq!(numbers(&bench.said(0)), ["1"]);
    assert!(bench.said(0).is_empty());
    let accepted = r#"{"op":"accepted","n":1,"id":"01010101010101010101010101010101"}"#;
    assert!(
        matches!(bench.read(accepted), Step::Answered('a', Ok(MessageId(id))) if id == [1; 16])
    );
    assert!(matches!(bench.read(accepted), Step::Nothing));
    assert!(bench.session.is_settled());
}

#[test]
fn what_is_unanswered_is_said_again_in_order_after_a_reconnect() {
    let mut bench = Bench::connected();
    for waiting in ['a', 'b', 'c'] {
        bench.send(waiting);
    }
    assert_eq!(numbers(&bench.said(0)), ["1", "2", "3"]);
    bench.read(r#"{"op":"accepted","n":2,"id":"01010101010101010101010101010101"}"#);
    bench.open();
    bench.read_connected();
    assert_eq!(numbers(&bench.said(0)), ["1", "3"]);
    assert!(hi(1).contains("bob"));
}

#[test]
fn a_passing_refusal_holds_sends_back_for_as_long_as_it_asks() {
    let mut bench = Bench::connected();
    bench.send('a');
    bench.send('b');
    bench.said(0);
    let refusal = r#"{"op":"error","n":1,"code":"rate_limited","temporary":true,"retry_after_ms":700,"message":"m"}"#;
    let gap = r#"{"op":"error","n":2,"code":"gap","temporary":true,"expected":1,"message":"m"}"#;
    assert!(matches!(bench.read_at(1_000, refusal), Step::Nothing));
    assert!(matches!(bench.read_at(1_000, gap), Step::Nothing));
    bench.send('c');
    assert!(bench.said(1_699).is_empty());
    assert_eq!(bench.session.retry_at(), Some(1_700));
    assert_eq!(numbers(&bench.said(1_700)), ["1", "2", "3"]);
}

#[test]
fn pauses_grow_while_refusals_go_on() {
    let mut bench = Bench::connected();
    bench.send('a');
    let refusal =
        r#"{"op":"error","n":1,"code":"store_unavailable","temporary":true,"message":"m"}"#;
    let mut now = 0;
    let mut pauses = Vec::new();
    for _ in 0..9 {
        assert_eq!(bench.said(now).len(), 1);
        bench.read_at(now, refusal);
        let at = bench.session.retry_at().expect("a pause");
        pauses.push(at - now);
        now = at;
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
}

#[test]
fn a_final_refusal_is_told_and_a_taken_outbox_stops() {
    let mut bench = Bench::connected();
    bench.send('a');
    bench.send('b');
    bench.said(0);
    let full = r#"{"op":"error","n":1,"code":"mailbox_full","temporary":true,"retry_after_ms":5,"message":"full"}"#;
    let Step::Answered('a', Err(error)) = bench.read(full) else { panic!("answered") };
    assert_eq!(error.to_string(), "full (mailbox_full)");
    let taken = r#"{"op":"error","n":2,"code":"outbox_taken","temporary":false,"message":"m"}"#;
    assert!(matches!(bench.read(taken), Step::Stop(Stopped::OutboxTaken)));
}

#[test]
fn a_message_is_handed_over_once_and_acknowledged_when_the_application_is_done() {
    let mut bench = Bench::connected();
    assert!(delivered(&bench.read(&message(1, 1))));
    assert!(delivered(&bench.read(&message(2, 2))));
    assert!(bench.said(0).is_empty());
    bench.session.ack(AckKey::Id(MessageId([1; 16])));
    assert_eq!(bench.said(0), [r#"{"op":"ack","seq":1}"#]);

    bench.open();
    bench.read_connected();
    assert!(!delivered(&bench.read(&message(1, 1))), "done: seen once");
    assert!(!delivered(&bench.read(&message(2, 2))), "in the application's hands still");
    assert_eq!(bench.said(0), [r#"{"op":"ack","seq":1}"#], "the ack was not heard");
    bench.session.ack(AckKey::Id(MessageId([2; 16])));
    assert_eq!(bench.said(0), [r#"{"op":"ack","seq":2}"#]);
}

#[test]
fn live_messages_are_acknowledged_by_id_and_signals_not_at_all() {
    let mut bench = Bench::connected();
    let live = message(1, 1).replace(r#""seq":1"#, r#""live":true"#);
    let signal = message(1, 2).replace(r#""seq":1"#, r#""live":true,"ack":false"#);
    assert!(delivered(&bench.read(&live)));
    let Step::Event(event) = bench.read(&signal) else { panic!("an event") };
    assert_eq!(event.ack_key(), None);
    bench.session.ack(AckKey::Id(MessageId([1; 16])));
    assert_eq!(bench.said(0), [format!(r#"{{"op":"ack","ids":["{}"]}}"#, MessageId([1; 16]))]);
}

#[test]
fn lost_is_acknowledged_once_all_before_it_is_done() {
    let mut bench = Bench::connected();
    bench.read(&message(1, 1));
    let lost = r#"{"op":"lost","from":2,"to":9,"count":3,"reason":"expired"}"#;
    let Step::Event(event) = bench.read(lost) else { panic!("an event") };
    bench.session.ack(event.ack_key().expect("wants one"));
    assert!(bench.said(0).is_empty());
    bench.session.ack(AckKey::Id(MessageId([1; 16])));
    assert_eq!(bench.said(0), [r#"{"op":"ack","seq":9}"#]);
}

#[test]
fn rooms_are_joined_before_anything_is_sent_and_again_after_a_reconnect() {
    let mut bench = Bench::connected();
    bench.send('a');
    let lobby = Room::parse("lobby").expect("a room");
    bench.session.join(lobby.clone(), 'j');
    let join = r#"{"op":"join","ref":"lobby","room":"lobby"}"#;
    let said = bench.said(0);
    assert_eq!((said[0].as_str(), said.len()), (join, 2));
    let joined = r#"{"op":"joined","ref":"lobby","room":"lobby","members":3}"#;
    assert!(matches!(bench.read(joined), Step::Joined(waiting, Ok(3)) if waiting == ['j']));
    bench.open();
    bench.read_connected();
    assert_eq!(bench.said(0)[0], join);
    bench.session.leave(&lobby);
    assert_eq!(bench.said(0), [r#"{"op":"leave","ref":"lobby","room":"lobby"}"#]);
    bench.open();
    bench.read_connected();
    assert_eq!(numbers(&bench.said(0)), ["1"], "left for good");
}

#[test]
fn a_refused_join_is_told() {
    let mut bench = Bench::connected();
    bench.session.join(Room::parse("lobby").expect("a room"), 'j');
    bench.said(0);
    let refusal =
        r#"{"op":"error","ref":"lobby","code":"forbidden","temporary":false,"message":"no"}"#;
    assert!(matches!(bench.read(refusal), Step::Joined(waiting, Err(_)) if waiting == ['j']));
}

#[test]
fn a_refused_connect_stops_unless_the_refusal_passes() {
    let error =
        |code: &str| format!(r#"{{"op":"error","code":"{code}","temporary":false,"message":"m"}}"#);
    let step = |code: &str| {
        let mut bench = Bench::new();
        bench.open();
        bench.read(&error(code))
    };
    assert!(matches!(step("unknown_identity"), Step::Stop(Stopped::UnknownIdentity)));
    assert!(matches!(step("unauthorized"), Step::Stop(Stopped::Unauthorized(_))));
    assert!(matches!(step("forbidden"), Step::Stop(Stopped::Refused { .. })));
    assert!(matches!(step("store_unavailable"), Step::Again(_)));
}

#[test]
fn a_claim_is_repeated_with_its_own_secret() {
    let identity = Identity::Claimed {
        id: ClientId::parse("ann").expect("an ID"),
        token: Token::new([7; 32]),
    };
    let mut session = Session::<char, char>::new(identity, None, 1);
    let mut said = String::new();
    session.open(&mut |frame| said.push_str(&json(frame)));
    assert!(said.contains(r#""new":true,"id":"ann","token":""#) && said.contains(r#""window":1"#));
    assert!(!said.contains("outbox"), "a receiver names none");
}
