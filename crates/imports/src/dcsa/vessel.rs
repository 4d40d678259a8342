//! Vessels and places, as both standards write them.

use crate::node::Node;
use crate::outcome::{Desk, Fate};
use domain::codes::{CodeListProvider, FacilityType, TransportMode};
use events::v1;

/// A vessel of any of the versions; `mode` tells barges.
pub(super) fn particulars(
    node: &Node<'_>,
    mode: Option<TransportMode>,
    desk: &mut Desk<'_>,
) -> v1::VesselParticulars {
    v1::VesselParticulars {
        imo: node.imo(desk, "vesselIMONumber"),
        mmsi: node.mmsi(desk, "vesselMMSINumber"),
        name: node.text_of("vesselName"),
        length_cm: length_cm(node, "lengthOverall", "vesselSizeUnit", desk),
        beam_cm: length_cm(node, "width", "vesselSizeUnit", desk),
        draught_cm: length_cm(node, "draft", "draftUnit", desk),
        air_draught_cm: length_cm(node, "airDraft", "draftUnit", desk),
        kind: match mode {
            Some(TransportMode::Barge) => v1::VesselKind::Barge.into(),
            _ => v1::VesselKind::Sea.into(),
        },
        ..Default::default()
    }
}

/// A length in metres (MTR) or feet (FOT), to the nearest centimetre.
fn length_cm(node: &Node<'_>, key: &str, unit_key: &str, desk: &mut Desk<'_>) -> Option<u32> {
    let length = node.get(key)?;
    let unit = node.text_of(unit_key);
    let hundredths = length.amount(2);
    let length_cm = match unit.as_str() {
        "MTR" | "" => hundredths,
        "FOT" => hundredths.map(|feet_centi| (u64::from(feet_centi) * 3_048 / 10_000) as u32),
        _ => None,
    };
    if length_cm.is_none() {
        length.problem(
            desk,
            Fate::Kept,
            format!("no length in MTR or FOT (unit {unit:?})"),
        );
    }
    length_cm
}

/// A facility's type, code and list.
pub(super) struct Facility {
    pub(super) facility_type: v1::FacilityType,
    pub(super) code: String,
    pub(super) provider: v1::CodeListProvider,
}

impl Facility {
    /// Read from an object with `facilityTypeCode` and the code beside it or in `facility`.
    pub(super) fn of(node: &Node<'_>, desk: &mut Desk<'_>) -> Facility {
        let facility_type = node.code_if_any(
            desk,
            &["facilityType", "facilityTypeCode"],
            FacilityType::parse,
        );
        let inner = node.get("facility");
        let holder = inner.as_ref().unwrap_or(node);
        let provider =
            holder.code_if_any(desk, &["facilityCodeListProvider"], CodeListProvider::parse);
        Facility {
            facility_type: facility_type.map_or(v1::FacilityType::Unspecified, facility),
            code: holder.text_of("facilityCode"),
            provider: provider.map_or(v1::CodeListProvider::Unspecified, list_provider),
        }
    }
}

/// The event's own enum value of a code. Both lists have the same codes, which a test holds.
pub(super) fn facility(code: FacilityType) -> v1::FacilityType {
    let name = format!("FACILITY_TYPE_{}", code.code());
    v1::FacilityType::from_str_name(&name).unwrap_or_default()
}

fn list_provider(code: CodeListProvider) -> v1::CodeListProvider {
    let name = format!("CODE_LIST_PROVIDER_{}", code.code());
    v1::CodeListProvider::from_str_name(&name).unwrap_or_default()
}

/// See [`facility`].
pub(super) fn classifier(code: domain::codes::Classifier) -> v1::Classifier {
    let name = format!("CLASSIFIER_{}", code.code());
    v1::Classifier::from_str_name(&name).unwrap_or_default()
}

/// See [`facility`].
pub(super) fn transport_mode(code: TransportMode) -> v1::TransportMode {
    let name = format!("TRANSPORT_MODE_{}", code.code());
    v1::TransportMode::from_str_name(&name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::codes::{
        Classifier, EmptyIndicator, EquipmentEventType, OperationsEventType, PortCallPhase,
        PortCallService,
    };

    #[test]
    fn every_code_of_the_vocabulary_is_in_the_schema() {
        assert!(
            FacilityType::ALL
                .iter()
                .all(|c| facility(*c) != v1::FacilityType::Unspecified)
        );
        assert!(
            CodeListProvider::ALL
                .iter()
                .all(|c| list_provider(*c) != v1::CodeListProvider::Unspecified)
        );
        assert!(
            Classifier::ALL
                .iter()
                .all(|c| classifier(*c) != v1::Classifier::Unspecified)
        );
        assert!(
            TransportMode::ALL
                .iter()
                .all(|c| transport_mode(*c) != v1::TransportMode::Unspecified)
        );
        for code in EquipmentEventType::ALL {
            assert!(
                v1::EquipmentEventType::from_str_name(&format!("EQUIPMENT_EVENT_TYPE_{code}"))
                    .is_some()
            );
        }
        for code in EmptyIndicator::ALL {
            assert!(
                v1::EmptyIndicator::from_str_name(&format!("EMPTY_INDICATOR_{code}")).is_some()
            );
        }
        for code in OperationsEventType::ALL {
            assert!(
                v1::OperationsEventType::from_str_name(&format!("OPERATIONS_EVENT_TYPE_{code}"))
                    .is_some()
            );
        }
        for code in PortCallPhase::ALL {
            assert!(v1::PortCallPhase::from_str_name(&format!("PORT_CALL_PHASE_{code}")).is_some());
        }
        for code in PortCallService::ALL {
            assert!(
                v1::PortCallService::from_str_name(&format!("PORT_CALL_SERVICE_{code}")).is_some()
            );
        }
    }
}
