// What all clients of one process have in common: where the route is, and cim's timings.
package keepline.peers.cim;

/**
 * Times are in milliseconds; cim's own values are the defaults of the flags.
 *
 * @param route the base URL of the route's HTTP
 * @param dialect of a client that does not choose its own
 * @param pingAfter write idle time after which a client pings; 0 is never
 * @param fetchAfter after the first login, when the stored messages are asked for; 0 is never
 * @param backoffMin the shortest wait of an attempt to reconnect between {@code /offLine} and {@code /login}
 * @param backoffMax the longest such wait
 * @param retryEvery from the start of one attempt to the start of the next
 * @param seed of the waits
 */
public record Settings(
        String route,
        Dialect dialect,
        long pingAfter,
        long fetchAfter,
        long backoffMin,
        long backoffMax,
        long retryEvery,
        long seed) {}
