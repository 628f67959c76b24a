// The two generations of cim's frames: what a client writes, and what it makes of what it reads.
package keepline.peers.cim;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import java.util.List;
import java.util.Map;
import keepline.cim.Cim;
import keepline.cim1.Cim1;

/** Both have the same field numbers; they differ in the commands, and in what is written of a default. */
public enum Dialect {
    /** 2.1 and later: proto3, so that a login has no command on the wire. */
    V2("2.1", Cim.Command.LOGIN_REQUEST_VALUE, Cim.Command.PING_VALUE) {
        @Override
        MessageLite frame(int command, long id, String text) {
            return Cim.Frame.newBuilder().setText(text).setId(id).setCommand(command).build();
        }

        @Override
        Received parse(byte[] bytes) throws InvalidProtocolBufferException {
            Cim.Frame frame = Cim.Frame.parseFrom(bytes);
            return new Received(
                    frame.getText(),
                    frame.getId(),
                    frame.getCommand(),
                    frame.getPropertiesMap(),
                    frame.getBatchList(),
                    frame.getUnknownFields().asMap().keySet());
        }

        @Override
        String objection(Received received, long own) {
            // The real client looks itself up by this property, and throws when it finds nobody.
            String receiver = received.properties().get("receiveUserId");
            return Long.toString(own).equals(receiver) ? null : "receiveUserId is " + receiver;
        }
    },

    /** 1.x and 2.0: proto2, all three fields required; neither properties nor batches. */
    V1("1.x", 1, 3) {
        @Override
        MessageLite frame(int command, long id, String text) {
            return Cim1.Frame.newBuilder().setText(text).setId(id).setCommand(command).build();
        }

        @Override
        Received parse(byte[] bytes) throws InvalidProtocolBufferException {
            Cim1.Frame frame = Cim1.Frame.parseFrom(bytes);
            return new Received(
                    frame.getText(),
                    frame.getId(),
                    frame.getCommand(),
                    Map.of(),
                    List.of(),
                    frame.getUnknownFields().asMap().keySet());
        }

        @Override
        String objection(Received received, long own) {
            return null;
        }
    };

    private final String label;
    private final int login;
    private final int ping;

    Dialect(String label, int login, int ping) {
        this.label = label;
        this.login = login;
        this.ping = ping;
    }

    /** The dialect called so. */
    public static Dialect of(String label) {
        for (Dialect dialect : values()) {
            if (dialect.label.equals(label)) {
                return dialect;
            }
        }
        throw new IllegalArgumentException("the dialects are 2.1 and 1.x, not " + label);
    }

    /** What it is called on the command line. */
    public String label() {
        return label;
    }

    MessageLite login(long id, String name) {
        return frame(login, id, name);
    }

    MessageLite ping(long id) {
        return frame(ping, id, "ping");
    }

    /** A client reads every command but this one as a message. */
    boolean isPong(Received received) {
        return received.command() == ping;
    }

    abstract MessageLite frame(int command, long id, String text);

    abstract Received parse(byte[] bytes) throws InvalidProtocolBufferException;

    /** Why the client with the number {@code own} can't take this message, or null. */
    abstract String objection(Received received, long own);

    /** A frame from the server; {@code unknown} are the numbers of fields that no cim client has heard of. */
    record Received(
            String text,
            long id,
            int command,
            Map<String, String> properties,
            List<String> batch,
            Iterable<Integer> unknown) {}
}
