//! portsim
