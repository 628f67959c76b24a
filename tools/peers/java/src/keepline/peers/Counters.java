// What one peer counted over all its connections, and the JSON line that says so at the end.
package keepline.peers;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counters that mean the same at both ends, so that a test can compare them: a sent frame counts
 * when its write has succeeded, a received one when it reaches the handler.
 */
final class Counters {
    /** Printed in lower case, in this order. */
    enum Count {
        /** Connections that became active. */
        CONNECTIONS,
        /** PINGs from client to server. */
        PINGS,
        /** PONGs from server to client. */
        PONGS,
        /** Data frames from client to server. */
        MESSAGES,
        /** Data frames from server to client. */
        ECHOES,
        /** Heartbeats that came the other way: a PING at the client, a PONG at the server. */
        REVERSED,
        /** Idle events of every kind. */
        IDLES,
        /** Connections closed by us because of READER_IDLE. */
        EVICTED,
        /** Writes that failed; the article's classes do not look. */
        FAILED,
        /** Exceptions that reached the end of the pipeline: bad lengths, frames without a type. */
        ERRORS
    }

    private final String role;
    private final Map<Count, LongAdder> counts = new EnumMap<>(Count.class);
    private final AtomicBoolean printed = new AtomicBoolean();

    Counters(String role) {
        this.role = role;
        for (Count count : Count.values()) {
            counts.put(count, new LongAdder());
        }
    }

    void add(Count count) {
        counts.get(count).increment();
    }

    /** Prints one line, and only the first time: at a clean end, or from the shutdown hook. */
    void print() {
        if (!printed.compareAndSet(false, true)) {
            return;
        }
        StringBuilder json = new StringBuilder("{\"role\":\"").append(role).append('"');
        counts.forEach((count, adder) ->
                json.append(",\"").append(count.name().toLowerCase()).append("\":").append(adder));
        System.out.println(json.append('}'));
    }
}
