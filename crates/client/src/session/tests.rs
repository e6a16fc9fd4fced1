//! The session driven by hand: frames as JSON in, frames as JSON out.

use ackd_wire::v1::json::{decode_server, encode_client};
use ackd_wire::{ClientId, MessageId, Name, Token};

use super::*;
use crate::error::Stopped;
use crate::event::Event;

struct Bench {
    session: Session<char, char>,
}

impl Bench {
    fn new() -> Self {
        Self::of(Identity::New, Some(Outbox::new(Name::parse_outbox("o").expect("a name"))))
    }

    fn of(identity: Identity, outbox: Option<Outbox<char>>) -> Self {
        let (reading, device) = (Reading::default(), Name::default());
        let beginning = Beginning { identity, outbox, reading, device, window: 64 };
        Self { session: Session::new(beginning) }
    }

    /// With this unanswered from an earlier process, as 3.
    fn restored(outgoing: Outgoing) -> Self {
        let name = Name::parse_outbox("o").expect("a name");
        Self::of(Identity::New, Some(Outbox::restore(name, 4, vec![(3, outgoing)])))
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
        self.read_connected_with("e", 0, 0)
    }

    fn read_connected_with(&mut self, epoch: &str, acked: u64, sent: u64) -> Welcome {
        match self.read(&connected(epoch, acked, sent)) {
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

fn connected(epoch: &str, acked: u64, sent: u64) -> String {
    let token = Token::new([1; 32]).reveal();
    format!(
        r#"{{"op":"connected","id":"me","token":"{token}","new":true,"epoch":"{epoch}","acked":{acked},"pending":2,
        "sent":{sent},"expires":1,"server":"s","ack_timeout_ms":1,"max_message":100,"ping_interval_ms":25000}}"#
    )
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
    let step = |code: &str| {
        let mut bench = Bench::new();
        bench.open();
        bench.read(&refused(code))
    };
    assert!(matches!(step("unknown_identity"), Step::Stop(Stopped::UnknownIdentity)));
    assert!(matches!(step("unauthorized"), Step::Stop(Stopped::Unauthorized(_))));
    assert!(matches!(step("forbidden"), Step::Stop(Stopped::Refused { .. })));
    assert!(matches!(step("store_unavailable"), Step::Again(_)));
}

fn refused(code: &str) -> String {
    format!(r#"{{"op":"error","code":"{code}","temporary":false,"message":"m"}}"#)
}

#[test]
fn a_claim_is_repeated_until_it_is_heard_and_again_when_its_identity_has_ended() {
    let id = ClientId::parse("ann").expect("an ID");
    let ann = Identity::Claimed { id, token: Token::new([7; 32]), held: false };
    let mut bench = Bench::of(ann, None);
    let claim = r#""new":true,"id":"ann","token":""#;
    for _ in 0..2 {
        let said = bench.open();
        assert!(said.contains(claim), "{said}");
        assert!(!said.contains("outbox"), "a receiver names none");
    }
    assert!(bench.read_connected().remember);
    let said = bench.open();
    assert!(said.contains(r#""id":"ann""#) && !said.contains("new"), "{said}");
    assert!(!bench.read_connected().remember);
    bench.open();
    assert!(matches!(bench.read(&refused("unknown_identity")), Step::AtOnce));
    assert!(bench.open().contains(claim));
    assert!(matches!(bench.read(&refused("forbidden")), Step::Stop(Stopped::Refused { .. })));
}

#[test]
fn connect_says_what_is_processed_and_starts_anew_with_another_epoch() {
    let mut bench = Bench::new();
    assert!(!bench.open().contains("acked"), "nothing is known yet");
    bench.read_connected_with("e", 4, 0);
    bench.read(&message(5, 5));
    bench.read(&message(6, 6));
    bench.session.ack(AckKey::Id(MessageId([5; 16])));
    bench.said(0);
    let said = bench.open();
    assert!(said.contains(r#""epoch":"e","acked":5"#), "{said}");
    bench.read_connected_with("f", 0, 0);
    assert!(!delivered(&bench.read(&message(1, 5))), "known by its ID, whatever its place");
    assert_eq!(bench.said(0), [r#"{"op":"ack","seq":1}"#]);
    let said = bench.open();
    assert!(said.contains(r#""epoch":"f","acked":1"#), "{said}");
}

#[test]
fn rejects_go_before_acks_that_pass_over_them() {
    let mut bench = Bench::connected();
    bench.read(&message(1, 1));
    bench.read(&message(2, 2));
    bench.session.ack(AckKey::Id(MessageId([2; 16])));
    bench.session.reading.reject(MessageId([1; 16]));
    let reject = format!(r#"{{"op":"reject","ids":["{}"]}}"#, MessageId([1; 16]));
    assert_eq!(bench.said(0), [reject.as_str(), r#"{"op":"ack","seq":2}"#]);
}

#[test]
fn what_an_earlier_process_left_is_sent_to_its_room_by_a_member_and_the_room_is_left_then() {
    let mut bench = Bench::restored(Outgoing::room("lobby").expect("a room").text("hi"));
    bench.open();
    bench.read_connected();
    let said = bench.said(0);
    assert_eq!(said[0], r#"{"op":"join","ref":"lobby","room":"lobby"}"#);
    assert_eq!((numbers(&said), said.len()), (vec!["3"], 2));
    let accepted = r#"{"op":"accepted","n":3,"id":"01010101010101010101010101010101"}"#;
    assert!(matches!(bench.read(accepted), Step::Nothing));
    assert_eq!(bench.said(0), [r#"{"op":"leave","ref":"lobby","room":"lobby"}"#]);
}

#[test]
fn a_refusal_of_what_an_earlier_process_left_is_an_event() {
    let mut bench = Bench::restored(Outgoing::to("bob").expect("an ID").text("hi"));
    bench.open();
    bench.read_connected();
    bench.said(0);
    let refusal =
        r#"{"op":"error","n":3,"code":"unknown_recipient","temporary":false,"message":"m"}"#;
    let Step::Event(Event::Unsent(unsent)) = bench.read(refusal) else { panic!("an event") };
    assert_eq!(unsent.outgoing.body(), r#""hi""#);
}

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_has_a_number() {
    let mut bench = Bench::connected();
    let large = Outgoing::to("bob").expect("an ID").text(&"x".repeat(99));
    let (waiting, error) = bench.session.send(large, 'a').expect_err("100 bytes and a quote");
    assert_eq!(waiting, 'a');
    assert!(error.to_string().ends_with("(too_large)"), "{error}");
    bench.send('b');
    assert_eq!(numbers(&bench.said(0)), ["1"]);
}

#[test]
fn what_a_server_would_not_even_read_is_given_up_by_itself() {
    let mut bench = Bench::restored(Outgoing::to("bob").expect("an ID").text(&"x".repeat(1_600)));
    bench.open();
    bench.read_connected();
    let steps = bench.session.refuse_unreadable();
    assert!(matches!(&steps[..], [Step::Event(Event::Unsent(_))]), "{steps:?}");
    assert!(bench.said(0).is_empty());
}

#[test]
fn numbers_of_somebody_else_stop_a_client_that_has_sent_and_are_passed_over_by_one_that_begins() {
    let mut bench = Bench::restored(Outgoing::to("bob").expect("an ID").text("hi"));
    bench.open();
    bench.read_connected_with("e", 0, 7);
    bench.send('a');
    assert_eq!(numbers(&bench.said(0)), ["3", "8"]);
    bench.open();
    let step = bench.read(&connected("e", 0, 9));
    assert!(matches!(step, Step::Stop(Stopped::OutboxTaken)), "{step:?}");
}

#[test]
fn an_error_that_belongs_to_nothing_is_a_warning() {
    let mut bench = Bench::connected();
    let Step::Warning(text) = bench.read(&refused("bad_ack")) else { panic!("a warning") };
    assert_eq!(text, "the server says: m (bad_ack)");
}

#[test]
fn a_pause_that_is_asked_for_is_bounded() {
    let mut bench = Bench::connected();
    bench.send('a');
    bench.said(0);
    let refusal = r#"{"op":"error","n":1,"code":"internal","temporary":true,"retry_after_ms":9007199254740991,"message":"m"}"#;
    bench.read(refusal);
    assert_eq!(bench.session.retry_at(), Some(ASKED_MS_MAX));
}
