//! Requests by kind: which versions are offered, how a frame is read, and who answers it.
//!
//! The codec refuses to encode a field that the negotiated version does not have; handlers that set such fields look
//! at the version first, and a test sends every request at every version offered.

pub(crate) mod api_versions;
pub(crate) mod cluster;
pub(crate) mod configs;
pub(crate) mod delete_records;
pub(crate) mod fetch;
pub(crate) mod fetch_encoding;
pub(crate) mod group_admin;
pub(crate) mod group_members;
pub(crate) mod list_offsets;
pub(crate) mod metadata;
pub(crate) mod offsets;
pub(crate) mod produce;
pub(crate) mod topics;
pub(crate) mod transactions;

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use tokio::sync::OwnedSemaphorePermit;

use crate::schema;
use crate::shared::Shared;

/// Largest request other than those that carry records or assignments.
const PLAIN_REQUEST_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Who asks.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) shared: Arc<Shared>,
    pub(crate) host: String,
    pub(crate) client_id: String,
}

/// The requests that are answered, and from which version to which. Version 13 and later of Produce, 10 and later of
/// the offset requests and transactions of the second kind are newer than what the broker does.
pub(crate) const OFFERED: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 3, 11),
    (ApiKey::Fetch, 4, 16),
    (ApiKey::ListOffsets, 1, 9),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::OffsetCommit, 2, 9),
    (ApiKey::OffsetFetch, 1, 9),
    (ApiKey::FindCoordinator, 0, 5),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 6),
    (ApiKey::ListGroups, 0, 5),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::AddPartitionsToTxn, 0, 3),
    (ApiKey::AddOffsetsToTxn, 0, 4),
    (ApiKey::EndTxn, 0, 4),
    (ApiKey::TxnOffsetCommit, 0, 4),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::OffsetDelete, 0, 0),
    (ApiKey::DescribeCluster, 0, 2),
    (ApiKey::DescribeProducers, 0, 0),
];

/// What is known of a request before its body is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
}

/// An answer's bytes, in pieces: records go out from where they are stored.
#[derive(Debug, Default)]
pub(crate) struct Answer(VecDeque<Bytes>);

impl Answer {
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

/// Answers one frame; `Ok(None)` when no answer is wanted, an error when the connection is to be closed.
pub(crate) async fn answer(
    caller: &mut Caller,
    mut frame: Bytes,
    room: OwnedSemaphorePermit,
) -> Result<Option<Answer>, String> {
    let whole_bytes = frame.len();
    let (head, client_id) = read_head(&mut frame)?;
    let offered = OFFERED.iter().find(|(key, _, _)| *key == head.key);
    let is_offered =
        offered.is_some_and(|(_, least, most)| (*least..=*most).contains(&head.version));
    if !is_offered && head.key == ApiKey::ApiVersions {
        return api_versions::unsupported(head).map(Some);
    }
    if !is_offered {
        return Err(format!(
            "version {} of {:?} is not offered",
            head.version, head.key
        ));
    }
    let is_large = matches!(
        head.key,
        ApiKey::Produce | ApiKey::SyncGroup | ApiKey::JoinGroup
    );
    if !is_large && whole_bytes > PLAIN_REQUEST_MAX_BYTES {
        return Err(format!(
            "{:?} with {whole_bytes} bytes: at most {PLAIN_REQUEST_MAX_BYTES} are permitted",
            head.key
        ));
    }
    if !schema::is_sound(head.key, head.version, &frame) {
        return Err(format!(
            "{:?} version {} cannot be read",
            head.key, head.version
        ));
    }
    if caller.client_id != client_id {
        caller.client_id = client_id;
    }
    dispatch(caller, head, frame, room).await
}

fn read_head(frame: &mut Bytes) -> Result<(Head, String), String> {
    let cut = |_| "a request that ends within its header".to_owned();
    let number = frame.try_get_i16().map_err(cut)?;
    let version = frame.try_get_i16().map_err(cut)?;
    let correlation_id = frame.try_get_i32().map_err(cut)?;
    let key = ApiKey::try_from(number).map_err(|()| format!("request kind {number} is unknown"))?;
    let client_bytes = usize::try_from(frame.try_get_i16().map_err(cut)?).unwrap_or(0);
    if client_bytes > frame.len() {
        return Err("a client id that goes beyond its frame".to_owned());
    }
    let client_id = String::from_utf8_lossy(&frame.split_to(client_bytes)).into_owned();
    if key.request_header_version(version) >= 2 {
        skip_tagged(frame).ok_or("tagged fields that go beyond their frame")?;
    }
    Ok((
        Head {
            key,
            version,
            correlation_id,
        },
        client_id,
    ))
}

fn skip_tagged(frame: &mut Bytes) -> Option<()> {
    for _ in 0..unsigned(frame)? {
        unsigned(frame)?;
        let length = usize::try_from(unsigned(frame)?).ok()?;
        if length > frame.len() {
            return None;
        }
        frame.advance(length);
    }
    Some(())
}

fn unsigned(frame: &mut Bytes) -> Option<u32> {
    let mut value = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = frame.try_get_u8().ok()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
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

fn decode<T: Decodable>(head: Head, frame: &mut Bytes) -> Result<T, String> {
    T::decode(frame, head.version)
        .map_err(|error| format!("{:?} version {}: {error}", head.key, head.version))
}

fn reply(head: Head, body: &impl Encodable) -> Result<Option<Answer>, String> {
    let answer = encode(
        head,
        head.key.response_header_version(head.version),
        head.version,
        body,
    );
    if let Err(error) = &answer {
        tracing::error!(%error, "this is a fault of the embedded broker");
    }
    answer.map(Some)
}

/// Decodes, answers and encodes a request whose handler does not wait.
macro_rules! plain {
    ($caller:ident, $head:ident, $frame:ident, $request:ty, $handler:path) => {{
        let request = decode::<$request>($head, &mut $frame)?;
        reply($head, &$handler($caller, $head.version, request))
    }};
}

async fn dispatch(
    caller: &Caller,
    head: Head,
    mut frame: Bytes,
    room: OwnedSemaphorePermit,
) -> Result<Option<Answer>, String> {
    match head.key {
        ApiKey::Produce => {
            let request = decode::<ProduceRequest>(head, &mut frame)?;
            let wants_answer = request.acks != 0;
            let response = produce::handle(caller, head.version, request);
            drop(room);
            if wants_answer {
                reply(head, &response)
            } else {
                Ok(None)
            }
        }
        ApiKey::Fetch => {
            let request = decode::<FetchRequest>(head, &mut frame)?;
            drop((frame, room));
            fetch::handle(caller, head, request).await.map(Some)
        }
        ApiKey::JoinGroup => {
            let request = decode::<JoinGroupRequest>(head, &mut frame)?;
            drop((frame, room));
            reply(
                head,
                &group_members::join(caller, head.version, request).await,
            )
        }
        ApiKey::SyncGroup => {
            let request = decode::<SyncGroupRequest>(head, &mut frame)?;
            drop((frame, room));
            reply(
                head,
                &group_members::sync(caller, head.version, request).await,
            )
        }
        _ => dispatch_plain(caller, head, frame),
    }
}

fn dispatch_plain(caller: &Caller, head: Head, mut frame: Bytes) -> Result<Option<Answer>, String> {
    match head.key {
        ApiKey::ApiVersions => plain!(
            caller,
            head,
            frame,
            ApiVersionsRequest,
            api_versions::handle
        ),
        ApiKey::ListOffsets => plain!(
            caller,
            head,
            frame,
            ListOffsetsRequest,
            list_offsets::handle
        ),
        ApiKey::Metadata => plain!(caller, head, frame, MetadataRequest, metadata::handle),
        ApiKey::OffsetCommit => plain!(caller, head, frame, OffsetCommitRequest, offsets::commit),
        ApiKey::OffsetFetch => plain!(caller, head, frame, OffsetFetchRequest, offsets::fetch),
        ApiKey::FindCoordinator => plain!(
            caller,
            head,
            frame,
            FindCoordinatorRequest,
            cluster::find_coordinator
        ),
        ApiKey::Heartbeat => plain!(
            caller,
            head,
            frame,
            HeartbeatRequest,
            group_members::heartbeat
        ),
        ApiKey::LeaveGroup => plain!(caller, head, frame, LeaveGroupRequest, group_members::leave),
        ApiKey::DescribeGroups => plain!(
            caller,
            head,
            frame,
            DescribeGroupsRequest,
            group_admin::describe
        ),
        ApiKey::ListGroups => plain!(caller, head, frame, ListGroupsRequest, group_admin::list),
        ApiKey::DeleteGroups => plain!(
            caller,
            head,
            frame,
            DeleteGroupsRequest,
            group_admin::delete
        ),
        ApiKey::OffsetDelete => plain!(
            caller,
            head,
            frame,
            OffsetDeleteRequest,
            group_admin::delete_offsets
        ),
        ApiKey::CreateTopics => plain!(caller, head, frame, CreateTopicsRequest, topics::create),
        ApiKey::DeleteTopics => plain!(caller, head, frame, DeleteTopicsRequest, topics::delete),
        ApiKey::CreatePartitions => {
            plain!(caller, head, frame, CreatePartitionsRequest, topics::grow)
        }
        ApiKey::DeleteRecords => plain!(
            caller,
            head,
            frame,
            DeleteRecordsRequest,
            delete_records::handle
        ),
        ApiKey::InitProducerId => plain!(
            caller,
            head,
            frame,
            InitProducerIdRequest,
            transactions::init
        ),
        ApiKey::AddPartitionsToTxn => {
            plain!(
                caller,
                head,
                frame,
                AddPartitionsToTxnRequest,
                transactions::add_partitions
            )
        }
        ApiKey::AddOffsetsToTxn => plain!(
            caller,
            head,
            frame,
            AddOffsetsToTxnRequest,
            transactions::add_group
        ),
        ApiKey::EndTxn => plain!(caller, head, frame, EndTxnRequest, transactions::end),
        ApiKey::TxnOffsetCommit => plain!(
            caller,
            head,
            frame,
            TxnOffsetCommitRequest,
            transactions::commit_offsets
        ),
        ApiKey::OffsetForLeaderEpoch => {
            plain!(
                caller,
                head,
                frame,
                OffsetForLeaderEpochRequest,
                cluster::offset_for_leader_epoch
            )
        }
        ApiKey::DescribeConfigs => plain!(
            caller,
            head,
            frame,
            DescribeConfigsRequest,
            configs::describe
        ),
        ApiKey::AlterConfigs => plain!(caller, head, frame, AlterConfigsRequest, configs::alter),
        ApiKey::IncrementalAlterConfigs => {
            plain!(
                caller,
                head,
                frame,
                IncrementalAlterConfigsRequest,
                configs::alter_incrementally
            )
        }
        ApiKey::DescribeCluster => plain!(
            caller,
            head,
            frame,
            DescribeClusterRequest,
            cluster::describe
        ),
        ApiKey::DescribeProducers => plain!(
            caller,
            head,
            frame,
            DescribeProducersRequest,
            cluster::describe_producers
        ),
        other => Err(format!("request {other:?} is not offered")),
    }
}

/// A string for the wire.
pub(crate) fn text(words: &str) -> StrBytes {
    StrBytes::from_string(words.to_owned())
}
