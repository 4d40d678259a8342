//! A proxy before one broker that loses requests or responses of one kind, or everything.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

// Kafka's numbers of requests.
pub const OFFSET_COMMIT: i32 = 8;
pub const OFFSET_FETCH: i32 = 9;
pub const ADD_OFFSETS_TO_TXN: i32 = 25;
/// The one that ends a transaction.
pub const END_TXN: i32 = 26;
pub const TXN_OFFSET_COMMIT: i32 = 28;
const NOTHING: i32 = -1;

#[derive(Default)]
struct Faults {
    lost_request: AtomicI32,
    lost_response: AtomicI32,
    cut: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

pub struct Proxy {
    port: u16,
    faults: Arc<Faults>,
}

impl Proxy {
    pub fn start(broker: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let port = listener.local_addr().expect("address").port();
        let broker = broker.replace("localhost", "127.0.0.1");
        let faults = Arc::new(Faults::default());
        let proxy = Proxy {
            port,
            faults: faults.clone(),
        };
        proxy.lose_nothing();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if faults.cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&broker) else {
                    continue;
                };
                pass(client, server, port, &faults);
            }
        });
        proxy
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn lose_requests(&self, kind: i32) {
        self.faults.lost_request.store(kind, Ordering::SeqCst);
    }

    pub fn lose_responses(&self, kind: i32) {
        self.faults.lost_response.store(kind, Ordering::SeqCst);
    }

    pub fn lose_nothing(&self) {
        self.lose_requests(NOTHING);
        self.lose_responses(NOTHING);
    }

    /// Closes all connections, and takes no new ones until [`Self::mend`].
    pub fn cut(&self) {
        self.faults.cut.store(true, Ordering::SeqCst);
        for stream in self.faults.open.lock().expect("lock").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.faults.cut.store(false, Ordering::SeqCst);
    }
}

fn pass(client: TcpStream, server: TcpStream, port: u16, faults: &Arc<Faults>) {
    let broker_port = server.peer_addr().expect("peer").port();
    client.set_nodelay(true).expect("nodelay");
    server.set_nodelay(true).expect("nodelay");
    let clone = |stream: &TcpStream| stream.try_clone().expect("clone");
    faults
        .open
        .lock()
        .expect("lock")
        .extend([clone(&client), clone(&server)]);
    let kinds: Arc<Mutex<HashMap<i32, i32>>> = Arc::default();

    let (mut from, mut to) = (clone(&client), clone(&server));
    let (asked, told) = (kinds.clone(), faults.clone());
    std::thread::spawn(move || {
        while let Some(frame) = frame(&mut from) {
            let kind = i32::from(i16::from_be_bytes([frame[4], frame[5]]));
            let correlation = i32::from_be_bytes([frame[8], frame[9], frame[10], frame[11]]);
            asked.lock().expect("lock").insert(correlation, kind);
            if told.lost_request.load(Ordering::SeqCst) != kind && to.write_all(&frame).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to, told) = (server, client, faults.clone());
    std::thread::spawn(move || {
        while let Some(mut frame) = frame(&mut from) {
            let correlation = i32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]);
            let kind = kinds.lock().expect("lock").remove(&correlation);
            redirect(&mut frame, broker_port, port);
            if Some(told.lost_response.load(Ordering::SeqCst)) != kind
                && to.write_all(&frame).is_err()
            {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        std::thread::sleep(Duration::from_millis(1));
    });
}

/// One length-prefixed message, prefix included.
fn frame(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut frame = vec![0; 4 + u32::from_be_bytes(length) as usize];
    frame[..4].copy_from_slice(&length);
    from.read_exact(&mut frame[4..]).ok()?;
    (frame.len() >= 12).then_some(frame)
}

/// The broker's address in metadata and coordinator answers becomes the proxy's.
fn redirect(frame: &mut [u8], broker: u16, proxy: u16) {
    const HOST: &[u8] = b"127.0.0.1";
    let broker = u32::from(broker).to_be_bytes();
    for at in 0..frame.len().saturating_sub(HOST.len() + 3) {
        if frame[at..].starts_with(HOST) && frame[at + HOST.len()..].starts_with(&broker) {
            frame[at + HOST.len()..][..4].copy_from_slice(&u32::from(proxy).to_be_bytes());
        }
    }
}
