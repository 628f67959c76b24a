// The client of the article's shape: a few messages at random gaps, PING when the line is quiet.
package keepline.peers;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import keepline.peers.Counters.Count;

/**
 * Like the article's client it never reconnects, has no deadline for a PONG, and goes on sending
 * after the line is closed without looking at the outcome (here it is at least counted).
 */
final class EchoClient extends Heartbeat {
    private EchoClient(Counters counters) {
        super("client", counters);
    }

    static void main(String[] args, Counters counters) throws InterruptedException {
        Flags flags = idleFlags(0, 0, 5_000)
                .with("connect", "127.0.0.1:12345")
                .with("messages", 10)
                .with("gap-ms", "0..19999")
                .with("linger-ms", 0)
                .with("quiet-ms", 2_000)
                .with("seed", System.nanoTime())
                .parse(args, 1);
        InetSocketAddress address = flags.address("connect");
        long[] gap = flags.range("gap-ms");
        System.out.println("seed " + flags.text("seed"));
        Random random = new Random(flags.number("seed"));
        NioEventLoopGroup group = new NioEventLoopGroup(4);
        EchoClient client = new EchoClient(counters);
        try {
            Channel channel = new Bootstrap()
                    .group(group)
                    .channel(NioSocketChannel.class)
                    .handler(new ChannelInitializer<Channel>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            client.install(channel.pipeline(), flags);
                        }
                    })
                    .connect(address)
                    .sync()
                    .channel();
            for (long i = 0; i < flags.number("messages"); i++) {
                client.send(channel, "client msg " + i);
                Thread.sleep(gap[0] + (long) (random.nextDouble() * (gap[1] - gap[0] + 1)));
            }
            Thread.sleep(flags.number("linger-ms"));
        } finally {
            // The line closes at once; the threads stay for the quiet period.
            group.shutdownGracefully(flags.number("quiet-ms"), 15_000, TimeUnit.MILLISECONDS);
            group.terminationFuture().sync();
        }
    }

    private void send(Channel channel, String text) {
        byte[] content = text.getBytes(StandardCharsets.UTF_8);
        ByteBuf frame = channel.alloc()
                .buffer(HEADER + content.length)
                .writeInt(HEADER + content.length)
                .writeByte(DATA)
                .writeBytes(content);
        count(channel.writeAndFlush(frame), Count.MESSAGES);
    }

    @Override
    Count received(byte type) {
        return type == PONG ? Count.PONGS : Count.REVERSED;
    }

    @Override
    void onData(ChannelHandlerContext context, ByteBuf frame) {
        counters.add(Count.ECHOES);
        printContent(frame);
    }

    @Override
    void onAllIdle(ChannelHandlerContext context) {
        super.onAllIdle(context);
        sendPing(context);
    }
}
