//! Mounts: the suite on each engine. Tests are named after the engine and the case.

use keepline_server::store::fake::Faults;

use super::engine::{Engine, InMemory, OnBus, OnDisk};
use super::{cases, limits};

macro_rules! tests {
    ($make:expr; $($subject:ident::$case:ident,)+) => {$(
        #[tokio::test]
        async fn $case() {
            let mut engine = $make;
            $subject::$case(&mut engine as &mut dyn Engine).await;
        }
    )+};
}

macro_rules! mount {
    ($engine:ident, $make:expr) => {
        mod $engine {
            use super::*;

            tests! {
                $make;
                cases::numbers_are_gap_free_from_1,
                cases::a_log_never_written_to_is_empty,
                cases::a_repetition_answers_the_first_number,
                cases::a_conflict_tells_the_head,
                cases::the_order_of_calls_is_the_order_of_numbers,
                cases::writers_at_once_share_one_sequence,
                cases::pages_are_full_and_bounded,
                cases::logs_are_found_by_prefix,
                cases::trimming_keeps_the_head,
                cases::trimming_much_holds_up_nobody,
                cases::a_forgotten_log_was_never_there,
                cases::forgetting_much_holds_up_nobody,
                cases::marks_only_rise,
                limits::the_feed_tells_each_record_in_order,
                limits::a_slow_listener_is_told_what_he_missed,
                limits::a_body_over_the_limit_is_refused,
                limits::a_closed_store_has_written_everything,
            }
        }
    };
}

mount!(in_memory, InMemory::new());
mount!(on_disk, OnDisk::new());
mount!(on_a_calm_bus, OnBus::new(1, Faults::default()));
