//! Integration tests of the binary, and of the rules of the workspace: one binary, one file a subject.

mod backup;
mod chat;
mod cim;
mod crash;
mod descriptors;
mod documents;
mod echo;
mod figures;
mod guard;
mod harness;
mod netty;
mod operation;
mod readme;
mod server;
mod silence;
mod tidy;
mod top;
mod verbs;
mod weather;
