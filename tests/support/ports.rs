//! The ports of a `SeaweedFS`: also for the benchmarks of xtask, which includes this file.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

/// The flags that take one each.
pub(crate) const FLAGS: [&str; 8] = [
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
];

/// As many that nobody listens on just now, all different.
pub(crate) fn free() -> io::Result<[u16; 8]> {
    // All are held until the last one is found.
    let all = FLAGS.iter().map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<io::Result<Vec<_>>>()?;
    let mut ports = [0; 8];
    for (port, held) in ports.iter_mut().zip(&all) {
        *port = held.local_addr().as_ref().map(SocketAddr::port).map_err(|error| io::Error::from(error.kind()))?;
    }
    Ok(ports)
}
