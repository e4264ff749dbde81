//! Free loopback ports for programs that need their port as an argument.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the ephemeral ports of outgoing connections (from 32768 on Linux): a connection could use such a
/// port between this search and the emulator's start, a second later.
const PORTS: Range<u16> = 20_000..32_000;

/// The distance between the first ports of consecutive process ids: large enough that processes started one after the
/// other search different ports.
const PROCESS_STRIDE: u32 = 97;

/// The number of searches of this process: two local clouds that start at the same time search different ports.
static SEARCHES: AtomicU32 = AtomicU32::new(0);

/// The distance between the first ports of consecutive searches of one process.
const SEARCH_STRIDE: u32 = 10;

/// Two unused addresses; `None` if all ports are in use.
pub fn free() -> Option<[SocketAddr; 2]> {
    let count = u32::from(PORTS.end - PORTS.start);
    let search = SEARCHES.fetch_add(1, Ordering::Relaxed);
    let first =
        std::process::id().wrapping_mul(PROCESS_STRIDE).wrapping_add(search.wrapping_mul(SEARCH_STRIDE)) % count;
    let mut free = (0..count)
        .filter_map(|step| u16::try_from((first + step) % count).ok())
        .map(|offset| SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS.start + offset)))
        .filter(|address| TcpListener::bind(address).is_ok());
    Some([free.next()?, free.next()?])
}
