//! An answer on its way out: encoded once, sent in the pieces that it lies in.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::Encodable;

use super::head::Head;

/// An answer's bytes, in pieces: records go out from where they are stored.
#[derive(Debug, Default)]
pub(crate) struct Answer(VecDeque<Bytes>);

impl Answer {
    /// Puts the length in front of what was pushed.
    pub(crate) fn push_front(&mut self, piece: Bytes) {
        self.0.push_front(piece);
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.0.push_back(piece);
        }
    }
}

impl Buf for Answer {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |piece| piece)
    }

    fn has_remaining(&self) -> bool {
        !self.0.is_empty()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.0) {
            *slice = IoSlice::new(piece);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let Some(front) = self.0.front_mut() else {
                return;
            };
            if front.len() > count {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.0.pop_front();
        }
    }
}

/// Encodes an answer: length, header, body.
pub(crate) fn encode(
    head: Head,
    header_version: i16,
    version: i16,
    body: &impl Encodable,
) -> Result<Answer, String> {
    let failed = |error| {
        format!(
            "the answer to {:?} version {version} cannot be encoded: {error}",
            head.key
        )
    };
    let body_bytes = body.compute_size(version).map_err(failed)?;
    let mut buffer = BytesMut::with_capacity(9 + body_bytes);
    buffer.put_i32(0);
    buffer.put_i32(head.correlation_id);
    if header_version >= 1 {
        buffer.put_u8(0);
    }
    body.encode(&mut buffer, version).map_err(failed)?;
    let length =
        i32::try_from(buffer.len() - 4).map_err(|_| "an answer of more than 2 GB".to_owned())?;
    buffer[0..4].copy_from_slice(&length.to_be_bytes());
    let mut answer = Answer::default();
    answer.push(buffer.freeze());
    Ok(answer)
}
