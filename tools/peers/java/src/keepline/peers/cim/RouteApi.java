// cim's HTTP, asked as its SDK asks, and answered to a reader that forgives nothing.
package keepline.peers.cim;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.LogicalType;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/** The seven calls. Each tells its reply; what breaks cim's rules is an error, and empty. */
final class RouteApi {
    private static final MediaType JSON = MediaType.get("application/json; charset=utf-8");
    private static final ObjectMapper STRICT = strict();

    private final OkHttpClient http;
    private final String base;
    private final Report report;

    RouteApi(OkHttpClient http, String base, Report report) {
        this.http = http;
        this.base = base;
        this.report = report;
    }

    Optional<Reply<Reply.Account>> registerAccount(String name) {
        return post("registerAccount", object().put("userName", name), type(Reply.Account.class));
    }

    Optional<Reply<Reply.Server>> login(long id, String name) {
        return post("login", object().put("userId", id).put("userName", name), type(Reply.Server.class));
    }

    void offLine(long id) {
        post("offLine", object().put("userId", id).put("msg", "offLine"), type(Reply.Nothing.class));
    }

    void groupRoute(long id, String text) {
        post("groupRoute", object().put("userId", id).put("msg", text), type(Reply.Nothing.class));
    }

    void p2pRoute(long id, long receiver, String text) {
        ObjectNode body = object().put("userId", id).put("receiveUserId", receiver).put("msg", text);
        post("p2pRoute", body, type(Reply.Nothing.class));
    }

    /** As the SDK does, without {@code msg}. */
    void p2pRoute(long id, long receiver, List<String> batch) {
        ObjectNode body = object().put("userId", id).put("receiveUserId", receiver);
        batch.forEach(body.putArray("batchMsg")::add);
        post("p2pRoute", body, type(Reply.Nothing.class));
    }

    void onlineUser(boolean byPost) {
        JavaType accounts = STRICT.getTypeFactory().constructCollectionType(Set.class, Reply.Account.class);
        Request.Builder request = request("onlineUser");
        call(byPost ? request.post(body(object())) : request.get(), type(accounts));
    }

    void fetchOfflineMsgs(long id) {
        post("fetchOfflineMsgs", object().put("receiveUserId", id), type(Reply.Nothing.class));
    }

    private <T> Optional<Reply<T>> post(String path, ObjectNode body, JavaType reply) {
        return call(request(path).post(body(body)), reply);
    }

    private <T> Optional<Reply<T>> call(Request.Builder builder, JavaType type) {
        Request request = builder.build();
        String path = request.url().encodedPath();
        String verb = request.method();
        int status;
        String text;
        try (Response response = http.newCall(request).execute()) {
            status = response.code();
            text = response.body().string();
        } catch (IOException e) {
            report.tell("unreachable", "path", path, "verb", verb, "why", e.toString());
            return Optional.empty();
        }
        if (status / 100 != 2) {
            report.error(verb + " " + path + " answered " + status, text);
            return Optional.empty();
        }
        try {
            Reply<T> reply = STRICT.readValue(text, type);
            report.tell("http", "path", path, "verb", verb, "status", status, "code", reply.code(),
                    "message", reply.message(), "body", STRICT.readTree(text).get("dataBody"));
            return Optional.of(reply);
        } catch (JsonProcessingException e) {
            report.error(verb + " " + path + " answered what does not parse: " + e.getOriginalMessage(), text);
            return Optional.empty();
        }
    }

    private Request.Builder request(String path) {
        return new Request.Builder().url(base + "/" + path);
    }

    private static RequestBody body(ObjectNode object) {
        return RequestBody.create(JSON, object.toString());
    }

    private static ObjectNode object() {
        return STRICT.createObjectNode();
    }

    private static JavaType type(Class<?> body) {
        return STRICT.getTypeFactory().constructParametricType(Reply.class, body);
    }

    private static JavaType type(JavaType body) {
        return STRICT.getTypeFactory().constructParametricType(Reply.class, body);
    }

    /** Jackson as it comes refuses unknown fields; this one also refuses missing ones, and a number for a string. */
    private static ObjectMapper strict() {
        JsonMapper mapper = JsonMapper.builder()
                .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .build();
        mapper.coercionConfigFor(LogicalType.Textual).setCoercion(CoercionInputShape.Integer, CoercionAction.Fail);
        return mapper;
    }
}
