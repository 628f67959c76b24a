// The commands on standard input: "as NAME VERB ...", one a line, for as many clients as are named.
package keepline.peers.cim;

import io.netty.channel.nio.NioEventLoopGroup;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import okhttp3.OkHttpClient;

/** Hands each line to the client that it names; a name that is new is a new client. */
public final class Console {
    private Console() {}

    /** Reads to the end, or to {@code quit}, and waits for what was begun. */
    public static void main(Settings settings) throws IOException, InterruptedException {
        Report report = new Report("");
        report.tell("started", "seed", settings.seed());
        Map<String, Client> clients = new LinkedHashMap<>();
        // One thread for all lines: what it tells is in the order in which it came.
        NioEventLoopGroup group = new NioEventLoopGroup(1);
        OkHttpClient http = new OkHttpClient();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String text = input.readLine(); text != null && !text.equals("quit"); text = input.readLine()) {
            String[] words = text.split(" ", 4);
            if (words.length < 3 || !words[0].equals("as")) {
                report.error("a line is: as NAME VERB ..., or quit", text);
                continue;
            }
            clients.computeIfAbsent(words[1], name -> new Client(name, settings, group, http))
                    .command(words[2], words.length == 4 ? words[3] : "");
        }
        for (Client client : clients.values()) {
            client.finish();
        }
        report.tell("ended");
        // Netty's threads, and those of the lines that are still open, end here.
        System.exit(0);
    }
}
