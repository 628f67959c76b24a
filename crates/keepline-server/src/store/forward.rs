//! Forward: what a store that stands before another passes on to it as it is.

/// Writes methods of an `impl Store` that only call the same of a field, which is an `Arc` of a store.
///
/// Each is named, and the trait's methods without a default are named or written: whoever adds one to the trait decides
/// it for every store that stands before another. [`backup`](crate::store::Store::backup) and
/// [`close`](crate::store::Store::close) have defaults, which are wrong before an engine on a disk, as that of
/// [`watch_commits`](crate::store::Store::watch_commits) is where somebody counts.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use keepline_server::forward_store;
/// use keepline_server::store::{Answer, Append, Outcome, Store};
///
/// /// Counts the appends.
/// struct Counted {
///     inner: Arc<dyn Store>,
///     appends: AtomicU64,
/// }
///
/// impl Store for Counted {
///     forward_store!(inner; durability, head, read, read_back, logs, trim, forget, put_mark, marks);
///     forward_store!(inner; subscribe, health, backup, close);
///
///     fn append(&self, append: Append) -> Answer<Outcome> {
///         self.appends.fetch_add(1, Ordering::Relaxed);
///         self.inner.append(append)
///     }
/// }
/// ```
#[macro_export]
macro_rules! forward_store {
    ($inner:ident; $($method:ident),+ $(,)?) => {
        $($crate::forward_store!(@ $inner, $method);)+
    };
    (@ $inner:ident, durability) => { $crate::forward_store!(@@ $inner, durability() -> $crate::store::Durability); };
    (@ $inner:ident, append) => {
        $crate::forward_store!(@@ $inner, append(append: $crate::store::Append)
            -> $crate::store::Answer<$crate::store::Outcome>);
    };
    (@ $inner:ident, head) => {
        $crate::forward_store!(@@ $inner, head(log: &$crate::store::LogName)
            -> $crate::store::Answer<$crate::store::Head>);
    };
    (@ $inner:ident, read) => {
        $crate::forward_store!(@@ $inner, read(log: &$crate::store::LogName, after: u64, page: $crate::store::Page)
            -> $crate::store::Answer<Vec<$crate::store::Record>>);
    };
    (@ $inner:ident, read_back) => {
        $crate::forward_store!(@@ $inner, read_back(log: &$crate::store::LogName, before: u64, page: $crate::store::Page)
            -> $crate::store::Answer<Vec<$crate::store::Record>>);
    };
    (@ $inner:ident, logs) => {
        $crate::forward_store!(@@ $inner, logs(prefix: &str, after: Option<&$crate::store::LogName>, limit: usize)
            -> $crate::store::Answer<Vec<($crate::store::LogName, $crate::store::Head)>>);
    };
    (@ $inner:ident, trim) => {
        $crate::forward_store!(@@ $inner, trim(log: &$crate::store::LogName, through: u64) -> $crate::store::Answer<()>);
    };
    (@ $inner:ident, forget) => {
        $crate::forward_store!(@@ $inner, forget(log: &$crate::store::LogName) -> $crate::store::Answer<()>);
    };
    (@ $inner:ident, put_mark) => {
        $crate::forward_store!(@@ $inner, put_mark(owner: &str, log: &$crate::store::LogName, seq: u64)
            -> $crate::store::Answer<()>);
    };
    (@ $inner:ident, marks) => {
        $crate::forward_store!(@@ $inner, marks(owner: &str)
            -> $crate::store::Answer<Vec<($crate::store::LogName, u64)>>);
    };
    (@ $inner:ident, subscribe) => { $crate::forward_store!(@@ $inner, subscribe() -> $crate::store::Feed); };
    (@ $inner:ident, health) => {
        $crate::forward_store!(@@ $inner, health() -> Result<(), $crate::store::StoreError>);
    };
    (@ $inner:ident, backup) => {
        $crate::forward_store!(@@ $inner, backup(to: &std::path::Path) -> $crate::store::Answer<$crate::store::Copied>);
    };
    (@ $inner:ident, watch_commits) => {
        $crate::forward_store!(@@ $inner, watch_commits(watch: std::sync::Arc<dyn $crate::store::CommitWatch>) -> ());
    };
    (@ $inner:ident, close) => { $crate::forward_store!(@@ $inner, close() -> $crate::store::Closing); };
    (@@ $inner:ident, $method:ident($($argument:ident: $type:ty),*) -> $answer:ty) => {
        fn $method(&self, $($argument: $type),*) -> $answer {
            $crate::store::Store::$method(&*self.$inner, $($argument),*)
        }
    };
}
