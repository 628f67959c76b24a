// The peer checked without a server: the bytes that its pipeline writes, and what it makes of bytes that are given.
package keepline.peers.cim;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** First prints the frames of the client 1547028929407 "zs"; then reads "DIALECT HEX", as the client 2. */
public final class SelfCheck {
    private static final long WRITER = 1547028929407L;
    private static final long READER = 2;

    private SelfCheck() {}

    /** Ends when its standard input does. */
    public static void main() throws IOException {
        for (Dialect dialect : Dialect.values()) {
            wrote(dialect, "login", dialect.login(WRITER, "zs"));
            wrote(dialect, "ping", dialect.ping(WRITER));
        }
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String text = input.readLine(); text != null; text = input.readLine()) {
            String[] words = text.split(" ", 2);
            Dialect dialect = Dialect.of(words[0]);
            ByteBuf bytes = Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(words[1]));
            channel(dialect).writeInbound(bytes);
            new Report(dialect.label()).tell("read");
        }
    }

    private static void wrote(Dialect dialect, String frame, Object message) {
        EmbeddedChannel channel = channel(dialect);
        channel.writeOutbound(message);
        ByteBuf whole = Unpooled.buffer();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            whole.writeBytes(part);
        }
        new Report(dialect.label()).tell("wrote", "frame", frame, "hex", ByteBufUtil.hexDump(whole));
    }

    private static EmbeddedChannel channel(Dialect dialect) {
        EmbeddedChannel channel = new EmbeddedChannel();
        Line.install(channel.pipeline(), dialect, 0, new Inbound(dialect, READER, new Report(dialect.label())));
        return channel;
    }
}
