// The long connection: cim's pipeline, the login frame first, a ping when nothing was written for a while.
package keepline.peers.cim;

import com.google.protobuf.MessageLite;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.protobuf.ProtobufEncoder;
import io.netty.handler.codec.protobuf.ProtobufVarint32FrameDecoder;
import io.netty.handler.codec.protobuf.ProtobufVarint32LengthFieldPrepender;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.util.concurrent.TimeUnit;

/** One connection to a server; a client that reconnects has another one. */
final class Line {
    private static final String FRAMES = "frames";

    /** A real client pings with the number of the client that was made last in its process. */
    private static volatile long lastMade;

    private final Channel channel;

    private Line(Channel channel) {
        this.channel = channel;
    }

    static void made(long id) {
        lastMade = id;
    }

    /** Connects, and waits until it has or can't. {@code onEnd} runs on a thread of the line. */
    static Line connect(
            EventLoopGroup group, String ip, int port, Dialect dialect, long pingAfter, Inbound inbound, Runnable onEnd)
            throws InterruptedException {
        Channel channel = new Bootstrap()
                .group(group)
                .channel(NioSocketChannel.class)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        install(channel.pipeline(), dialect, pingAfter, inbound);
                    }
                })
                .connect(ip, port)
                .sync()
                .channel();
        channel.closeFuture().addListener(future -> onEnd.run());
        return new Line(channel);
    }

    static void install(ChannelPipeline pipeline, Dialect dialect, long pingAfter, Inbound inbound) {
        pipeline.addLast(new IdleStateHandler(0, pingAfter, 0, TimeUnit.MILLISECONDS))
                .addLast(FRAMES, new ProtobufVarint32FrameDecoder())
                .addLast(new ProtobufVarint32LengthFieldPrepender())
                .addLast(new ProtobufEncoder())
                .addLast(inbound)
                .addLast(new Heartbeat(dialect));
    }

    void send(MessageLite frame) {
        channel.writeAndFlush(frame);
    }

    /** Sends bytes as they are, past the framing. */
    void sendRaw(byte[] bytes) {
        channel.pipeline().context(FRAMES).writeAndFlush(Unpooled.wrappedBuffer(bytes));
    }

    void close() {
        channel.close().syncUninterruptibly();
    }

    private static final class Heartbeat extends ChannelInboundHandlerAdapter {
        private final Dialect dialect;

        Heartbeat(Dialect dialect) {
            this.dialect = dialect;
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof IdleStateEvent) {
                context.writeAndFlush(dialect.ping(lastMade)).addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
            }
        }
    }
}
