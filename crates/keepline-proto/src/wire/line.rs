//! Text lines: `ping\n`, `pong\n`, and anything else as data.
