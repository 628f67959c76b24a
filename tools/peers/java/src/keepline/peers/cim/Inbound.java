// What a client does with each frame: a pong, a message, a batch of messages, or an error that the real one throws.
package keepline.peers.cim;

import com.google.protobuf.InvalidProtocolBufferException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import java.util.List;

/** Tells every frame in the order of the wire: the real client's ten threads would shuffle them (cim's flaw 12). */
final class Inbound extends SimpleChannelInboundHandler<ByteBuf> {
    private final Dialect dialect;
    private final long own;
    private final Report report;

    Inbound(Dialect dialect, long own, Report report) {
        this.dialect = dialect;
        this.own = own;
        this.report = report;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf frame) {
        byte[] bytes = ByteBufUtil.getBytes(frame);
        Dialect.Received received;
        try {
            received = dialect.parse(bytes);
        } catch (InvalidProtocolBufferException e) {
            report.error("a frame that does not parse: " + e.getMessage(), ByteBufUtil.hexDump(bytes));
            return;
        }
        if (received.unknown().iterator().hasNext()) {
            report.error("fields that cim does not have: " + received.unknown(), ByteBufUtil.hexDump(bytes));
        } else if (dialect.isPong(received)) {
            report.tell("pong", "hex", ByteBufUtil.hexDump(bytes));
        } else {
            onMessage(received);
        }
    }

    private void onMessage(Dialect.Received received) {
        String objection = dialect.objection(received, own);
        if (objection == null && received.id() != own) {
            objection = "the frame is for " + received.id();
        }
        if (objection != null) {
            report.error("a message to " + own + " that it drops: " + objection, received);
            return;
        }
        List<String> batch = received.batch();
        if (batch.isEmpty()) {
            tell(received, received.text(), null);
        }
        for (int i = 0; i < batch.size(); i++) {
            tell(received, batch.get(i), i);
        }
    }

    private void tell(Dialect.Received received, String text, Integer index) {
        report.tell(
                "message",
                "text", text,
                "command", received.command(),
                "properties", received.properties(),
                "index", index,
                "of", received.batch().size());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        // A line that is cut is no wrong frame; its end is told by the client.
        if (cause instanceof java.io.IOException) {
            return;
        }
        report.error("an exception on the line", cause);
    }
}
