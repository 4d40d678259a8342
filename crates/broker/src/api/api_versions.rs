//! ApiVersions: which requests are answered at which versions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};

use super::answer::{Answer, encode};
use super::head::Head;
use super::{Caller, OFFERED};

fn offered() -> Vec<ApiVersion> {
    let version = |(key, least, most): &(ApiKey, i16, i16)| {
        // Apache Kafka, too, states version 0 of Produce, since clients read from it which codecs are known (KAFKA-18659).
        let least = if *key == ApiKey::Produce { 0 } else { *least };
        ApiVersion::default()
            .with_api_key(*key as i16)
            .with_min_version(least)
            .with_max_version(*most)
    };
    OFFERED.iter().map(version).collect()
}

pub(crate) fn handle(
    _caller: &Caller,
    _version: i16,
    _request: ApiVersionsRequest,
) -> ApiVersionsResponse {
    ApiVersionsResponse::default().with_api_keys(offered())
}

/// A client that asks at a version of the future is answered at version 0, and asks again.
pub(crate) fn unsupported(head: Head) -> Result<Answer, String> {
    let response = ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(offered());
    encode(head, 0, 0, &response)
}
