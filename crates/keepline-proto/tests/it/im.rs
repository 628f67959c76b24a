//! The IM codec: framing and limits, heartbeats, properties, and the published vectors.

mod framing;
mod heartbeats;
mod props;
mod vector_fields;
mod vectors;
