use super::*;

fn id(seq: Seq) -> MessageId {
    MessageId(u128::from(seq).to_be_bytes())
}

fn in_flight(seq: Seq) -> InFlight {
    InFlight { seq, id: id(seq), attempt: 1, timeouts: 0, due: 100, at: 10 * seq }
}

#[test]
fn a_message_next_in_line_is_delivered_until_the_window_is_full() {
    let mut window = Window::new(2, 0, 0);
    for seq in 1..=2 {
        assert!(window.grow(seq));
        window.deliver(in_flight(seq));
    }
    assert!(!window.grow(3), "the window is full");
    assert_eq!(window.next_read(), None);
    window.settle_up_to(1, |_| {});
    assert_eq!(window.next_read(), Some((2, 1)), "one place is free: read on behind 2");
    assert_eq!(window.next_read(), None, "one read at a time");
}

#[test]
fn a_lagging_connection_takes_nothing_out_of_line() {
    let mut window = Window::new(8, 0, 5);
    assert!(!window.grow(6), "1 to 5 come first");
    assert_eq!(window.next_read(), Some((0, 8)));
    assert!(!window.grow(7), "a page is on its way");
    window.page(6, 6);
    assert_eq!(window.next_read(), Some((6, 8)), "7 was not in the page");
    window.page(7, 7);
    assert_eq!(window.next_read(), None);
    assert!(window.grow(8));
}

#[test]
fn a_place_reserved_for_a_page_is_not_given_to_live_messages() {
    let mut window = Window::new(2, 0, 9);
    assert_eq!(window.next_read(), Some((0, 2)));
    assert!(!window.deliver_live(id(99), 0, 50));
    window.page(2, 9);
    window.deliver(in_flight(1));
    window.deliver(in_flight(2));
    assert_eq!(window.free(), 0);
}

#[test]
fn an_ack_ahead_of_delivery_skips_what_it_covers() {
    let mut window = Window::new(4, 0, 10);
    window.settle_up_to(7, |_| {});
    assert_eq!(window.next_read(), Some((7, 4)));
}

#[test]
fn settling_by_id_and_seq_frees_places() {
    let mut window = Window::new(4, 0, 0);
    for seq in 1..=4 {
        assert!(window.grow(seq));
        window.deliver(in_flight(seq));
    }
    assert_eq!(window.settle_id(id(3)).map(|message| message.seq), Some(3));
    assert!(window.settle_id(id(3)).is_none());
    assert!(window.settle(2) && !window.settle(2));
    assert_eq!(window.unacked(), [(1, 1), (4, 1)]);
    assert_eq!(window.free(), 2);
}

#[test]
fn what_is_due_is_fetched_once_and_keeps_its_place() {
    let mut window = Window::new(2, 0, 0);
    assert!(window.grow(1));
    window.deliver(in_flight(1));
    assert!(window.take_due(99).is_empty());
    assert_eq!(window.take_due(100).len(), 1);
    assert!(window.take_due(1_000).is_empty(), "it is being fetched");
    assert_eq!(window.free(), 1);
    let entry = window.get_mut(1).expect("still in flight");
    (entry.due, entry.attempt) = (200, 2);
    assert_eq!(window.deadline(), Some(200));
}

#[test]
fn live_messages_fall_due_together() {
    let mut window = Window::new(3, 0, 0);
    assert!(window.deliver_live(id(1), 5, 10) && window.deliver_live(id(2), 6, 20));
    assert_eq!(window.take_live_due(10), [id(1)]);
    assert_eq!((window.settle_live(id(2)), window.settle_live(id(2))), (Some(6), None));
    assert_eq!(window.deadline(), None);
}
