//! The other route: prost structs, then Arrow's own builders, written out by hand for each table as one would.
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, BooleanBuilder, Int32Builder, Int64Builder, ListBuilder, RecordBatch,
    StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{Field, Schema};
use events::decode::Projection;
use events::schema::table;
use events::v1::{self, Classifier, Envelope, container_event, vessel_event};
use events::{Message, Stream, row_time_us};

/// The builders of one table; those of columns that nobody needs are absent.
struct Columns {
    schema: Arc<Schema>,
    builders: Vec<Option<Builder>>,
}

enum Builder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Int32(Int32Builder),
    Instant(TimestampMicrosecondBuilder),
    Flag(BooleanBuilder),
    Texts(ListBuilder<StringBuilder>),
}

impl Columns {
    fn new(name: &str, projection: &Projection) -> Columns {
        use arrow::datatypes::DataType as D;
        let table = table(name).unwrap();
        let needed = projection.columns(table.id).unwrap_or_default();
        let builder = |field: &Field| match field.data_type() {
            D::Utf8 => Builder::Text(StringBuilder::new()),
            D::Int64 => Builder::Integer(Int64Builder::new()),
            D::Int32 => Builder::Int32(Int32Builder::new()),
            D::Timestamp(..) => {
                Builder::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
            D::Boolean => Builder::Flag(BooleanBuilder::new()),
            _ => Builder::Texts(ListBuilder::new(StringBuilder::new())),
        };
        let fields = table.schema.fields();
        let builders =
            (0..fields.len()).map(|at| needed.contains(&at).then(|| builder(&fields[at])));
        let schema = Arc::new(table.schema.project(needed).unwrap());
        Columns {
            schema,
            builders: builders.collect(),
        }
    }

    #[inline(always)]
    fn text(&mut self, at: usize, value: &str) {
        if let Some(Builder::Text(builder)) = &mut self.builders[at] {
            builder.append_value(value);
        }
    }

    #[inline(always)]
    fn integer(&mut self, at: usize, value: impl Into<i64>) {
        if let Some(Builder::Integer(builder)) = &mut self.builders[at] {
            builder.append_value(value.into());
        }
    }

    #[inline(always)]
    fn integer_or_null(&mut self, at: usize, value: Option<u32>) {
        if let Some(Builder::Integer(builder)) = &mut self.builders[at] {
            builder.append_option(value.map(i64::from));
        }
    }

    #[inline(always)]
    fn instant(&mut self, at: usize, value: Option<i64>) {
        if let Some(Builder::Instant(builder)) = &mut self.builders[at] {
            builder.append_option(value);
        }
    }

    #[inline(always)]
    fn flag(&mut self, at: usize, value: bool) {
        if let Some(Builder::Flag(builder)) = &mut self.builders[at] {
            builder.append_value(value);
        }
    }

    #[inline(always)]
    fn texts(&mut self, at: usize, values: &[String]) {
        if let Some(Builder::Texts(builder)) = &mut self.builders[at] {
            for value in values {
                builder.values().append_value(value);
            }
            builder.append(true);
        }
    }

    /// The envelope's thirteen and the row's three.
    #[inline(always)]
    fn envelope(&mut self, envelope: &Envelope, partition: i32, offset: i64) {
        let classifier = Classifier::try_from(envelope.classifier).unwrap_or_default();
        self.text(0, &envelope.event_id);
        self.text(1, &envelope.source);
        self.integer(2, envelope.source_seq as i64);
        self.instant(3, Some(envelope.event_time_us));
        self.instant(4, Some(envelope.record_time_us));
        self.text(5, short(classifier.as_str_name(), "CLASSIFIER_"));
        self.text(6, &envelope.terminal_id);
        self.text(7, &envelope.un_location_code);
        self.flag(8, envelope.is_retracted);
        self.text(9, &envelope.port_call_id);
        self.text(10, &envelope.berth_visit_id);
        self.text(11, &envelope.train_id);
        self.text(12, &envelope.trace_id);
        self.instant(
            13,
            Some(row_time_us(
                classifier,
                envelope.event_time_us,
                envelope.record_time_us,
            )),
        );
        if let Some(Builder::Int32(builder)) = &mut self.builders[14] {
            builder.append_value(partition);
        }
        self.integer(15, offset);
    }

    fn finish(&mut self) -> RecordBatch {
        let columns = self
            .builders
            .iter_mut()
            .flatten()
            .map(|builder| match builder {
                Builder::Text(builder) => ArrayBuilder::finish(builder),
                Builder::Integer(builder) => ArrayBuilder::finish(builder),
                Builder::Int32(builder) => ArrayBuilder::finish(builder),
                Builder::Instant(builder) => ArrayBuilder::finish(builder),
                Builder::Flag(builder) => ArrayBuilder::finish(builder),
                Builder::Texts(builder) => ArrayBuilder::finish(builder),
            });
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect()).unwrap()
    }
}

/// The text behind an enum's prefix.
fn short(name: &'static str, prefix: &str) -> &'static str {
    match &name[prefix.len()..] {
        "UNSPECIFIED" => "",
        text => text,
    }
}

/// Decodes records by prost and builds the needed columns.
pub struct ByProst {
    stream: Stream,
    tables: [Columns; 4],
}

impl ByProst {
    pub fn new(stream: Stream, projection: &Projection) -> ByProst {
        let tables = [
            "port_call_timestamp",
            "move_event",
            "equipment_event",
            "gate_event",
        ];
        ByProst {
            stream,
            tables: tables.map(|name| Columns::new(name, projection)),
        }
    }

    pub fn push(&mut self, value: &[u8], partition: i32, offset: i64) {
        let [calls, moves, equipment, gates] = &mut self.tables;
        if self.stream == Stream::Vessel {
            let event = v1::VesselEvent::decode(value).unwrap();
            if let (Some(envelope), Some(vessel_event::Body::PortCallTimestamp(body))) =
                (event.envelope, event.body)
            {
                calls.envelope(checked(&envelope), partition, offset);
                call(calls, &body);
            }
            return;
        }
        let event = v1::ContainerEvent::decode(value).unwrap();
        let envelope = event.envelope.unwrap();
        let envelope = checked(&envelope);
        match event.body.unwrap() {
            container_event::Body::MoveEvent(body) => {
                moves.envelope(envelope, partition, offset);
                moved(moves, &body);
            }
            container_event::Body::EquipmentEvent(body) => {
                equipment.envelope(envelope, partition, offset);
                equipped(equipment, &body);
            }
            container_event::Body::GateEvent(body) => {
                gates.envelope(envelope, partition, offset);
                gated(gates, &body);
            }
            _ => {}
        }
    }

    pub fn take(&mut self) -> Vec<RecordBatch> {
        let needed = self
            .tables
            .iter_mut()
            .filter(|columns| !columns.schema.fields().is_empty());
        needed.map(Columns::finish).collect()
    }
}

/// The checks that the decoder does as well.
#[inline(always)]
fn checked(envelope: &Envelope) -> &Envelope {
    assert!(!envelope.source.is_empty() && !envelope.event_id.is_empty());
    assert!(envelope.event_time_us != 0 && envelope.record_time_us != 0);
    envelope
}

#[inline(always)]
fn moved(columns: &mut Columns, body: &v1::MoveEvent) {
    columns.text(16, &body.container_id);
    columns.text(17, &body.equipment_id);
    columns.text(18, &body.from_position);
    columns.text(19, &body.to_position);
    columns.instant(20, Some(body.started_at_us));
    columns.instant(21, Some(body.ended_at_us));
    columns.text(
        22,
        short(body.event_type().as_str_name(), "EQUIPMENT_EVENT_TYPE_"),
    );
    columns.flag(23, body.is_productive);
    columns.integer(24, body.teu_quarters);
}

#[inline(always)]
fn equipped(columns: &mut Columns, body: &v1::EquipmentEvent) {
    columns.text(16, &body.container_id);
    columns.text(17, &body.iso_code);
    columns.text(
        18,
        short(body.event_type().as_str_name(), "EQUIPMENT_EVENT_TYPE_"),
    );
    columns.text(
        19,
        short(body.empty_indicator().as_str_name(), "EMPTY_INDICATOR_"),
    );
    columns.text(20, short(body.mode().as_str_name(), "TRANSPORT_MODE_"));
    columns.text(
        21,
        short(body.facility_type().as_str_name(), "FACILITY_TYPE_"),
    );
    columns.text(22, &body.facility_code);
    columns.text(
        23,
        short(
            body.code_list_provider().as_str_name(),
            "CODE_LIST_PROVIDER_",
        ),
    );
    columns.text(24, &body.transport_call_id);
    columns.integer_or_null(25, body.vgm_kg);
    columns.texts(26, &body.seals);
    columns.text(27, &body.dangerous_goods_class);
    columns.texts(28, &body.un_numbers);
    columns.text(29, &body.yard_block);
    columns.integer(30, body.teu_quarters);
    columns.integer(31, body.yard_delta_teu_quarters);
}

#[inline(always)]
fn gated(columns: &mut Columns, body: &v1::GateEvent) {
    columns.text(16, &body.truck_id);
    columns.text(17, &body.gate);
    columns.text(18, short(body.direction().as_str_name(), "GATE_DIRECTION_"));
    columns.instant(19, body.entered_at_us);
    columns.text(20, &body.appointment_id);
    columns.instant(21, body.appointment_from_at_us);
    columns.instant(22, body.appointment_to_at_us);
    columns.text(23, &body.haulier);
    columns.text(24, &body.container_id);
}

#[inline(always)]
fn call(columns: &mut Columns, body: &v1::PortCallTimestamp) {
    let none = v1::VesselParticulars::default();
    let vessel = body.vessel.as_ref().unwrap_or(&none);
    columns.text(
        16,
        short(body.service().as_str_name(), "PORT_CALL_SERVICE_"),
    );
    columns.text(
        17,
        short(body.event_type().as_str_name(), "OPERATIONS_EVENT_TYPE_"),
    );
    columns.text(18, short(body.phase().as_str_name(), "PORT_CALL_PHASE_"));
    columns.text(
        19,
        short(body.facility_type().as_str_name(), "FACILITY_TYPE_"),
    );
    columns.text(20, &body.facility_code);
    columns.text(
        21,
        short(
            body.code_list_provider().as_str_name(),
            "CODE_LIST_PROVIDER_",
        ),
    );
    columns.texts(22, &body.delay_reason_codes);
    columns.text(23, &vessel.imo);
    columns.text(24, &vessel.mmsi);
    columns.text(25, &vessel.eni);
    columns.text(26, &vessel.name);
    columns.integer_or_null(27, vessel.length_cm);
    columns.integer_or_null(28, vessel.beam_cm);
    columns.integer_or_null(29, vessel.draught_cm);
    columns.integer_or_null(30, vessel.air_draught_cm);
    columns.text(31, short(vessel.kind().as_str_name(), "VESSEL_KIND_"));
    columns.integer(32, vessel.cones);
    columns.integer_or_null(33, body.quay_from_dm);
    columns.integer_or_null(34, body.quay_to_dm);
    columns.text(35, &body.carrier);
    columns.integer_or_null(36, body.handling_planned_min);
    columns.instant(37, body.departure_latest_at_us);
    columns.integer(38, body.rotation_seq);
    columns.text(39, &body.rotation_id);
    columns.integer_or_null(40, body.priority);
}
