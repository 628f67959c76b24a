// The server of the article's shape: echoes what it gets, answers PING, closes the silent.
package keepline.peers;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import keepline.peers.Counters.Count;

/** Serves until its standard input closes. */
final class EchoServer extends Heartbeat {
    private final boolean flush;

    private EchoServer(Counters counters, boolean flush) {
        super("server", counters);
        this.flush = flush;
    }

    static void main(String[] args, Counters counters) throws IOException, InterruptedException {
        Flags flags = idleFlags(10_000, 0, 0)
                .with("listen", "0.0.0.0:12345")
                .with("workers", 4)
                .withSwitch("flush")
                .parse(args, 1);
        NioEventLoopGroup boss = new NioEventLoopGroup(1);
        NioEventLoopGroup workers = new NioEventLoopGroup((int) flags.number("workers"));
        try {
            InetSocketAddress address = flags.address("listen");
            Channel listener = new ServerBootstrap()
                    .group(boss, workers)
                    .channel(NioServerSocketChannel.class)
                    .childHandler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            new EchoServer(counters, flags.on("flush"))
                                    .install(channel.pipeline(), flags);
                        }
                    })
                    .bind(address)
                    .sync()
                    .channel();
            announce(address, listener);
            while (System.in.read() >= 0) {
                // Only the end of the input counts, not what comes before it.
            }
        } finally {
            boss.shutdownGracefully(0, 5, TimeUnit.SECONDS);
            workers.shutdownGracefully(0, 5, TimeUnit.SECONDS);
            boss.terminationFuture().sync();
            workers.terminationFuture().sync();
        }
    }

    /** The first line on standard output, with the port that the kernel chose. */
    static void announce(InetSocketAddress asked, Channel listener) {
        int port = ((InetSocketAddress) listener.localAddress()).getPort();
        System.out.println("listening on " + asked.getHostString() + ":" + port);
    }

    @Override
    Count received(byte type) {
        return type == PING ? Count.PINGS : Count.REVERSED;
    }

    @Override
    void onData(ChannelHandlerContext context, ByteBuf frame) {
        counters.add(Count.MESSAGES);
        printContent(frame);
        // The article's server writes and does not flush: the echo leaves with the next PONG.
        ChannelFuture write =
                flush ? context.writeAndFlush(frame.retain()) : context.write(frame.retain());
        count(write, Count.ECHOES);
    }

    @Override
    void onReaderIdle(ChannelHandlerContext context) {
        super.onReaderIdle(context);
        System.err.println("---client " + context.channel().remoteAddress()
                + " reader timeout, close it---");
        counters.add(Count.EVICTED);
        context.close();
    }
}
