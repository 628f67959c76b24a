//! The IM codec: framing and limits, heartbeats, all dialects, properties.

mod framing;
mod heartbeats;
mod props;
