//! The description of the API: what it says is what is served, and a change of it is seen.

use keepline_server::http::v1;
use serde_json::{Value, json};

use crate::http::fixture::Fixture;

/// Where the golden file is.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[test]
fn the_description_is_the_golden_file() {
    let now = v1::description().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("KEEPLINE_BLESS").is_some() {
        std::fs::write(GOLDEN, &now).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let line = golden.lines().zip(now.lines()).position(|(golden, now)| golden != now);
    assert!(
        golden == now,
        "the API's description has changed, from line {:?} of openapi.json on. Is the change wanted, and can old \
         clients live with it? Then run this test with KEEPLINE_BLESS=1 and commit the file",
        line.map(|line| line + 1)
    );
}

#[tokio::test]
async fn the_description_is_served() {
    let server = Fixture::new().await;
    let answer = server.v1("GET", "/openapi.json", "", Value::Null).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.json(), serde_json::to_value(v1::description()).unwrap());
}

/// Every operation of the description, as method and path.
fn operations() -> Vec<(String, String, Value)> {
    let description = serde_json::to_value(v1::description()).unwrap();
    let paths = description["paths"].as_object().unwrap().clone();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().clone();
        methods.into_iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    operations.collect()
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let mut names: Vec<String> =
        operations().iter().map(|(.., operation)| operation["operationId"].to_string()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "programs made from the description have a function of each name: {names:?}");
}

#[tokio::test]
async fn every_operation_is_there_and_wants_a_token_where_it_says_so() {
    let server = Fixture::new().await;
    let operations = operations();
    assert!(operations.len() > 15, "{operations:?}");
    for (method, path, operation) in operations {
        let filled = path.replace("{conversation}", "all").replace("{session}", "1").replace(['{', '}'], "");
        let path = filled.strip_prefix("/v1").unwrap();
        let open = operation.get("security").is_none();
        for token in ["", "kl_forged"] {
            let answer = server.v1(&method, path, token, json!({})).await;
            let expected = match (open, method.as_str()) {
                (true, "GET") => 200,
                (true, _) => 422,
                (false, _) => 401,
            };
            assert_eq!(answer.status.as_u16(), expected, "{method} {path} {token:?}: {}", answer.text);
        }
        let answer = server.v1("TRACE", path, "", Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "method_not_allowed"), "{path}");
    }
}
