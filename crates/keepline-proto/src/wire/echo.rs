//! The echo pair's frames: length, type, content.
