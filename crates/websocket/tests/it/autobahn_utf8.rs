//! Autobahn section 6: UTF-8, over frames, and Markus Kuhn's list of sequences (6.5 to 6.23), each
//! in one frame and again in fragments of one byte.
//!
//! 6.4.3 and 6.4.4 (an impossible byte in a frame that is still arriving) pass as NON-STRICT: the
//! codec judges a frame when it is whole.

use ackd_websocket::ProtocolError;

use crate::peer::RawFrame;
use crate::support::{Case, End, Received, case, check_all};

#[test]
fn empty_and_split_texts_arrive() {
    let text = "Hello-µ@ßöäüàá-UTF-8!!";
    let middle = "middle frame payload";
    let (head, tail) = ("Hello-µ@ßöä", "üàá-UTF-8!!");
    let three = |payload| [RawFrame::first_text(""), RawFrame::middle(payload), RawFrame::last("")];
    check_all([
        valid("6.1.1", [RawFrame::text("")], ""),
        valid("6.1.2", three(""), ""),
        valid("6.1.3", three(middle), middle),
        valid("6.2.1", [RawFrame::text(text)], text),
        valid("6.2.2", [RawFrame::first_text(head), RawFrame::last(tail)], text),
        valid("6.2.3", RawFrame::fragments(1, text.as_bytes(), 1), text),
        valid("6.2.4", RawFrame::fragments(1, KOSME, 1), str::from_utf8(KOSME).unwrap()),
    ]);
}

#[test]
fn impossible_byte_fails_at_the_end_of_its_frame() {
    let surrogate = [KOSME, b"\xed\xa0\x80edited"].concat();
    let beyond = [KOSME, b"\xf4\x90\x80\x80edited"].concat();
    let frames = |at: [usize; 2]| {
        let (head, rest) = beyond.split_at(at[0]);
        let (middle, _) = rest.split_at(at[1] - at[0]);
        // The last frame is never sent: the failure must not wait for it.
        [RawFrame::first_text(head), RawFrame::middle(middle)]
    };
    check_all([
        invalid("6.3.1", [RawFrame::text(&surrogate)]),
        invalid("6.3.2", RawFrame::fragments(1, &surrogate, 1)),
        invalid("6.3.2, up to the bad byte", RawFrame::fragments(1, &surrogate, 1)[..13].to_vec()),
        invalid("6.4.1", frames([11, 15])),
        invalid("6.4.2", frames([12, 13])),
        invalid("6.4.3 6.4.4", [RawFrame::text(&beyond)]),
    ]);
}

#[test]
fn sequences_of_kuhns_list_are_judged_rightly() {
    for (section, (title, sequences)) in kuhns_list().into_iter().enumerate() {
        for (index, (is_valid, bytes)) in sequences.into_iter().enumerate() {
            let name = format!("6.{}.{} {title}", section + 5, index + 1);
            let whole = [RawFrame::text(&bytes)];
            let fragments = RawFrame::fragments(1, &bytes, 1);
            if is_valid {
                let text = str::from_utf8(&bytes).unwrap();
                check_all([valid(&name, whole, text), valid(&name, fragments, text)]);
            } else {
                check_all([invalid(&name, whole), invalid(&name, fragments)]);
            }
        }
    }
}

type Section = (&'static str, Vec<(bool, Vec<u8>)>);

/// 6.5 to 6.23.
fn kuhns_list() -> Vec<Section> {
    [lengths_and_boundaries(), broken_sequences(), overlong_forms(), code_points()].concat()
}

/// 6.5 to 6.11.
fn lengths_and_boundaries() -> Vec<Section> {
    let correct: [&[u8]; 5] = [
        b"hello$world",
        "hello¢world".as_bytes(),
        "hello€world".as_bytes(),
        "hello\u{24b62}world".as_bytes(),
        KOSME,
    ];
    let first: [&[u8]; 4] = [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"];
    let last: [&[u8]; 4] = [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"];
    let first_long: [&[u8]; 2] = [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"];
    let last_long: [&[u8]; 3] =
        [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"];
    vec![
        ("correct", all(true, &correct)),
        ("prefixes", prefixes()),
        ("first of a length", all(true, &first)),
        ("first of length 5, 6", all(false, &first_long)),
        ("last of a length", all(true, &last)),
        ("last of length 4, 5, 6", all(false, &last_long)),
        ("other boundaries", boundaries()),
    ]
}

/// 6.12 to 6.16.
fn broken_sequences() -> Vec<Section> {
    let missing: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    vec![
        ("unexpected continuation", unexpected_continuations()),
        ("lonely starts", lonely_starts()),
        ("last byte missing", all(false, &missing)),
        ("incomplete, joined", vec![(false, missing.concat())]),
        ("impossible bytes", all(false, &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"])),
    ]
}

/// 6.17 to 6.19.
fn overlong_forms() -> Vec<Section> {
    let ascii: [&[u8]; 5] = [
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xf8\x80\x80\x80\xaf",
        b"\xfc\x80\x80\x80\x80\xaf",
    ];
    let maximum: [&[u8]; 5] = [
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf8\x87\xbf\xbf\xbf",
        b"\xfc\x83\xbf\xbf\xbf\xbf",
    ];
    let nul: [&[u8]; 5] = [
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf0\x80\x80\x80",
        b"\xf8\x80\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80\x80",
    ];
    vec![
        ("overlong ASCII", all(false, &ascii)),
        ("overlong maximum", all(false, &maximum)),
        ("overlong NUL", all(false, &nul)),
    ]
}

/// 6.20 to 6.23.
fn code_points() -> Vec<Section> {
    vec![
        ("single surrogates", all(false, &SURROGATES)),
        ("paired surrogates", paired_surrogates()),
        ("non-characters", non_characters()),
        ("specials", (0xb9..=0xbf).map(|last| (true, vec![0xef, 0xbf, last])).collect()),
    ]
}

fn all(is_valid: bool, list: &[&[u8]]) -> Vec<(bool, Vec<u8>)> {
    list.iter().map(|bytes| (is_valid, bytes.to_vec())).collect()
}

fn prefixes() -> Vec<(bool, Vec<u8>)> {
    let ends = [2, 5, 7, 9, 11];
    (1..=KOSME.len()).map(|end| (ends.contains(&end), KOSME[..end].to_vec())).collect()
}

fn boundaries() -> Vec<(bool, Vec<u8>)> {
    let list: [(bool, &[u8]); 5] = [
        (true, b"\xed\x9f\xbf"),
        (true, b"\xee\x80\x80"),
        (true, b"\xef\xbf\xbd"),
        (true, b"\xf4\x8f\xbf\xbf"),
        (false, b"\xf4\x90\x80\x80"),
    ];
    list.map(|(is_valid, bytes)| (is_valid, bytes.to_vec())).to_vec()
}

fn unexpected_continuations() -> Vec<(bool, Vec<u8>)> {
    let mut list = vec![(false, vec![0x80]), (false, vec![0xbf])];
    list.extend((2..=6).map(|length| (false, b"\x80\xbf\x80\xbf\x80\xbf"[..length].to_vec())));
    list.push((false, (0x80..0xbf).collect()));
    list
}

fn lonely_starts() -> Vec<(bool, Vec<u8>)> {
    [(0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb), (0xfc, 0xfd)]
        .map(|(from, to)| (false, (from..to).flat_map(|start| [start, b' ']).collect()))
        .to_vec()
}

fn paired_surrogates() -> Vec<(bool, Vec<u8>)> {
    let (high, low) = ([0, 1, 2, 3], [4, 6]);
    high.into_iter()
        .flat_map(|high| low.map(|low| (false, [SURROGATES[high], SURROGATES[low]].concat())))
        .collect()
}

fn non_characters() -> Vec<(bool, Vec<u8>)> {
    let planes = (0..=0x10).map(|plane: u32| plane << 16);
    planes
        .flat_map(|plane| [plane | 0xfffe, plane | 0xffff])
        .map(|point| {
            (true, char::from_u32(point).expect("not a surrogate").to_string().into_bytes())
        })
        .collect()
}

fn valid(name: &str, frames: impl IntoIterator<Item = RawFrame>, text: &str) -> Case {
    case(name, frames, [Received::Text(text.to_owned())], End::Open)
}

fn invalid(name: &str, frames: impl IntoIterator<Item = RawFrame>) -> Case {
    case(name, frames, [], End::Failed(ProtocolError::InvalidUtf8))
}

/// "κόσμε", the text of Kuhn's list: characters of 2, 3, 2, 2 and 2 bytes.
const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

/// 5.1 of the list: four high ones, three low ones.
const SURROGATES: [&[u8]; 7] = [
    b"\xed\xa0\x80",
    b"\xed\xad\xbf",
    b"\xed\xae\x80",
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbe\x80",
    b"\xed\xbf\xbf",
];
