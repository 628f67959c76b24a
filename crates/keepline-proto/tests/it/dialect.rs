//! Dialects: who is who by the first bytes and the first frame, row by row, and that any bytes have an answer.

use keepline_proto::Reason;
use keepline_proto::wire::WireError;
use keepline_proto::wire::dialect::{Dialect, Refusal};
use proptest::collection::vec;
use proptest::prelude::*;

/// Field 15 of version 1.
const MAGIC: &[u8] = b"\x7dKPL1";
/// Field 16, empty: the least hello.
const HELLO: &[u8] = b"\x82\x01\x00";
/// Field 2 with the id of the reference bytes.
const ID: &[u8] = b"\x10\xff\xb6\xf0\x90\x83\x2d";
/// Field 1: "zs".
const NAME: &[u8] = b"\x0a\x02zs";

fn judge(parts: &[&[u8]]) -> Result<Dialect, Refusal> {
    Dialect::judge(&parts.concat())
}

#[test]
fn the_first_frame_tells_the_dialect() {
    use Dialect::{Cim1, Cim21, V1};
    let table: &[(&str, &[&[u8]], Dialect)] = &[
        ("the least first frame of version 1", &[MAGIC, HELLO], V1),
        ("in another order", &[HELLO, MAGIC], V1),
        ("with a field of a later version", &[MAGIC, HELLO, b"\xa0\x06\x01"], V1),
        ("the magic number twice, the last one counts", &[b"\x7dKPL2", MAGIC, HELLO], V1),
        ("cim 2.1, reference bytes of \"zs\"", &[NAME, ID], Cim21),
        ("without a name, which proto3 leaves out when empty", &[ID], Cim21),
        ("the command written out", &[NAME, ID, b"\x18\x00"], Cim21),
        ("a command that 32 bits see as 0", &[NAME, ID, b"\x18\x80\x80\x80\x80\x10"], Cim21),
        ("a negative id", &[NAME, b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"], Cim21),
        ("properties and a batch, which a login may have", &[ID, b"\x22\x00\x2a\x00"], Cim21),
        ("with a field of a later cim", &[NAME, ID, b"\x32\x00"], Cim21),
        ("cim 1, reference bytes of \"zs\"", &[NAME, ID, b"\x18\x01"], Cim1),
        ("in another order", &[b"\x18\x01", ID, NAME], Cim1),
        ("the type twice, the last one counts", &[ID, b"\x18\x03\x18\x01"], Cim1),
    ];
    for (what, parts, expected) in table {
        assert_eq!(judge(parts), Ok(*expected), "{what}");
    }
}

#[test]
fn every_other_first_frame_is_refused_with_its_reason() {
    use Refusal::{Magic, Malformed, Mixed, NoHello, NoLogin, Unknown};
    let table: &[(&str, &[&[u8]], Refusal)] = &[
        ("an empty frame, which cim takes for a login", &[], Unknown),
        ("a hello without the magic number", &[HELLO], Unknown),
        ("a field of nobody", &[b"\xa0\x06\x01"], Unknown),
        ("a ping of version 1", &[b"\x32\x05\x0d\x01\0\0\0"], Unknown),
        ("the magic number alone", &[MAGIC], NoHello),
        ("another body than hello", &[MAGIC, b"\x32\x00"], NoHello),
        ("the magic number in the other order of bytes", &[b"\x7d1LPK", HELLO], Magic),
        ("the magic number twice, the last one counts", &[MAGIC, b"\x7dKPL2", HELLO], Magic),
        ("the magic number as a varint", &[b"\x78\x01", HELLO], Malformed),
        ("hello as a varint", &[MAGIC, b"\x80\x01\x01"], Malformed),
        ("a cim id beside the magic number", &[MAGIC, HELLO, ID], Mixed),
        ("an empty name of cim beside the magic number", &[b"\x0a\x00", MAGIC, HELLO], Mixed),
        ("cim without an id", &[NAME], NoLogin),
        ("cim 1 without the id that it requires", &[NAME, b"\x18\x01"], NoLogin),
        ("a message of cim 1", &[NAME, ID, b"\x18\x02"], NoLogin),
        ("a ping of cim 2.1, reference bytes", &[b"\x0a\x04ping", ID, b"\x18\x02"], NoLogin),
        ("a ping of cim 1", &[b"\x0a\x04ping", ID, b"\x18\x03"], NoLogin),
        ("a negative command", &[ID, b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"], NoLogin),
        ("a name that is a number", &[b"\x08\x01", ID], Malformed),
        ("an id that is text", &[b"\x12\x01a"], Malformed),
        ("a command of fixed width", &[ID, b"\x1d\x01\0\0\0"], Malformed),
        ("a batch that is a number", &[ID, b"\x28\x01"], Malformed),
        ("field number 0", &[b"\x00\x00"], Malformed),
        ("a group", &[ID, b"\x33\x34"], Malformed),
        ("wire type 6", &[b"\x16\x01"], Malformed),
        ("a varint of eleven bytes", &[b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"], Malformed),
        ("a varint of 65 bits", &[b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"], Malformed),
        ("a field number of more than 29 bits", &[b"\x82\x80\x80\x80\x10\x00", ID], Malformed),
        ("text that is longer than the frame", &[ID, b"\x0a\x03zs"], Malformed),
        ("text whose length is that of all memory", &[b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"], Malformed),
        ("half a fixed32", &[b"\x7dKP"], Malformed),
        ("half a fixed64", &[ID, b"\x41\0\0\0\0\0\0\0"], Malformed),
    ];
    for (what, parts, expected) in table {
        assert_eq!(judge(parts), Err(*expected), "{what}");
        let error = WireError::from(*expected);
        assert_eq!(error.reason(), Reason::ProtocolError, "{what}");
        assert_eq!(error.to_string(), format!("first frame refused: {expected}"), "{what}");
    }
}

#[test]
fn tls_and_http_are_known_by_their_second_byte() {
    let methods = ["GET /", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PRI * HTTP/2.0"];
    for method in methods {
        assert_eq!(Dialect::sniff(&method.as_bytes()[..1]), Ok(()), "{method}");
        assert_eq!(Dialect::sniff(&method.as_bytes()[..2]), Err(Refusal::Http), "{method}");
        assert_eq!(Dialect::sniff(method.as_bytes()), Err(Refusal::Http), "{method}");
    }
    for (bytes, expected) in [
        (&b""[..], Ok(())),
        (b"\x16", Ok(())),
        (b"\x16\x03", Err(Refusal::Tls)),
        (b"\x16\x03\x01\x02\x00", Err(Refusal::Tls)),
        (b"\x16\x0a\x14", Ok(())),
        (b"\x17\x03", Ok(())),
        (b"get", Ok(())),
        (b"GX", Ok(())),
    ] {
        assert_eq!(Dialect::sniff(bytes), expected, "{bytes:?}");
    }
}

/// Otherwise a real client would be taken for a browser because of the length of its name.
#[test]
fn no_first_frame_begins_like_tls_or_http() {
    let mut seen = 0;
    for length in 0..=u8::MAX {
        for tag in 0..=u8::MAX {
            if Dialect::sniff(&[length, tag]).is_err() {
                seen += 1;
                assert!(tag < 0x80 && ![1, 2, 3, 4, 5, 15, 16].contains(&(tag >> 3)), "{length:x} {tag:x}");
            }
        }
    }
    assert_eq!(seen, 11, "one for TLS, one for each pair of letters");
}

/// Fields that matter, in any order and number, and some that do not.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        Just(MAGIC.to_vec()),
        Just(HELLO.to_vec()),
        Just(ID.to_vec()),
        Just(NAME.to_vec()),
        (0..4_u8).prop_map(|command| vec![0x18, command]),
        any::<u8>().prop_map(|tag| vec![tag, 1]),
        vec(any::<u8>(), 0..4),
    ];
    vec(field, 0..6).prop_map(|fields| fields.concat())
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer_and_what_is_behind_them_can_only_spoil_it(
        bytes in prop_oneof![vec(any::<u8>(), 0..300), fields()],
        cut in 0..4_usize,
    ) {
        let _ = Dialect::sniff(&bytes);
        let judged = Dialect::judge(&bytes);
        // Field 100, a fixed32: whole, it is skipped, and else it is no message any more. A broken end takes any.
        if judged != Err(Refusal::Malformed) {
            let behind = |count| [&bytes[..], &b"\xa5\x06\0\0\0\0"[..count]].concat();
            prop_assert_eq!(Dialect::judge(&behind(6)), judged);
            prop_assert_eq!(Dialect::judge(&behind(2 + cut)), Err(Refusal::Malformed));
        }
    }
}
