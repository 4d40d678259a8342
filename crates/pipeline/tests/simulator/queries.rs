//! The queries: tumbling with early rows, hopping over what became of the records, aggregates that cannot subtract, sessions and levels, also
//! of joined rows, a join of streams, windows beside each other, joins with a table as of each row, a tick over a table, and what the rail planner
//! reads. All but the tick, the sessions and the level of joined rows give rows on time and corrections.

/// They run all along.
pub const QUERIES: [(&str, &str); 12] = [
    (
        "move_sizes",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, max(event_time) AS last_at,
           min(container_id) AS first_container_id, median(CAST(teu_quarters AS BIGINT)) AS middle_teu, count(DISTINCT container_id) AS containers
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "stays",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "met",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS meetings
         FROM TUMBLE((SELECT m.row_time, m.container_id FROM move_event m JOIN equipment_event g
                       ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '20' MINUTE AND m.row_time + INTERVAL '20' MINUTE),
                     DESCRIPTOR(row_time), INTERVAL '30' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves, sum(teu_quarters) AS teu
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "intake_all",
        "INSERT INTO window_stat SELECT window_start, window_end, source, outcome, count(*) AS records
         FROM HOP(intake, DESCRIPTOR(row_time), INTERVAL '30' MINUTE, INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end, source, outcome",
    ),
    (
        "yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, yard_block, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_block, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id, yard_block), yard_delta_teu_quarters, INTERVAL '30' MINUTE)",
    ),
    (
        "booking",
        "CREATE TABLE booking (PRIMARY KEY (booking_id)) AS
         SELECT booking_id, unit_id, terminal_id, teu_quarters, status, is_retracted FROM rail_booking",
    ),
    (
        "as_booked",
        "INSERT INTO window_stat SELECT window_start, window_end, h.status, count(*) AS bookings, sum(r.teu_quarters) AS teu
         FROM HOP(rail_booking, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '120' MINUTE) AS r
         LEFT JOIN booking_history AS h
           ON h.unit_id = r.unit_id AND h.valid_from <= r.row_time AND r.row_time < h.valid_to
         GROUP BY window_start, window_end, h.status",
    ),
    (
        "met_moves",
        "INSERT INTO window_stat SELECT window_start, window_end, s.terminal_id, count(*) AS met, count(DISTINCT h.status) AS states
         FROM SESSION((
           SELECT m.row_time, m.terminal_id, m.container_id FROM move_event m JOIN equipment_event g
             ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '10' MINUTE AND m.row_time + INTERVAL '1' MINUTE),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), INTERVAL '6' MINUTE) AS s
         LEFT JOIN booking_history AS h
           ON h.unit_id = s.container_id AND h.valid_from <= s.row_time AND s.row_time < h.valid_to
         GROUP BY window_start, window_end, s.terminal_id",
    ),
    (
        "met_yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((
           SELECT m.row_time, m.terminal_id, CASE WHEN h.status IS NULL THEN 1 ELSE 100 END * g.yard_delta_teu_quarters AS change
           FROM move_event m JOIN equipment_event g
             ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '20' MINUTE AND m.row_time + INTERVAL '5' MINUTE
           LEFT JOIN booking_history h
             ON h.unit_id = m.container_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), change, INTERVAL '30' MINUTE)",
    ),
    (
        "beside",
        "INSERT INTO window_stat SELECT coalesce(m.window_start, e.window_start) AS window_start, coalesce(m.window_end, e.window_end) AS window_end,
           coalesce(m.terminal_id, e.terminal_id) AS terminal_id, coalesce(m.n, 0) AS moves, coalesce(e.n, 0) AS events
         FROM (SELECT window_start, window_end, terminal_id, count(*) AS n FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '40' MINUTE)
               GROUP BY window_start, window_end, terminal_id) AS m
         FULL JOIN (SELECT window_start, window_end, terminal_id, count(*) AS n FROM HOP(equipment_event, DESCRIPTOR(row_time), INTERVAL '20' MINUTE, INTERVAL '40' MINUTE)
               GROUP BY window_start, window_end, terminal_id) AS e
         ON m.window_end = e.window_end AND m.terminal_id = e.terminal_id",
    ),
    (
        "open_bookings",
        "INSERT INTO window_stat SELECT window_start, window_end, status, count(*) AS bookings, sum(teu_quarters) AS teu
         FROM TICK(INTERVAL '60' MINUTE) AS t JOIN booking ON booking.teu_quarters > 0 AND NOT booking.is_retracted
         GROUP BY window_start, window_end, status",
    ),
];

/// A query that is taken out where queries change.
pub const GOES: [(&str, &str); 1] = [(
    "goes_gates",
    "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS passages
     FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, terminal_id",
)];

/// Queries that come where queries change: of rows that cannot be taken back, of rows that can, of sessions, of a join.
pub const COMES: [(&str, &str); 4] = [
    (
        "comes_gates",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS passages
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "comes_moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(DISTINCT container_id) AS containers
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "comes_stays",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "comes_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((SELECT m.row_time, m.terminal_id FROM move_event m JOIN equipment_event g
                       ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '10' MINUTE AND m.row_time),
                     DESCRIPTOR(row_time), INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
];

/// Queries that come with their past alone: what two hold began before their first window, and merge had no rows for the other,
/// whose table nobody read by terminal, and none with that column.
pub const COMES_WITH_PAST: [(&str, &str); 3] = [
    (
        "comes_yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id), yard_delta_teu_quarters, INTERVAL '20' MINUTE)",
    ),
    (
        "comes_met_yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((
           SELECT g.row_time, g.terminal_id, g.yard_delta_teu_quarters FROM equipment_event g JOIN move_event m
             ON m.container_id = g.container_id AND m.row_time BETWEEN g.row_time - INTERVAL '10' MINUTE AND g.row_time + INTERVAL '10' MINUTE),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), yard_delta_teu_quarters, INTERVAL '20' MINUTE)",
    ),
    (
        "comes_booked",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS bookings, sum(gross_kg) AS gross_kg
         FROM TUMBLE(rail_booking, DESCRIPTOR(row_time), INTERVAL '20' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
];

/// Queries of every kind that has windows. They run where they are to be mended: where `{n}` is sick, they fail from
/// `program::SICK_US` on. Windows of five minutes: the one before has been told on time by then, and not for good.
pub const AILS: [(&str, &str); 5] = [
    (
        "ails_gates",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, {n} AS passages
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "ails_moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, {n} AS moves
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "ails_stays",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, {n} AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "ails_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, {n} AS met
         FROM TUMBLE((SELECT m.row_time, m.terminal_id FROM move_event m JOIN equipment_event g
                       ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '10' MINUTE AND m.row_time),
                     DESCRIPTOR(row_time), INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "ails_yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, {n} AS changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id), yard_delta_teu_quarters, INTERVAL '20' MINUTE)",
    ),
];

/// One train that leaves ten hours after every tick, for all units.
pub const RAIL: [(&str, &str); 4] = [
    (
        "rail/slots",
        "SELECT 'S1' AS train_slot_id, '' AS service_id, 'T0' AS terminal_id, 'C' AS corridor, 'DEDUI' AS origin, 'ATVIE' AS destination,
           '1' AS track, t.tick_at + INTERVAL '10' HOUR AS departure_at, t.tick_at + INTERVAL '20' HOUR AS arrival_at,
           'OPEN' AS status, 6000 AS length_max_dm, 1500000 AS gross_max_kg, 60 AS teu_max_quarters,
           0 AS length_loaded_dm, 0 AS gross_loaded_kg, 0 AS teu_loaded_quarters, 0 AS dangerous_goods_loaded,
           t.tick_at + INTERVAL '8' HOUR AS cut_off_fco_at, nullif(t.tick_at, t.tick_at) AS cut_off_dco_at,
           nullif(t.tick_at, t.tick_at) AS cut_off_vco_at, nullif(t.tick_at, t.tick_at) AS cut_off_dgc_at,
           t.tick_at + INTERVAL '8' HOUR AS closing_at, 0 AS dangerous_goods_max
         FROM planner_tick AS t",
    ),
    (
        "rail/units",
        "SELECT k.unit_id, k.booking_id, k.terminal_id, 'DEDUI' AS origin, 'ATVIE' AS destination, '' AS train_slot_id,
           k.teu_quarters, 122 AS length_dm, 10000 AS gross_kg, '' AS dangerous_goods_class, false AS is_empty,
           false AS is_reefer, t.tick_at AS ready_at, true AS is_present, 'RELEASE' AS customs_state,
           nullif(t.tick_at, t.tick_at) AS customs_release_estimated_at, t.tick_at AS vgm_at, 1 AS priority,
           nullif(t.tick_at, t.tick_at) AS due_at, '' AS keep_together_id, '' AS customer
         FROM booking AS k CROSS JOIN planner_tick AS t WHERE k.status = 'BOOKED' ORDER BY k.unit_id, k.booking_id",
    ),
    (
        "rail/locks",
        "SELECT unit_id, nullif(unit_id, '') AS train_slot_id FROM booking WHERE teu_quarters < 0",
    ),
    (
        "rail/watch_bookings",
        "SELECT booking_id AS object_id, CAST(NULL AS BIGINT) AS value FROM booking WHERE status = 'BOOKED'",
    ),
];
