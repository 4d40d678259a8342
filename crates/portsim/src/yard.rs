//! The yards: what comes in, what goes out, and what is turned over on the way. A container is in one block or in none.

use crate::containers::{Container, DANGERS, Exit, SIZES};
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::time::SECOND_US;
use events::v1::{self, EquipmentEventType, TransportMode};

/// By what a container comes or goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carriage {
    pub mode: TransportMode,
    /// Voyage, train or lorry visit.
    pub transport_call: String,
    pub port_call: String,
    pub berth_visit: String,
    pub train: String,
}

impl Port {
    /// A container comes into its terminal's yard (DISC or GTIN) and is sorted by how it will leave.
    pub(crate) fn comes_in(
        &mut self,
        id: Id<Container>,
        event_type: EquipmentEventType,
        by: &Carriage,
    ) {
        let Some((terminal, quarters)) = self.containers.get(id).map(|c| (c.terminal, quarters(c)))
        else {
            return;
        };
        let block = self.block_for(terminal, quarters);
        self.terminals[terminal].blocks[block].stock_quarters += quarters;
        if let Some(container) = self.containers.get_mut(id) {
            container.block = Some(block);
        }
        self.tell(id, event_type, block, quarters, by);
        let is_reefer = self
            .containers
            .get(id)
            .is_some_and(|c| c.set_point_dc.is_some());
        if is_reefer {
            self.plug_in(id);
        }
        let is_from_abroad = event_type == EquipmentEventType::Disc;
        if !(is_from_abroad && self.customs_may_hold(id)) {
            self.is_free_to_go(id);
        }
    }

    /// The container may leave: lorries, barges or its train may have it.
    pub(crate) fn is_free_to_go(&mut self, id: Id<Container>) {
        let Some(container) = self.containers.get(id) else {
            return;
        };
        let (terminal, exit) = (container.terminal, container.exit);
        match exit {
            Exit::Truck => self.terminals[terminal].for_truck.push(id),
            Exit::Barge => self.terminals[terminal].for_barge.push(id),
            Exit::Rail(unit) => self.unit_is_ready(unit, id),
        }
    }

    /// A container leaves the yard (LOAD or GTOT) and the port's knowledge. The caller has taken it from its list.
    pub(crate) fn goes_out(
        &mut self,
        id: Id<Container>,
        event_type: EquipmentEventType,
        by: &Carriage,
    ) {
        let Some(container) = self.containers.get(id) else {
            return;
        };
        let (terminal, quarters) = (container.terminal, quarters(container));
        let Some(block) = container.block else { return };
        self.terminals[terminal].blocks[block].stock_quarters -= quarters;
        debug_assert!(
            self.terminals[terminal].blocks[block].stock_quarters >= 0,
            "a yard block holds what it holds"
        );
        self.tell(id, event_type, block, -quarters, by);
        self.containers.remove(id);
    }

    /// Part of the opening stock: came in some time ago, is known of now.
    pub(crate) fn stands_in_the_yard(&mut self, id: Id<Container>) {
        self.comes_in(id, EquipmentEventType::Gtin, &Carriage::default());
    }

    /// The least filled of three blocks drawn at random.
    fn block_for(&mut self, terminal: usize, quarters: i64) -> usize {
        let blocks = &self.terminals[terminal].blocks;
        let drawn: [usize; 3] = std::array::from_fn(|_| self.yard_random.index(blocks.len()));
        let filled = |place: &usize| (blocks[*place].stock_quarters + quarters, *place);
        drawn.into_iter().min_by_key(filled).unwrap_or(0)
    }

    fn tell(
        &mut self,
        id: Id<Container>,
        event_type: EquipmentEventType,
        block: usize,
        delta_quarters: i64,
        by: &Carriage,
    ) {
        let Some(container) = self.containers.get(id) else {
            return;
        };
        let terminal = &self.terminals[container.terminal];
        let is_seaport_style = matches!(
            event_type,
            EquipmentEventType::Load | EquipmentEventType::Disc
        );
        // Also on the way out: it is this block's stock that changes.
        let block_name = terminal.blocks[block].name.clone();
        let body = v1::EquipmentEvent {
            container_id: container.number.as_str().to_owned(),
            iso_code: SIZES[container.size].iso.to_owned(),
            event_type: event_type.into(),
            empty_indicator: empty_indicator(container).into(),
            mode: by.mode.into(),
            facility_type: match is_seaport_style {
                true => v1::FacilityType::Pote.into(),
                false => v1::FacilityType::Coya.into(),
            },
            facility_code: terminal.spec.id.to_owned(),
            code_list_provider: v1::CodeListProvider::Local.into(),
            transport_call_id: by.transport_call.clone(),
            vgm_kg: container.is_laden.then_some(container.gross_kg),
            seals: Vec::new(),
            dangerous_goods_class: container
                .danger
                .map(|d| DANGERS[d].0.to_owned())
                .unwrap_or_default(),
            un_numbers: container
                .danger
                .map(|d| DANGERS[d].1.to_owned())
                .into_iter()
                .collect(),
            yard_block: block_name,
            teu_quarters: SIZES[container.size].quarters,
            yard_delta_teu_quarters: delta_quarters as i32,
        };
        let head = Head::act(self.now_us, terminal.spec.id)
            .of_visit(&by.port_call, &by.berth_visit)
            .of_train(&by.train);
        self.send(Source::Tos, head, body);
    }

    /// One move by a yard machine that ends now.
    pub(crate) fn machine_moves(
        &mut self,
        id: Id<Container>,
        event_type: EquipmentEventType,
        is_productive: bool,
    ) {
        let Some(container) = self.containers.get(id) else {
            return;
        };
        let terminal = container.terminal;
        let number = container.number.as_str().to_owned();
        let teu_quarters = SIZES[container.size].quarters;
        let block = container
            .block
            .map(|block| self.terminals[terminal].blocks[block].name.clone());
        let block = block.unwrap_or_default();
        let takes_us = self.yard_random.between(90 * SECOND_US, 260 * SECOND_US);
        let lane = format!("{}-LANE", self.terminals[terminal].spec.id);
        let (from_position, to_position) = match (is_productive, event_type) {
            (false, _) => (block.clone(), block),
            (true, EquipmentEventType::Gtin) => (lane, block),
            (true, _) => (block, lane),
        };
        let body = v1::MoveEvent {
            container_id: number,
            equipment_id: self.terminals[terminal].next_machine_id(),
            from_position,
            to_position,
            started_at_us: self.now_us - takes_us,
            ended_at_us: self.now_us,
            event_type: event_type.into(),
            is_productive,
            teu_quarters,
        };
        let head = Head::act(self.now_us, self.terminals[terminal].spec.id);
        self.send(Source::Tos, head, body);
    }
}

/// Size in quarters of a TEU, as a signed amount.
pub(crate) fn quarters(container: &Container) -> i64 {
    i64::from(SIZES[container.size].quarters)
}

fn empty_indicator(container: &Container) -> v1::EmptyIndicator {
    match container.is_laden {
        true => v1::EmptyIndicator::Laden,
        false => v1::EmptyIndicator::Empty,
    }
}
