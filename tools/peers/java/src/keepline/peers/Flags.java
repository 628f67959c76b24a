// The command line of the peers: "--name value" pairs over defaults, and bare "--name" switches.
package keepline.peers;

import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;

/** Flags with defaults; a flag that has no default is not known and is refused. */
final class Flags {
    private static final String OFF = "false";
    private static final String ON = "true";

    private final Map<String, String> values = new LinkedHashMap<>();

    /** Declares {@code --name VALUE}. */
    Flags with(String name, Object value) {
        values.put(name, value.toString());
        return this;
    }

    /** Declares {@code --name}, which is off unless given. */
    Flags withSwitch(String name) {
        return with(name, OFF);
    }

    /** Reads {@code args} from index {@code from} on; ends the program with status 2 on a bad one. */
    Flags parse(String[] args, int from) {
        for (int i = from; i < args.length; i++) {
            String name = args[i].startsWith("--") ? args[i].substring(2) : "";
            String known = values.get(name);
            if (known == null) {
                throw refuse("unknown flag " + args[i] + "; known are " + values);
            } else if (known.equals(OFF) || known.equals(ON)) {
                values.put(name, ON);
            } else if (i + 1 == args.length) {
                throw refuse(args[i] + " needs a value");
            } else {
                values.put(name, args[++i]);
            }
        }
        return this;
    }

    String text(String name) {
        return values.get(name);
    }

    boolean on(String name) {
        return text(name).equals(ON);
    }

    long number(String name) {
        try {
            return Long.parseUnsignedLong(text(name));
        } catch (NumberFormatException e) {
            throw refuse("--" + name + " needs a number, not " + text(name));
        }
    }

    /** {@code MIN..MAX}, both included. */
    long[] range(String name) {
        String[] ends = text(name).split("\\.\\.", -1);
        try {
            long min = Long.parseUnsignedLong(ends[0]);
            long max = Long.parseUnsignedLong(ends[ends.length - 1]);
            if (ends.length == 2 && min <= max) {
                return new long[] {min, max};
            }
        } catch (NumberFormatException e) {
            // Refused below, with the cases that are numbers but no range.
        }
        throw refuse("--" + name + " needs MIN..MAX, not " + text(name));
    }

    /** {@code HOST:PORT}. */
    InetSocketAddress address(String name) {
        String text = text(name);
        int colon = text.lastIndexOf(':');
        try {
            return new InetSocketAddress(
                    text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
        } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
            throw refuse("--" + name + " needs HOST:PORT, not " + text);
        }
    }

    /** Ends the program; the return type lets callers say {@code throw}. */
    static IllegalArgumentException refuse(String why) {
        System.err.println(why);
        // Not exit: nothing was counted yet that a shutdown hook could print.
        Runtime.getRuntime().halt(2);
        return new IllegalArgumentException(why);
    }
}
