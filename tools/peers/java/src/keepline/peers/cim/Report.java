// What happens, as JSON lines on standard output.
package keepline.peers.cim;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** The lines of one client. Lines of all clients share one order: that in which they are told. */
final class Report {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    private static final long START = System.nanoTime();

    private final String as;

    Report(String as) {
        this.as = as;
    }

    /** Tells one event; {@code pairs} are names and values in turn. */
    void tell(String event, Object... pairs) {
        ObjectNode line = JSON.createObjectNode();
        line.put("as", as).put("event", event).put("at_ms", (System.nanoTime() - START) / 1_000_000);
        for (int i = 0; i < pairs.length; i += 2) {
            line.set((String) pairs[i], JSON.valueToTree(pairs[i + 1]));
        }
        synchronized (OUT) {
            OUT.println(line);
        }
    }

    /** Tells what no cim client could live with: it fails the test that reads it. */
    void error(String what, Object culprit) {
        tell("error", "what", what, "culprit", String.valueOf(culprit));
    }
}
