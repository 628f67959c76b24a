//! Idle: the reader, writer and all idle clocks of one connection, with the semantics of Netty's IdleStateHandler.
