// What both ends of the echo pair share: the frame, PING and PONG, idle events, the log lines.
package keepline.peers;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import keepline.peers.Counters.Count;

/**
 * One connection's handler. A frame is a 4-byte big-endian length that counts itself, one type
 * byte, and the content; the decoder leaves the five bytes before the content in place.
 */
abstract class Heartbeat extends SimpleChannelInboundHandler<ByteBuf> {
    static final byte PING = 1;
    static final byte PONG = 2;
    static final byte DATA = 3;
    static final int HEADER = 5;
    private static final int MAX_FRAME = 1024;

    final Counters counters;
    private final String name;
    private int beats;

    Heartbeat(String name, Counters counters) {
        this.name = name;
        this.counters = counters;
    }

    /** Declares the idle limits, in ms, 0 = off. */
    static Flags idleFlags(long reader, long writer, long all) {
        return new Flags()
                .with("reader-idle-ms", reader)
                .with("writer-idle-ms", writer)
                .with("all-idle-ms", all);
    }

    /** The idle detector comes first: it hears raw bytes, not whole frames. */
    void install(ChannelPipeline pipeline, Flags flags) {
        pipeline.addLast(
                new IdleStateHandler(
                        flags.number("reader-idle-ms"),
                        flags.number("writer-idle-ms"),
                        flags.number("all-idle-ms"),
                        TimeUnit.MILLISECONDS),
                decoder(),
                this);
    }

    static LengthFieldBasedFrameDecoder decoder() {
        return new LengthFieldBasedFrameDecoder(MAX_FRAME, 0, 4, -4, 0);
    }

    /** A frame of every type that is neither PING nor PONG. */
    abstract void onData(ChannelHandlerContext context, ByteBuf frame);

    /** What a PING counts as when we receive it, and a PONG when we send it. */
    abstract Count received(byte type);

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf frame) {
        switch (frame.getByte(HEADER - 1)) {
            case PING:
                counters.add(received(PING));
                beat(context, PONG, "pong");
                break;
            case PONG:
                counters.add(received(PONG));
                System.out.println(name + " get pong msg from " + context.channel().remoteAddress());
                break;
            default:
                onData(context, frame);
        }
    }

    final void sendPing(ChannelHandlerContext context) {
        beat(context, PING, "ping");
    }

    private void beat(ChannelHandlerContext context, byte type, String what) {
        ByteBuf frame = context.alloc().buffer(HEADER).writeInt(HEADER).writeByte(type);
        count(context.writeAndFlush(frame), type == PING ? Count.PINGS : Count.PONGS);
        beats++;
        System.out.println(name + " sent " + what + " msg to " + context.channel().remoteAddress()
                + ", count: " + beats);
    }

    final void count(ChannelFuture write, Count count) {
        write.addListener(done -> counters.add(done.isSuccess() ? count : Count.FAILED));
    }

    final void printContent(ByteBuf frame) {
        String content = frame.toString(
                frame.readerIndex() + HEADER, frame.readableBytes() - HEADER, StandardCharsets.UTF_8);
        System.out.println(name + " get content: " + content);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (!(event instanceof IdleStateEvent)) {
            context.fireUserEventTriggered(event);
            return;
        }
        counters.add(Count.IDLES);
        switch (((IdleStateEvent) event).state()) {
            case READER_IDLE:
                onReaderIdle(context);
                break;
            case WRITER_IDLE:
                System.err.println("---WRITER_IDLE---");
                break;
            default:
                onAllIdle(context);
        }
    }

    void onReaderIdle(ChannelHandlerContext context) {
        System.err.println("---READER_IDLE---");
    }

    void onAllIdle(ChannelHandlerContext context) {
        System.err.println("---ALL_IDLE---");
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        counters.add(Count.CONNECTIONS);
        System.err.println("---" + context.channel().remoteAddress() + " is active---");
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        System.err.println("---" + context.channel().remoteAddress() + " is inactive---");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        counters.add(Count.ERRORS);
        // On to the tail of the pipeline, which logs it and leaves the connection open.
        context.fireExceptionCaught(cause);
    }
}
