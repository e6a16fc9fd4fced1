//! How many connections there may be: in all, and from one address. Whoever finds no place may still ask over HTTP why,
//! as long as not too many do.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// The connections that there are.
#[derive(Debug)]
pub(crate) struct Quota {
    connections_max: AtomicUsize,
    per_address_max: AtomicUsize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    connections: usize,
    by_address: FxHashMap<IpAddr, usize>,
    refused: usize,
}

/// One connection's part; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    quota: Arc<Quota>,
    address: IpAddr,
    refusal: Option<Full>,
}

/// Why a connection may not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// There are too many in all.
    Server,
    /// There are too many from its address.
    Address,
}

impl Quota {
    pub(crate) fn new(connections_max: usize, per_address_max: usize) -> Arc<Self> {
        let (connections_max, per_address_max) = (connections_max.into(), per_address_max.into());
        Arc::new(Self { connections_max, per_address_max, used: Mutex::default() })
    }

    /// Other limits from now on. Nobody who is in has to leave for them.
    pub(crate) fn change(&self, connections_max: usize, per_address_max: usize) {
        self.connections_max.store(connections_max, Ordering::Relaxed);
        self.per_address_max.store(per_address_max, Ordering::Relaxed);
    }

    /// A place for a connection from this address, perhaps only one to be refused at. `None`: not even that.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut used = self.used.lock();
        let refusal = self.refusal(&used, address);
        if refusal.is_none() {
            used.connections += 1;
            *used.by_address.entry(address).or_default() += 1;
        } else if used.refused < REFUSED_MAX {
            used.refused += 1;
        } else {
            return None;
        }
        Some(Place { quota: self.clone(), address, refusal })
    }

    fn refusal(&self, used: &Used, address: IpAddr) -> Option<Full> {
        if self.connections_max.load(Ordering::Relaxed) <= used.connections {
            return Some(Full::Server);
        }
        let here = used.by_address.get(&address).copied().unwrap_or_default();
        (self.per_address_max.load(Ordering::Relaxed) <= here).then_some(Full::Address)
    }
}

impl Place {
    /// Why the connection may not become a WebSocket, if it may not.
    pub(super) fn refusal(&self) -> Option<Full> {
        self.refusal
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut used = self.quota.used.lock();
        if self.refusal.is_some() {
            used.refused -= 1;
            return;
        }
        used.connections -= 1;
        if let Some(count) = used.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                used.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: of IPv6, what one site is given (a /64).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Connections that are only told that there is no place.
const REFUSED_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let quota = Quota::new(3, 2);
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let refusal = |address| quota.take(address).unwrap().refusal();
        let places = (quota.take(here).unwrap(), quota.take(here).unwrap());
        assert_eq!(refusal(here), Some(Full::Address));
        let third = quota.take(there).unwrap();
        assert_eq!(refusal(there), Some(Full::Server));
        drop((places, third));
        assert_eq!(refusal(here), None);
    }

    #[test]
    fn limits_that_become_smaller_send_nobody_away() {
        let quota = Quota::new(3, 3);
        let here = IpAddr::from([127, 0, 0, 1]);
        let mut places = vec![quota.take(here).unwrap(), quota.take(here).unwrap()];
        quota.change(9, 1);
        assert_eq!(quota.take(here).unwrap().refusal(), Some(Full::Address));
        places.pop();
        assert_eq!(quota.take(here).unwrap().refusal(), Some(Full::Address));
        quota.change(1, 9);
        assert_eq!(quota.take(here).unwrap().refusal(), Some(Full::Server));
        quota.change(2, 2);
        assert_eq!(quota.take(here).unwrap().refusal(), None);
        assert!(places.iter().all(|place| place.refusal().is_none()));
    }

    #[test]
    fn refused_connections_are_limited_too() {
        let quota = Quota::new(1, 1);
        let address = IpAddr::from([10, 0, 0, 1]);
        let held: Vec<_> = std::iter::repeat_with(|| quota.take(address)).take(257).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(quota.take(address).is_none());
        drop(held);
        assert_eq!(quota.take(address).unwrap().refusal(), None);
    }

    #[test]
    fn addresses_of_one_ipv6_site_are_one() {
        let quota = Quota::new(9, 1);
        let take = |address: &str| quota.take(address.parse().unwrap()).unwrap();
        let _one = take("2001:db8::1");
        assert_eq!(take("2001:db8::2").refusal(), Some(Full::Address));
        assert_eq!(take("2001:db8:0:1::2").refusal(), None);
        let _mapped = take("::ffff:10.0.0.1");
        assert_eq!(take("10.0.0.1").refusal(), Some(Full::Address));
    }
}
