//! Every code of the contract's section 6, and the test on real sockets in which it is heard. A code that is added to the
//! contract or to the program without such a test fails here; so does a test that is gone or does not name its code.

use std::path::Path;

use ackd_wire::{CloseCode, ErrorCode};

/// Codes of `error` frames.
const ERRORS: &[(&str, &str, &str)] = &[
    ("bad_ack", "tests/it/acks.rs", "a_seq_beyond_the_end_is_an_error_and_settles_nothing"),
    ("bad_frame", "tests/it/batches.rs", "a_bad_frame_spoils_no_other_and_keeps_its_ref"),
    ("forbidden", "tests/it/refusals.rs", "what_policy_forbids_is_forbidden"),
    ("gap", "tests/it/outboxes.rs", "what_the_store_cannot_take_at_once_is_repeated_in_order"),
    ("internal", FAILING, "a_panic_is_told_as_internal_and_1011_and_ends_nobody_else"),
    ("mailbox_full", "tests/it/refusals.rs", "one_sender_has_a_share_and_the_others_are_not_hurt"),
    ("not_a_member", "tests/it/rooms.rs", "sending_needs_membership_and_the_sender_gets_no_copy"),
    ("not_connected", "tests/it/closing.rs", "a_bad_first_frame_is_4400"),
    ("outbox_taken", "tests/it/outboxes.rs", "a_later_connection_takes_the_outbox_over"),
    ("outcome_unknown", "tests/it/outboxes.rs", "of_a_number_that_is_too_old_nobody_knows"),
    (
        "rate_limited",
        "tests/it/outboxes.rs",
        "what_the_store_cannot_take_at_once_is_repeated_in_order",
    ),
    ("refused", "tests/it/outboxes.rs", "a_refused_number_stays_refused_once_a_higher_one_is_in"),
    ("store_unavailable", FAILING, DISK_FAILS),
    (
        "too_large",
        "tests/it/refusals.rs",
        "max_message_counts_the_bytes_of_the_body_as_it_was_sent",
    ),
    (
        "unauthorized",
        "tests/it/closing.rs",
        "a_wrong_token_is_4401_and_what_policy_forbids_is_4403",
    ),
    ("unknown_identity", "tests/it/identities.rs", "an_id_that_nobody_holds_is_unknown"),
    (
        "unknown_recipient",
        "tests/it/refusals.rs",
        "mail_to_nobody_is_refused_or_waits_as_configured",
    ),
];

/// Close codes.
const CLOSES: &[(&str, &str, &str)] = &[
    ("1000", "tests/it/closing.rs", "a_close_is_echoed_and_the_connection_ends"),
    ("1001", "tests/it/lifecycle.rs", "a_drain_says_goodbye_to_everyone_and_stores_what_waits"),
    ("1002", "tests/it/framing.rs", "what_breaks_the_protocol_is_1002"),
    ("1003", "tests/it/framing.rs", "binary_where_json_is_spoken_is_1003"),
    ("1007", "tests/it/framing.rs", "a_text_that_is_not_utf_8_is_1007"),
    (
        "1009",
        "tests/it/framing.rs",
        "a_message_over_sixteen_times_max_message_is_1009_from_its_header_on",
    ),
    ("1011", FAILING, "a_panic_is_told_as_internal_and_1011_and_ends_nobody_else"),
    (
        "4400",
        "tests/it/closing.rs",
        "ten_bad_frames_in_a_row_are_4400_and_a_good_one_between_starts_anew",
    ),
    ("4401", "tests/it/closing.rs", "a_wrong_token_is_4401_and_what_policy_forbids_is_4403"),
    ("4403", "tests/it/closing.rs", "a_wrong_token_is_4401_and_what_policy_forbids_is_4403"),
    ("4503", FAILING, DISK_FAILS),
    (
        "4508",
        "tests/it/handshake.rs",
        "a_connection_that_does_not_connect_in_time_is_closed_with_4508",
    ),
];

/// HTTP statuses before the upgrade.
const STATUSES: &[(&str, &str, &str)] = &[
    ("403", "tests/it/handshake.rs", "a_foreign_origin_is_refused_and_none_at_all_is_no_browser"),
    (
        "429",
        "tests/it/handshake.rs",
        "one_connection_too_many_from_an_address_is_429_until_another_ends",
    ),
    (
        "503",
        "tests/it/handshake.rs",
        "one_connection_too_many_in_all_is_503_and_health_is_still_told",
    ),
    ("503", "tests/it/lifecycle.rs", "while_it_drains_nobody_new_is_let_in"),
];

const FAILING: &str = "src/socket/connection/tests/failing.rs";
const DISK_FAILS: &str =
    "a_disk_that_fails_is_told_as_store_unavailable_and_to_newcomers_with_4503";

fn crate_file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The contract's section of this number.
fn section(number: u32) -> String {
    let contract = crate_file("../../docs/protocol.md");
    let start = contract.find(&format!("\n## {number}. ")).expect("the section");
    let section = &contract[start + 1..];
    section[..section.find("\n## ").unwrap_or(section.len())].to_owned()
}

/// The text of a test function.
fn test(path: &str, name: &str) -> String {
    let file = crate_file(path);
    let start = file.find(&format!("async fn {name}() {{")).expect(name);
    let test = &file[start..];
    test[..test.find("\n}\n").expect("its end")].to_owned()
}

fn check_tests(table: &[(&str, &str, &str)]) {
    for (code, path, name) in table {
        assert!(test(path, name).contains(code), "{path}: {name} does not name {code}");
    }
}

#[test]
fn every_error_code_is_heard_in_a_test() {
    let known: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let tested: Vec<_> = ERRORS.iter().map(|(code, ..)| *code).collect();
    assert_eq!(tested, known);
    let section = section(6);
    let list = section.split_once("- `error` codes: ").expect("the list").1;
    let list = list.split_once(". With").expect("its end").0;
    let mut named: Vec<_> = list.split('`').skip(1).step_by(2).collect();
    named.sort_unstable();
    assert_eq!(named, known, "the contract's list");
    check_tests(ERRORS);
}

#[test]
fn every_close_code_is_heard_in_a_test() {
    let known: Vec<_> = CloseCode::ALL.iter().map(|code| code.code().to_string()).collect();
    let tested: Vec<_> = CLOSES.iter().map(|(code, ..)| *code).collect();
    assert_eq!(tested, known);
    let section = section(6);
    let list = section.split_once("- Close codes: ").expect("the list").1;
    let words = list.split(|c: char| !c.is_alphanumeric());
    let is_code = |word: &&str| word.len() == 4 && word.bytes().all(|c| c.is_ascii_digit());
    assert_eq!(words.filter(is_code).collect::<Vec<_>>(), tested, "the contract's list");
    check_tests(CLOSES);
}

#[test]
fn every_refusal_before_the_upgrade_is_heard_in_a_test() {
    let section = section(6);
    let line = section.lines().find(|line| line.contains("Refused before the upgrade"));
    for (status, ..) in STATUSES {
        assert!(line.expect("the rule").contains(status), "{status}");
    }
    check_tests(STATUSES);
}
