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

/// Decodes, answers and encodes requests whose handlers do not wait.
macro_rules! answer_at_once {
    ($caller:ident, $head:ident, $frame:ident, { $($key:ident($request:ty) => $handler:path,)+ }) => {
        match $head.key {
            $(ApiKey::$key => {
                let request = decode::<$request>($head, &mut $frame)?;
                reply($head, &$handler($caller, $head.version, request))
            })+
            other => Err(format!("request {other:?} is not offered")),
        }
    };
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
    answer_at_once!(caller, head, frame, {
        ApiVersions(ApiVersionsRequest) => api_versions::handle,
        Metadata(MetadataRequest) => metadata::handle,
        DescribeCluster(DescribeClusterRequest) => cluster::describe,
        FindCoordinator(FindCoordinatorRequest) => cluster::find_coordinator,

        CreateTopics(CreateTopicsRequest) => topics::create,
        DeleteTopics(DeleteTopicsRequest) => topics::delete,
        CreatePartitions(CreatePartitionsRequest) => topics::grow,
        DescribeConfigs(DescribeConfigsRequest) => configs::describe,
        AlterConfigs(AlterConfigsRequest) => configs::alter,
        IncrementalAlterConfigs(IncrementalAlterConfigsRequest) => configs::alter_incrementally,

        ListOffsets(ListOffsetsRequest) => list_offsets::handle,
        OffsetForLeaderEpoch(OffsetForLeaderEpochRequest) => cluster::offset_for_leader_epoch,
        DeleteRecords(DeleteRecordsRequest) => delete_records::handle,
        DescribeProducers(DescribeProducersRequest) => cluster::describe_producers,

        OffsetCommit(OffsetCommitRequest) => offsets::commit,
        OffsetFetch(OffsetFetchRequest) => offsets::fetch,
        Heartbeat(HeartbeatRequest) => group_members::heartbeat,
        LeaveGroup(LeaveGroupRequest) => group_members::leave,
        DescribeGroups(DescribeGroupsRequest) => group_admin::describe,
        ListGroups(ListGroupsRequest) => group_admin::list,
        DeleteGroups(DeleteGroupsRequest) => group_admin::delete,
        OffsetDelete(OffsetDeleteRequest) => group_admin::delete_offsets,

        InitProducerId(InitProducerIdRequest) => transactions::init,
        AddPartitionsToTxn(AddPartitionsToTxnRequest) => transactions::add_partitions,
        AddOffsetsToTxn(AddOffsetsToTxnRequest) => transactions::add_group,
        TxnOffsetCommit(TxnOffsetCommitRequest) => transactions::commit_offsets,
        EndTxn(EndTxnRequest) => transactions::end,
    })
}
