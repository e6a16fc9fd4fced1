//! How many connections there may be: in all, and from one address.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// The connections that there are.
#[derive(Debug)]
pub(crate) struct Quota {
    connections_max: usize,
    per_address_max: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    connections: usize,
    by_address: FxHashMap<IpAddr, usize>,
}

/// One connection's part; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    quota: Arc<Quota>,
    address: IpAddr,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// In all.
    Server,
    /// For this address.
    Address,
}

impl Quota {
    pub(crate) fn new(connections_max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { connections_max, per_address_max, used: Mutex::default() })
    }

    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Full> {
        let mut used = self.used.lock();
        if self.connections_max <= used.connections {
            return Err(Full::Server);
        }
        let by_address = used.by_address.entry(address).or_default();
        if self.per_address_max <= *by_address {
            return Err(Full::Address);
        }
        *by_address += 1;
        used.connections += 1;
        Ok(Seat { quota: self.clone(), address })
    }

    /// Connections now.
    pub(super) fn connections(&self) -> usize {
        self.used.lock().connections
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut used = self.quota.used.lock();
        used.connections -= 1;
        if let Some(count) = used.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                used.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let quota = Quota::new(3, 2);
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let seats = (quota.take(here).unwrap(), quota.take(here).unwrap());
        assert_eq!(quota.take(here).unwrap_err(), Full::Address);
        let third = quota.take(there).unwrap();
        assert_eq!(quota.take(there).unwrap_err(), Full::Server);
        drop((seats, third));
        assert_eq!(quota.connections(), 0);
        assert!(quota.take(here).is_ok());
    }
}
