// Entry point of the echo pair of the article's shape: "EchoPeer server ..." or "... client ...".
package keepline.peers;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Chooses the end to play, and prints its counters however it ends. */
public final class EchoPeer {
    private EchoPeer() {}

    /** Runs one end; its counters are the last line on standard output. */
    public static void main(String[] args) throws Exception {
        // Whatever the locale says: the log lines are compared byte by byte.
        System.setOut(utf8(FileDescriptor.out));
        System.setErr(utf8(FileDescriptor.err));
        String role = args.length == 0 ? "" : args[0];
        Counters counters = new Counters(role);
        Runtime.getRuntime().addShutdownHook(new Thread(counters::print));
        switch (role) {
            case "server":
                EchoServer.main(args, counters);
                break;
            case "client":
                EchoClient.main(args, counters);
                break;
            default:
                throw Flags.refuse("usage: EchoPeer server|client [--flag value]...");
        }
        counters.print();
    }

    private static PrintStream utf8(FileDescriptor descriptor) {
        return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
    }
}
