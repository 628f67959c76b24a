//! Options that can't work are refused before anything is tried.

use keepline::client::{Client, EchoProtocol, Options};
use keepline::{Duration, SettingsError};

use crate::client_net::{Fate, net, options, settle};

#[tokio::test(start_paused = true)]
async fn options_that_can_not_work_are_refused_with_a_sentence() {
    type Change = fn(&mut Options);
    let high_water = SettingsError::HighWater { high_water: 64 << 10, bytes: 1 };
    let table: [(Change, Option<String>); 6] = [
        (|_| {}, None),
        (|options| options.endpoints.clear(), Some("no endpoint to connect to: give at least one host:port".into())),
        (|options| options.in_flight = 0, Some("zero messages in flight: allow at least one".into())),
        (|options| options.connect_within = Duration::ZERO, Some("zero time to connect: allow some seconds".into())),
        (|options| options.settings.outbox.bytes = 1, Some(high_water.to_string())),
        (|options| options.settings.answers_in_flight = 0, Some(SettingsError::NoAnswers.to_string())),
    ];
    for (i, (change, refused)) in table.into_iter().enumerate() {
        let mut options = options(&["a"]);
        change(&mut options);
        let (connect, net) = net(|_, _| Fate::Refuse);
        let made = Client::new(connect, EchoProtocol, options);
        assert_eq!(made.as_ref().err().map(ToString::to_string), refused, "row {i}");
        settle().await;
        assert_eq!(net.attempts().is_empty(), refused.is_some(), "row {i}");
    }
}
