//! Reefer events of Track & Trace 3.

use super::track_trace::Parts;
use crate::node::{Node, Skipped};
use crate::outcome::{Desk, Fate};
use crate::scan;
use events::v1;

pub(super) fn read(parts: Parts<'_>, desk: &mut Desk<'_>) -> Result<(), Skipped> {
    if parts.equipment.get("equipmentReference").is_none() {
        return Err(parts.equipment.skip(desk, "equipmentReference is missing"));
    }
    let container_id = parts.equipment.container(desk, "equipmentReference");
    let Some(details) = parts.event.get("reeferDetails") else {
        return Err(parts.event.skip(desk, "reeferDetails is missing"));
    };
    let is_fahrenheit = details.text_of("temperatureUnit") == "FAH";
    let measured = |key: &str, desk: &mut Desk<'_>| {
        let node = details.get(key)?;
        temperature(
            &node.get("temperatureValue").unwrap_or(node),
            is_fahrenheit,
            desk,
        )
    };
    let body = v1::ReeferTelemetry {
        container_id,
        set_point_dc: measured("internalSetpointTemperature", desk),
        supply_air_dc: measured("supplyAirTemperatureMeasurement", desk),
        return_air_dc: measured("returnAirTemperatureMeasurement", desk),
        // A reefer that measures has power unless the event says otherwise.
        is_powered: !matches!(
            details.text_of("powerStatus").as_str(),
            "POWER_OFF" | "INACTIVE"
        ),
        alarms: Vec::new(),
    };
    desk.event(v1::TelemetryEvent {
        envelope: Some(parts.envelope),
        body: Some(v1::telemetry_event::Body::ReeferTelemetry(body)),
    });
    Ok(())
}

/// Tenths of a degree Celsius, to the nearest.
fn temperature(node: &Node<'_>, is_fahrenheit: bool, desk: &mut Desk<'_>) -> Option<i32> {
    let hundredths = node.text().and_then(|text| scan::scaled(&text, 2));
    let Some(hundredths) = hundredths.filter(|value| value.abs() < 100_000) else {
        node.problem(desk, Fate::Kept, "no temperature");
        return None;
    };
    let celsius = match is_fahrenheit {
        true => (hundredths - 3_200) * 5 / 9,
        false => hundredths,
    };
    i32::try_from((celsius + 5).div_euclid(10)).ok()
}
