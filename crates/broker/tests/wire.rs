//! A client that speaks the protocol byte by byte, for what a well-behaved client never does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::RequestHeader;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};

pub struct Wire {
    stream: TcpStream,
    correlation_id: i32,
}

impl Wire {
    pub fn connect(bootstrap: &str) -> Self {
        let stream = TcpStream::connect(bootstrap.split(',').next().unwrap()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self {
            stream,
            correlation_id: 0,
        }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Whether the other side closed the connection.
    pub fn is_closed(&mut self) -> bool {
        let mut byte = [0u8; 1];
        match self.stream.read(&mut byte) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => !matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            ),
        }
    }

    pub fn send<R: Request>(&mut self, request: &R, version: i16) {
        self.correlation_id += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("wire")));
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        header
            .encode(&mut frame, R::header_version(version))
            .unwrap();
        request
            .encode(&mut frame, version)
            .unwrap_or_else(|error| panic!("key {} version {version}: {error}", R::KEY));
        let length = i32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&length.to_be_bytes());
        self.send_raw(&frame).unwrap();
    }

    pub fn receive_frame(&mut self) -> std::io::Result<Bytes> {
        let mut length = [0u8; 4];
        self.stream.read_exact(&mut length)?;
        let mut frame = vec![0u8; usize::try_from(i32::from_be_bytes(length)).unwrap()];
        self.stream.read_exact(&mut frame)?;
        Ok(Bytes::from(frame))
    }

    pub fn receive<R: Request>(&mut self, version: i16) -> R::Response {
        let mut frame = self
            .receive_frame()
            .unwrap_or_else(|error| panic!("key {} version {version}: {error}", R::KEY));
        assert_eq!(frame.get_i32(), self.correlation_id);
        if R::Response::header_version(version) >= 1 {
            assert_eq!(frame.get_u8(), 0, "tagged fields in a header");
        }
        let response = R::Response::decode(&mut frame, version)
            .unwrap_or_else(|error| panic!("key {} version {version}: {error}", R::KEY));
        assert!(
            frame.is_empty(),
            "key {} version {version}: {} bytes left over",
            R::KEY,
            frame.len()
        );
        response
    }

    pub fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.send(request, version);
        self.receive::<R>(version)
    }
}

pub fn text(words: &str) -> StrBytes {
    StrBytes::from_string(words.to_owned())
}

/// One batch of records, as a producer would send it.
#[derive(Debug, Clone, Copy)]
pub struct BatchSpec<'a> {
    pub values: &'a [&'a str],
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
    pub transactional: bool,
    pub timestamp_ms: i64,
    pub gzip: bool,
}

impl Default for BatchSpec<'_> {
    fn default() -> Self {
        Self {
            values: &["v"],
            producer_id: -1,
            epoch: -1,
            sequence: -1,
            transactional: false,
            timestamp_ms: 1_000,
            gzip: false,
        }
    }
}

fn varint(buffer: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while zigzag >= 0x80 {
        buffer.push((zigzag & 0x7f) as u8 | 0x80);
        zigzag >>= 7;
    }
    buffer.push(zigzag as u8);
}

pub fn batch(spec: BatchSpec<'_>) -> Bytes {
    let mut records = Vec::new();
    for (number, value) in spec.values.iter().enumerate() {
        let mut record = vec![0u8];
        varint(&mut record, 0);
        varint(&mut record, i64::try_from(number).unwrap());
        varint(&mut record, 1);
        // A key of its own: a compacted topic keeps the batch whole.
        record.push(b'k' + u8::try_from(number).unwrap());
        varint(&mut record, i64::try_from(value.len()).unwrap());
        record.extend_from_slice(value.as_bytes());
        varint(&mut record, 0);
        varint(&mut records, i64::try_from(record.len()).unwrap());
        records.extend_from_slice(&record);
    }
    if spec.gzip {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&records).unwrap();
        records = encoder.finish().unwrap();
    }
    let count = i32::try_from(spec.values.len()).unwrap();
    let attributes = i16::from(spec.gzip) | if spec.transactional { 0x10 } else { 0 };
    let mut checked = BytesMut::new();
    checked.put_i16(attributes);
    checked.put_i32(count - 1);
    checked.put_i64(spec.timestamp_ms);
    checked.put_i64(spec.timestamp_ms);
    checked.put_i64(spec.producer_id);
    checked.put_i16(spec.epoch);
    checked.put_i32(spec.sequence);
    checked.put_i32(count);
    checked.put_slice(&records);
    let mut batch = BytesMut::new();
    batch.put_i64(0);
    batch.put_i32(i32::try_from(9 + checked.len()).unwrap());
    batch.put_i32(-1);
    batch.put_i8(2);
    batch.put_u32(crc32c::crc32c(&checked));
    batch.put_slice(&checked);
    batch.freeze()
}
