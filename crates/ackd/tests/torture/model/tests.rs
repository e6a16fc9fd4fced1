//! The model notices what it is there to notice.

use std::time::Duration;

use super::{Arrival, Model, Moment, Number};
use ackd_wire::MessageId;

const SECOND: Duration = Duration::from_secs(1);

/// A model in which sender 0 has made two messages to recipient 0, who is connected.
fn two_messages() -> (Model, Number, Number) {
    let mut model = Model::new(1);
    model.name_outbox(0, "ann", "o");
    let first = model.make(0, 0, Some(1));
    let second = model.make(0, 0, Some(2));
    open(&mut model, SECOND).expect("the first connection");
    (model, first, second)
}

fn open(model: &mut Model, opened: Duration) -> Result<(), String> {
    model.opened(0, Moment { run: model.run(), epoch: "e", acked: 0, claimed: 0, opened })
}

fn id(n: u64) -> String {
    MessageId::derive("ann", "o", n).to_string()
}

fn deliver(model: &mut Model, number: Number, seq: u64, attempt: u32) -> Result<(), String> {
    let id = id(number as u64 + 1);
    model.delivered(0, Arrival { number, id: &id, seq, attempt, at: SECOND })
}

fn check_broken(result: Result<(), String>, what: &str) {
    let broken = result.expect_err(what);
    assert!(broken.contains(what), "{broken}");
}

#[test]
fn an_accepted_message_that_never_comes_is_a_loss() {
    let (mut model, first, _) = two_messages();
    model.accepted(first, &id(1), false, SECOND).expect("accepted");
    assert!(!model.is_drained(0));
    check_broken(model.check_end(), "accepted and never delivered");
}

#[test]
fn an_id_that_is_not_the_derived_one_is_noticed() {
    let (mut model, first, _) = two_messages();
    check_broken(model.accepted(first, &id(2), false, SECOND), "its ID must be");
}

#[test]
fn a_second_id_of_a_number_is_noticed() {
    let (mut model, first, _) = two_messages();
    model.accepted(first, &id(1), false, SECOND).expect("accepted");
    check_broken(model.accepted(first, &id(2), true, SECOND), "it had ID");
}

#[test]
fn a_second_place_and_a_shared_place_are_noticed() {
    let (mut model, first, second) = two_messages();
    deliver(&mut model, first, 7, 1).expect("delivered");
    check_broken(deliver(&mut model, first, 8, 2), "its place was 7");
    check_broken(deliver(&mut model, second, 7, 1), "also that of another");
}

#[test]
fn numbers_and_places_that_disagree_are_noticed_whichever_comes_first() {
    let (mut model, first, second) = two_messages();
    deliver(&mut model, second, 7, 1).expect("delivered");
    open(&mut model, SECOND * 2).expect("another connection");
    check_broken(deliver(&mut model, first, 8, 1), "numbers and places");
    let (mut model, first, second) = two_messages();
    deliver(&mut model, first, 7, 1).expect("delivered");
    open(&mut model, SECOND * 2).expect("another connection");
    check_broken(deliver(&mut model, second, 6, 1), "numbers and places");
}

#[test]
fn a_newer_message_before_an_older_one_on_a_connection_is_noticed() {
    let (mut model, first, second) = two_messages();
    model.messages[second].n = None;
    deliver(&mut model, first, 7, 1).expect("delivered");
    check_broken(deliver(&mut model, second, 6, 1), "came after place 7");
}

#[test]
fn what_was_settled_must_not_come_again_and_what_was_not_may() {
    let (soon, late) = (SECOND + SECOND / 10, SECOND * 2);
    for (stored, killed, is_settled) in
        [(soon, soon, false), (SECOND, late, false), (late, late, true)]
    {
        let (mut model, first, second) = two_messages();
        deliver(&mut model, first, 1, 1).expect("delivered");
        model.acked_up_to(0, 1, SECOND);
        model.accepted(second, &id(2), false, stored).expect("accepted");
        model.kills.push(killed);
        model.ended(0, killed + SECOND);
        let opened = open(&mut model, SECOND * 5);
        if is_settled {
            check_broken(opened, "leaves it out");
            check_broken(deliver(&mut model, first, 1, 2), "it was settled");
        } else {
            opened.expect("the ack was on its way");
            deliver(&mut model, first, 1, 2).expect("the ack was on its way");
        }
    }
}

#[test]
fn a_message_that_comes_again_as_if_for_the_first_time_is_noticed() {
    let (mut model, first, _) = two_messages();
    deliver(&mut model, first, 7, 1).expect("delivered");
    open(&mut model, SECOND * 2).expect("a second tab");
    deliver(&mut model, first, 7, 1).expect("a copy");
    model.ended(0, SECOND * 2);
    open(&mut model, SECOND * 3).expect("another connection");
    check_broken(deliver(&mut model, first, 7, 1), "without an `attempt`");
    model.kills.push(SECOND * 4);
    open(&mut model, SECOND * 4).expect("after a restart");
    check_broken(deliver(&mut model, first, 7, 1), "without an `attempt`");
}

#[test]
fn a_position_beyond_what_was_acknowledged_and_a_new_epoch_are_noticed() {
    let (mut model, first, _) = two_messages();
    deliver(&mut model, first, 7, 1).expect("delivered");
    let beyond = Moment { run: 0, epoch: "e", acked: 9, claimed: 0, opened: SECOND };
    check_broken(model.opened(0, beyond), "never acknowledged");
    let renamed = Moment { run: 0, epoch: "f", acked: 0, claimed: 0, opened: SECOND };
    check_broken(model.opened(0, renamed), "the epoch was e");
}

#[test]
fn a_refused_message_must_not_come_nor_be_accepted() {
    let (mut model, first, second) = two_messages();
    model.refused(first, true, SECOND).expect("refused");
    check_broken(deliver(&mut model, first, 7, 1), "refused finally");
    check_broken(model.accepted(first, &id(1), false, SECOND), "refused finally");
    model.accepted(second, &id(2), false, SECOND).expect("accepted");
    check_broken(model.refused(second, true, SECOND), "is refused now");
}

#[test]
fn an_outbox_that_forgets_what_it_accepted_is_noticed() {
    let (mut model, _, second) = two_messages();
    model.accepted(second, &id(2), false, SECOND).expect("accepted");
    check_broken(model.outbox_resumed(0, 1), "`sent` is 1");
    check_broken(model.outbox_resumed(0, 3), "`sent` is 3");
    model.outbox_resumed(0, 2).expect("as it was");
}

#[test]
fn a_position_before_what_the_client_has_told_is_noticed_and_what_it_told_counts() {
    let (mut model, first, _) = two_messages();
    deliver(&mut model, first, 7, 1).expect("delivered");
    let told = Moment { run: 0, epoch: "e", acked: 7, claimed: 7, opened: SECOND };
    model.opened(0, told).expect("the client has said so");
    check_broken(model.opened(0, Moment { acked: 6, ..told }), "less than the client knows");
}
