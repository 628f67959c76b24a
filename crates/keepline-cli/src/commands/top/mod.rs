//! `keepline top`: the live sessions of a running server and what becomes of them, on a terminal or once for a script.

mod app;
mod columns;
mod feed;
mod figures;
#[cfg(test)]
mod fixture;
mod keys;
mod picture;
mod rates;
mod screen;
mod timeline;
mod view;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use clap::Args;
use keepline::Duration;
use keepline::serve::Stop;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::errand;
use crate::admin::AdminToken;
use crate::api::{Admin, ApiError, Http, Order, ServerUrl, SessionQuery, SortBy};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, may_style, note, now_ms};
use crate::quantity::duration;
use crate::trust::Authorities;
use app::{App, Effect, Event, List};
use keys::Input;
use picture::{One, take};
use screen::Screen;
use view::Theme;

/// Sessions that `--once` prints, unless it is told how many.
const ONCE: usize = 50;

/// Answers that wait to be shown.
const WAITING: usize = 8;

/// Between two looks at the clock: the countdown to the next try is in seconds.
const TICK: StdDuration = StdDuration::from_millis(500);

/// Flags of `keepline top`.
#[derive(Debug, Args)]
#[command(
    after_help = "Keys: q quits, / filters, left and right or 1 to 9 sort, r reverses, Enter looks closer, k kicks \
                        after a question. What it shows is kept by the server: bytes and round trips are the kernel's."
)]
pub(crate) struct TopArgs {
    /// The admin listener of the server.
    #[arg(long, default_value = "http://127.0.0.1:8084", value_name = "URL")]
    admin: ServerUrl,
    #[command(flatten)]
    token: AdminToken,
    /// A file with the certificates, in PEM, that a listener at https is trusted by; default: the system's authorities.
    #[arg(long, env = "KEEPLINE_CA", hide_env_values = true, value_name = "FILE", value_parser = Authorities::of_file)]
    ca: Option<Authorities>,
    /// What the server has to answer.
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME")]
    timeout: Duration,
    /// How often the server is asked, 100ms at the least.
    #[arg(long, default_value = "1s", value_parser = often_enough, value_name = "TIME")]
    every: Duration,
    /// What the sessions are sorted by.
    #[arg(long, value_enum, default_value_t, value_name = "COLUMN")]
    sort: SortBy,
    /// The other way round: names from Z down, numbers from the smallest up.
    #[arg(long)]
    reverse: bool,
    /// Only those in whose number, user, device, dialect or address this is.
    #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
    filter: String,
    /// Nobody can be kicked.
    #[arg(long)]
    read_only: bool,
    /// Print the list once, as keepline conns does, and end.
    #[arg(long)]
    once: bool,
    /// With --once: so many of the first.
    #[arg(long, requires = "once", value_name = "N", default_value_t = ONCE)]
    limit: usize,
    /// With --once: one object a line.
    #[arg(long, requires = "once")]
    json: bool,
}

/// Shows, until it is told to end.
pub(crate) fn run(args: TopArgs) -> ExitCode {
    errand::run(top(args))
}

async fn top(args: TopArgs) -> Result<(), Failure> {
    let http = Http::new(args.admin.clone(), args.timeout.to_std(), args.ca.as_ref());
    let admin = Arc::new(Admin::new(http, args.token.find()?));
    if args.once {
        return once(&admin, &args).await;
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Failure::usage("keepline top wants a terminal; --once prints the list for a script"));
    }
    let order = args.order();
    let list = List::new(args.sort, order, args.filter);
    let app = App::new(args.admin.to_string(), args.read_only, list);
    watch_it(admin, app, args.every.to_std()).await
}

impl TopArgs {
    const fn order(&self) -> Order {
        let natural = self.sort.natural();
        if self.reverse { natural.reversed() } else { natural }
    }
}

/// Prints the list.
async fn once(admin: &Admin, args: &TopArgs) -> Result<(), Failure> {
    let wanted = SessionQuery {
        like: Some(args.filter.clone()).filter(|filter| !filter.is_empty()),
        sort: args.sort,
        order: Some(args.order()),
        limit: Some(args.limit),
        ..SessionQuery::default()
    };
    let page = admin.sessions(&wanted).await?;
    if page.sessions.len() < page.total {
        note(&format!("{} of {} sessions; --limit shows more", page.sessions.len(), page.total));
    }
    Ok(Output::new(args.json).list(&page.sessions)?)
}

/// The loop: draws, then waits for a key, an answer, a signal or the clock.
async fn watch_it(admin: Arc<Admin>, mut app: App, every: StdDuration) -> Result<(), Failure> {
    // Before the screen is taken: who can't be asked at all is told so as by every other verb.
    let _ = app.update(Event::Tick, now_ms());
    let first = take(&admin, &app.question()).await?;
    let theme = if may_style() { Theme::Styled } else { Theme::Plain };
    let mut stop = Stop::new()?;
    // What would end it with the screen still taken: somebody may look at it from elsewhere, as with tmux.
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut screen = Screen::open()?;
    let mut keys = keys::start()?;
    let (wanted, asked) = watch::channel(app.question());
    let (to, mut news) = mpsc::channel(WAITING);
    let mut feed = tokio::spawn(feed::run(Arc::clone(&admin), asked, to, every));
    let (answered, mut kicks) = mpsc::channel(WAITING);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut event = Event::News(feed::News::Picture(Box::new(first)));
    loop {
        match app.update(event, now_ms()) {
            Effect::None => {}
            Effect::Ask => drop(wanted.send_replace(app.question())),
            Effect::Kick(whom) => drop(tokio::spawn(kick(Arc::clone(&admin), whom, answered.clone()))),
            Effect::Quit => return Ok(()),
        }
        let size = screen.size()?;
        if app.update(Event::Sized { rows: view::rows(size) }, now_ms()) == Effect::Ask {
            drop(wanted.send_replace(app.question()));
        }
        if !screen.draw(|frame| view::draw(frame, &app, theme))? {
            return Err(died("a part of it"));
        }
        event = tokio::select! {
            biased;
            () = stop.next() => return Ok(()),
            _ = hung_up.recv() => return Ok(()),
            input = keys.recv() => match input {
                Some(Input::Key(key)) => Event::Key(key),
                Some(Input::Resized) => Event::Tick,
                None => return Err(died("the thread that reads the keys")),
            },
            Some(said) = news.recv() => Event::News(said),
            Some(kicked) = kicks.recv() => kicked,
            _ = tick.tick() => Event::Tick,
            // It ends only where it panicked, which is printed once the screen is given back.
            _ = &mut feed => return Err(died("the task that asks the server")),
        };
    }
}

async fn kick(admin: Arc<Admin>, whom: One, answered: mpsc::Sender<Event>) {
    let answer = admin.kick(whom.session).await.map_err(|error: ApiError| error.to_string());
    // Nobody hears it who has left.
    let _ = answered.send(Event::Kicked { whom, answer }).await;
}

fn died(what: &str) -> Failure {
    Failure { exit: Exit::Failed, message: format!("{what} has ended") }
}

fn often_enough(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    if every < Duration::from_millis(100) { Err("at least 100ms".to_owned()) } else { Ok(every) }
}
