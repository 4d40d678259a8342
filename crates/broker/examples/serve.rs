//! The embedded broker by itself, until its input ends or Ctrl-C: `cargo run -p quaystream-broker --example serve [127.0.0.1:9092]`.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use broker::{Broker, Settings};

fn main() {
    tracing_subscriber::fmt().init();
    let listen = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let broker = Broker::start(Settings {
        listen: listen.parse().unwrap(),
        ..Settings::default()
    })
    .unwrap();
    println!("bootstrap.servers={}", broker.bootstrap());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
    broker.stop();
}
