// The echo server as Netty's own advice would have it, to compare figures with.
package keepline.peers;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.ResourceLeakDetector;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * Pooled buffers, the received buffer handed back as the echo, no promise per write, one flush for
 * all that a read brought, no leak detection, no log line. Serves until it is killed.
 */
public final class NettyBest extends ChannelInboundHandlerAdapter {
    private static final ByteBuf PONG = Unpooled.unreleasableBuffer(
            Unpooled.directBuffer(Heartbeat.HEADER)
                    .writeInt(Heartbeat.HEADER)
                    .writeByte(Heartbeat.PONG)
                    .asReadOnly());

    private NettyBest() {}

    /** Listens, and says where on the first line of standard output. */
    public static void main(String[] args) throws InterruptedException {
        Flags flags = new Flags()
                .with("listen", "127.0.0.1:0")
                .with("workers", 1)
                .with("reader-idle-ms", 10_000)
                .parse(args, 0);
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        int workers = (int) flags.number("workers");
        long idle = flags.number("reader-idle-ms");
        InetSocketAddress address = flags.address("listen");
        Channel listener = new ServerBootstrap()
                .group(group(1), group(workers))
                .channel(channel())
                .option(ChannelOption.SO_BACKLOG, 4096)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(
                                new IdleStateHandler(idle, 0, 0, TimeUnit.MILLISECONDS),
                                Heartbeat.decoder(),
                                new NettyBest());
                    }
                })
                .bind(address)
                .sync()
                .channel();
        EchoServer.announce(address, listener);
        System.err.println("transport " + (Epoll.isAvailable() ? "epoll" : "nio")
                + ", workers " + workers);
        listener.closeFuture().sync();
    }

    private static EventLoopGroup group(int threads) {
        return Epoll.isAvailable() ? new EpollEventLoopGroup(threads) : new NioEventLoopGroup(threads);
    }

    private static Class<? extends ServerChannel> channel() {
        return Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf frame = (ByteBuf) message;
        switch (frame.getByte(Heartbeat.HEADER - 1)) {
            case Heartbeat.PING:
                frame.release();
                context.write(PONG.duplicate(), context.voidPromise());
                break;
            case Heartbeat.PONG:
                frame.release();
                break;
            default:
                // The frame is a slice of the pooled receive buffer; writing it passes it on.
                context.write(frame, context.voidPromise());
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        context.flush();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof IdleStateEvent) {
            context.close();
        }
    }

    /** A bad length closes, as in the servers it is compared with. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }
}
