// One cim client: it logs in by HTTP, connects, and comes back when its line ends.
package keepline.peers.cim;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.EventLoopGroup;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;

/**
 * Everything but the frames that come in happens on one thread, in the order of the commands.
 *
 * <pre>
 * INITIALIZED --login, connected--> READY --line ends--> CLOSED --attempt--> READY
 *                                     \---close---> CLOSED, for ever
 * </pre>
 */
final class Client {
    private enum State {
        INITIALIZED,
        READY,
        CLOSED
    }

    private final Settings settings;
    private final EventLoopGroup group;
    private final Report report;
    private final RouteApi route;
    private final Random random;
    private final ScheduledThreadPoolExecutor thread;

    private Dialect dialect;
    private long id;
    private String name = "";
    private Line line;
    private boolean fetched;
    private boolean ended;

    Client(String as, Settings settings, EventLoopGroup group, OkHttpClient http) {
        this.settings = settings;
        this.group = group;
        report = new Report(as);
        route = new RouteApi(http, settings.route(), report);
        random = new Random(settings.seed() + as.hashCode());
        dialect = settings.dialect();
        thread = new ScheduledThreadPoolExecutor(1);
        // What is due later than the end is not waited for.
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        state(State.INITIALIZED);
    }

    /** Does one command, after those before it. */
    void command(String verb, String rest) {
        thread.execute(() -> {
            try {
                run(verb, rest);
            } catch (RuntimeException e) {
                report.error("the command failed: " + verb + " " + rest, e);
            }
        });
    }

    /** Waits for the commands given so far; attempts to reconnect and fetches that are not due yet are dropped. */
    void finish() throws InterruptedException {
        thread.shutdown();
        if (!thread.awaitTermination(30, TimeUnit.SECONDS)) {
            report.error("commands are left undone", thread);
        }
    }

    private void run(String verb, String rest) {
        switch (verb) {
            case "dialect" -> dialect = Dialect.of(rest);
            case "register" -> route.registerAccount(rest);
            case "enter" -> {
                be(Long.parseLong(word(rest)), after(rest));
                route.login(id, name);
            }
            case "login" -> {
                be(Long.parseLong(word(rest)), after(rest));
                login();
            }
            case "p2p" -> route.p2pRoute(id, Long.parseLong(word(rest)), after(rest));
            case "batch" -> route.p2pRoute(id, Long.parseLong(word(rest)), Arrays.asList(after(rest).split(" ")));
            case "group" -> route.groupRoute(id, rest);
            // The 1.x clients ask by POST, those of 2.x by GET.
            case "online" -> route.onlineUser(rest.equals("post") || rest.isEmpty() && dialect == Dialect.V1);
            case "fetch" -> route.fetchOfflineMsgs(id);
            case "offline" -> route.offLine(rest.isEmpty() ? id : Long.parseLong(rest));
            case "close" -> close();
            case "ping" -> line.send(dialect.ping(id));
            case "raw" -> line.sendRaw(ByteBufUtil.decodeHexDump(rest));
            default -> throw new IllegalArgumentException("no such command");
        }
    }

    private void be(long id, String name) {
        this.id = id;
        this.name = name;
        Line.made(id);
    }

    private void login() {
        if (!join()) {
            report.tell("fatal", "why", "no server to connect to");
        }
    }

    /** Asks for a server, and connects to it. */
    private boolean join() {
        Optional<Reply.Server> server = route.login(id, name).map(Reply::dataBody);
        if (server.isEmpty()) {
            return false;
        }
        try {
            line = connect(server.get());
        } catch (Exception e) {
            // Netty throws what it does not declare.
            report.tell("unreachable", "ip", server.get().ip(), "port", server.get().cimServerPort(), "why", e.toString());
            return false;
        }
        state(State.READY);
        line.send(dialect.login(id, name));
        // Once in the life of a client, however often it comes back (cim's flaw 11); 1.x has no such call.
        if (!fetched && settings.fetchAfter() > 0 && dialect == Dialect.V2) {
            fetched = true;
            thread.schedule(() -> route.fetchOfflineMsgs(id), settings.fetchAfter(), TimeUnit.MILLISECONDS);
        }
        return true;
    }

    private Line connect(Reply.Server server) throws InterruptedException {
        Line[] made = new Line[1];
        made[0] = Line.connect(
                group,
                server.ip(),
                server.cimServerPort(),
                dialect,
                settings.pingAfter(),
                new Inbound(dialect, id, report),
                () -> later(() -> lost(made[0]), 0));
        return made[0];
    }

    private void lost(Line which) {
        if (which != line) {
            return;
        }
        line = null;
        state(State.CLOSED);
        if (!ended) {
            attempt();
        }
    }

    private void attempt() {
        long begin = System.nanoTime();
        route.offLine(id);
        long wait = settings.backoffMin() + random.nextLong(settings.backoffMax() - settings.backoffMin() + 1);
        report.tell("attempt", "wait_ms", wait);
        later(
                () -> {
                    if (ended || join()) {
                        return;
                    }
                    long spent = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
                    later(this::attempt, Math.max(0, settings.retryEvery() - spent));
                },
                wait);
    }

    private void close() {
        ended = true;
        if (line == null) {
            state(State.CLOSED);
        } else {
            line.close();
            // Its end comes after this command, and finds nothing to do.
            line = null;
            state(State.CLOSED);
        }
        route.offLine(id);
    }

    private void later(Runnable work, long delay) {
        if (!thread.isShutdown()) {
            thread.schedule(work, delay, TimeUnit.MILLISECONDS);
        }
    }

    private void state(State next) {
        report.tell("state", "state", next.name().toLowerCase(Locale.ROOT));
    }

    private static String word(String text) {
        int space = text.indexOf(' ');
        return space < 0 ? text : text.substring(0, space);
    }

    private static String after(String text) {
        int space = text.indexOf(' ');
        return space < 0 ? "" : text.substring(space + 1);
    }
}
