//! What a service manager hears: a socket of the test's stands for systemd's.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::{Serving, ackd};

/// The next thing that is said, other than a sign of life.
fn hear(socket: &UnixDatagram, signs_of_life: &mut usize) -> String {
    let mut buf = [0; 1024];
    loop {
        let bytes = socket.recv(&mut buf).expect("something is said");
        let text = std::str::from_utf8(&buf[..bytes]).expect("text").trim_end().to_owned();
        if text != "WATCHDOG=1" {
            return text;
        }
        *signs_of_life += 1;
    }
}

#[test]
fn it_says_when_it_is_ready_reloads_and_stops_and_that_it_lives() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    let mut command = ackd(&["serve"]);
    command.current_dir(dir.path()).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "60000");
    let mut serving = Serving::spawn(&mut command);
    let mut signs_of_life = 0;
    assert_eq!(hear(&socket, &mut signs_of_life), "READY=1");
    serving.signal("-HUP");
    let reloading = hear(&socket, &mut signs_of_life);
    let at = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    assert!(at.is_some_and(|at| at.parse::<u64>().is_ok()), "{reloading}");
    assert_eq!(hear(&socket, &mut signs_of_life), "READY=1");
    let mut buf = [0; 1024];
    for _ in 0..3 {
        let bytes = socket.recv(&mut buf).expect("a sign of life");
        assert_eq!(buf[..bytes].trim_ascii_end(), b"WATCHDOG=1");
    }
    serving.signal("-TERM");
    assert_eq!(hear(&socket, &mut signs_of_life), "STOPPING=1");
    assert_eq!(serving.end(), Some(0));
}
