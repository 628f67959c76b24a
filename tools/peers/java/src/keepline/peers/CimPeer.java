// Entry point of a cim client: "CimPeer --route URL ..." reads commands, one a line, and prints what happens as JSON.
package keepline.peers;

import keepline.peers.cim.Console;
import keepline.peers.cim.Dialect;
import keepline.peers.cim.SelfCheck;
import keepline.peers.cim.Settings;

/** Reads the flags, and starts the console or the self-check. */
public final class CimPeer {
    private CimPeer() {}

    /** Ends when its standard input does, or at {@code quit}. */
    public static void main(String[] args) throws Exception {
        Flags flags = new Flags()
                .with("route", "http://127.0.0.1:8083")
                .with("dialect", Dialect.V2.label())
                .with("ping-after-ms", 10_000)
                .with("fetch-after-ms", 5_000)
                .with("backoff-ms", "3000..9000")
                .with("retry-every-ms", 10_000)
                .with("seed", System.nanoTime() >>> 1)
                .withSwitch("self-check")
                .parse(args, 0);
        if (flags.on("self-check")) {
            SelfCheck.main();
            return;
        }
        long[] backoff = flags.range("backoff-ms");
        Settings settings = new Settings(
                flags.text("route"),
                dialect(flags.text("dialect")),
                flags.number("ping-after-ms"),
                flags.number("fetch-after-ms"),
                backoff[0],
                backoff[1],
                flags.number("retry-every-ms"),
                flags.number("seed"));
        Console.main(settings);
    }

    private static Dialect dialect(String label) {
        try {
            return Dialect.of(label);
        } catch (IllegalArgumentException e) {
            throw Flags.refuse(e.getMessage());
        }
    }
}
