//! One connection: a frame comes in, is answered, and only then the next is looked at, as in Apache Kafka.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::timeout;

use crate::api::{Caller, dispatch};
use crate::shared::{SMALL_FRAME_BYTES, Shared};

/// How long a frame that has begun may take to arrive, and an answer to be taken.
const TRANSFER_WITHIN: Duration = Duration::from_secs(60);
const LENGTH_BYTES: usize = 4;
/// A buffer that grew beyond this for one frame is not kept for the next.
const KEPT_BUFFER_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Key, version and correlation id.
const FRAME_LEAST_BYTES: usize = 8;

/// Serves a client until it closes the connection or breaks the protocol.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "no-delay refused");
    }
    match exchange(shared, stream, peer).await {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::TimedOut) => {
            tracing::warn!(%peer, %error, "connection closed");
        }
        Err(error) => tracing::debug!(%peer, %error, "connection lost"),
    }
}

fn invalid(why: String) -> std::io::Error {
    std::io::Error::new(ErrorKind::InvalidData, why)
}

async fn exchange(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) -> std::io::Result<()> {
    let (mut reader, mut writer) = stream.into_split();
    let mut buffer = BytesMut::with_capacity(SMALL_FRAME_BYTES);
    let mut caller = Caller {
        shared,
        host: peer.ip().to_string(),
        client_id: String::new(),
    };
    loop {
        let Some(length) = read_length(&caller.shared, &mut reader, &mut buffer).await? else {
            return Ok(());
        };
        let units = u32::try_from(length / SMALL_FRAME_BYTES).unwrap_or(u32::MAX);
        let room = Arc::clone(&caller.shared.frames)
            .acquire_many_owned(units)
            .await
            .map_err(|_| invalid("the broker stops".to_owned()))?;
        fill(&mut reader, &mut buffer, LENGTH_BYTES + length).await?;
        let mut frame = buffer.split_to(LENGTH_BYTES + length);
        let frame = frame.split_off(LENGTH_BYTES).freeze();
        if length > KEPT_BUFFER_MAX_BYTES {
            buffer = BytesMut::from(&buffer[..]);
        }
        let answer = dispatch::answer(&mut caller, frame, room)
            .await
            .map_err(invalid)?;
        if let Some(mut answer) = answer {
            timeout(TRANSFER_WITHIN, writer.write_all_buf(&mut answer)).await??;
        }
    }
}

/// Waits for a frame and reads its length; `None` when the client closed the connection.
async fn read_length(
    shared: &Shared,
    reader: &mut OwnedReadHalf,
    buffer: &mut BytesMut,
) -> std::io::Result<Option<usize>> {
    if buffer.is_empty() {
        buffer.reserve(SMALL_FRAME_BYTES);
        if reader.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    fill(reader, buffer, LENGTH_BYTES).await?;
    let stated = i32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]);
    let length =
        usize::try_from(stated).map_err(|_| invalid(format!("a frame of {stated} bytes")))?;
    let most = shared.settings.request_max_bytes;
    if length < FRAME_LEAST_BYTES || length > most {
        return Err(invalid(format!(
            "a frame of {length} bytes, where {FRAME_LEAST_BYTES} to {most} are permitted"
        )));
    }
    Ok(Some(length))
}

/// Reads until the buffer holds `bytes`.
async fn fill(
    reader: &mut OwnedReadHalf,
    buffer: &mut BytesMut,
    bytes: usize,
) -> std::io::Result<()> {
    if buffer.len() >= bytes {
        return Ok(());
    }
    buffer.reserve(bytes - buffer.len());
    let reading = async {
        while buffer.len() < bytes {
            if reader.read_buf(buffer).await? == 0 {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof));
            }
        }
        Ok(())
    };
    timeout(TRANSFER_WITHIN, reading).await?
}
