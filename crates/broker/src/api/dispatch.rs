//! From a frame to its answer: what is offered is looked at, decoded and handed to its handler.

use bytes::Bytes;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable};
use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Answer, encode};
use super::head::{Head, read_head};
use super::{
    Caller, OFFERED, api_versions, cluster, configs, delete_records, fetch, group_admin,
    group_members, list_offsets, metadata, offsets, produce, topics, transactions,
};
use crate::schema;

/// Largest request that carries no records.
const PLAIN_REQUEST_MAX_BYTES: usize = 4 * 1024 * 1024;

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
    if head.key != ApiKey::Produce && whole_bytes > PLAIN_REQUEST_MAX_BYTES {
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

fn dispatch_plain(caller: &Caller, head: Head, frame: Bytes) -> Result<Option<Answer>, String> {
    match head.key {
        ApiKey::OffsetCommit
        | ApiKey::OffsetFetch
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::DescribeGroups
        | ApiKey::ListGroups
        | ApiKey::DeleteGroups
        | ApiKey::OffsetDelete => dispatch_group(caller, head, frame),
        ApiKey::InitProducerId
        | ApiKey::AddPartitionsToTxn
        | ApiKey::AddOffsetsToTxn
        | ApiKey::EndTxn
        | ApiKey::TxnOffsetCommit => dispatch_transaction(caller, head, frame),
        _ => dispatch_topic(caller, head, frame),
    }
}

/// Requests about topics, their records and the cluster.
fn dispatch_topic(caller: &Caller, head: Head, mut frame: Bytes) -> Result<Option<Answer>, String> {
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
        ApiKey::CreateTopics => plain!(caller, head, frame, CreateTopicsRequest, topics::create),
        ApiKey::DeleteTopics => plain!(caller, head, frame, DeleteTopicsRequest, topics::delete),
        ApiKey::CreatePartitions => {
            plain!(caller, head, frame, CreatePartitionsRequest, topics::grow)
        }
        ApiKey::DeleteRecords => {
            plain!(
                caller,
                head,
                frame,
                DeleteRecordsRequest,
                delete_records::handle
            )
        }
        ApiKey::DescribeConfigs => {
            plain!(
                caller,
                head,
                frame,
                DescribeConfigsRequest,
                configs::describe
            )
        }
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
        ApiKey::FindCoordinator => {
            plain!(
                caller,
                head,
                frame,
                FindCoordinatorRequest,
                cluster::find_coordinator
            )
        }
        ApiKey::OffsetForLeaderEpoch => {
            plain!(
                caller,
                head,
                frame,
                OffsetForLeaderEpochRequest,
                cluster::offset_for_leader_epoch
            )
        }
        ApiKey::DescribeCluster => {
            plain!(
                caller,
                head,
                frame,
                DescribeClusterRequest,
                cluster::describe
            )
        }
        ApiKey::DescribeProducers => {
            plain!(
                caller,
                head,
                frame,
                DescribeProducersRequest,
                cluster::describe_producers
            )
        }
        other => Err(format!("request {other:?} is not offered")),
    }
}

/// Requests about groups that do not wait for others.
fn dispatch_group(caller: &Caller, head: Head, mut frame: Bytes) -> Result<Option<Answer>, String> {
    match head.key {
        ApiKey::OffsetCommit => plain!(caller, head, frame, OffsetCommitRequest, offsets::commit),
        ApiKey::OffsetFetch => plain!(caller, head, frame, OffsetFetchRequest, offsets::fetch),
        ApiKey::Heartbeat => plain!(
            caller,
            head,
            frame,
            HeartbeatRequest,
            group_members::heartbeat
        ),
        ApiKey::LeaveGroup => plain!(caller, head, frame, LeaveGroupRequest, group_members::leave),
        ApiKey::DescribeGroups => {
            plain!(
                caller,
                head,
                frame,
                DescribeGroupsRequest,
                group_admin::describe
            )
        }
        ApiKey::ListGroups => plain!(caller, head, frame, ListGroupsRequest, group_admin::list),
        ApiKey::DeleteGroups => plain!(
            caller,
            head,
            frame,
            DeleteGroupsRequest,
            group_admin::delete
        ),
        ApiKey::OffsetDelete => {
            plain!(
                caller,
                head,
                frame,
                OffsetDeleteRequest,
                group_admin::delete_offsets
            )
        }
        other => Err(format!("request {other:?} is not offered")),
    }
}

/// Requests of producers about their transactions.
fn dispatch_transaction(
    caller: &Caller,
    head: Head,
    mut frame: Bytes,
) -> Result<Option<Answer>, String> {
    match head.key {
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
        ApiKey::AddOffsetsToTxn => {
            plain!(
                caller,
                head,
                frame,
                AddOffsetsToTxnRequest,
                transactions::add_group
            )
        }
        ApiKey::EndTxn => plain!(caller, head, frame, EndTxnRequest, transactions::end),
        ApiKey::TxnOffsetCommit => {
            plain!(
                caller,
                head,
                frame,
                TxnOffsetCommitRequest,
                transactions::commit_offsets
            )
        }
        other => Err(format!("request {other:?} is not offered")),
    }
}
