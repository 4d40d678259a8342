mod architecture;
mod bad_input;
mod cluster;
mod command_line;
mod files;
mod metrics;
mod outage;
mod port;
