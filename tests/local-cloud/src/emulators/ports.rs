//! Free loopback ports for programs that want to be told theirs.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the ports that systems give to outgoing connections (from 32768 on Linux): one of those
/// could be taken between our look and the emulator's start, a second later.
const PORTS: Range<u16> = 20_000..32_000;

/// Apart enough that processes started one after the other do not look at the same ports.
const PROCESS_STRIDE: u32 = 97;

/// How often this process has looked: two that start at once look at different ports.
static SEARCHES: AtomicU32 = AtomicU32::new(0);

/// Ports between the looks of one process.
const SEARCH_STRIDE: u32 = 10;

/// Two addresses that nobody listens on, or None where all are taken.
pub fn free() -> Option<[SocketAddr; 2]> {
    let count = u32::from(PORTS.end - PORTS.start);
    let search = SEARCHES.fetch_add(1, Ordering::Relaxed);
    let first = std::process::id().wrapping_mul(PROCESS_STRIDE).wrapping_add(search.wrapping_mul(SEARCH_STRIDE)) % count;
    let mut free = (0..count)
        .filter_map(|step| u16::try_from((first + step) % count).ok())
        .map(|offset| SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + offset)))
        .filter(|address| TcpListener::bind(address).is_ok());
    Some([free.next()?, free.next()?])
}
