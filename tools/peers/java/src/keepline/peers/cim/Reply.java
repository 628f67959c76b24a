// The replies of the route, with exactly the fields that cim documents.
package keepline.peers.cim;

/** Every reply: {@code code} is a number in a string, {@code reqNo} is written though it is always null. */
record Reply<T>(String code, String message, String reqNo, T dataBody) {
    /** The body of {@code /registerAccount}, and an item of {@code /onlineUser}. */
    record Account(long userId, String userName) {}

    /** The body of {@code /login}: where to connect to. */
    record Server(String ip, int cimServerPort, int httpPort) {}

    /** A body without fields: null or {@code {}}. */
    record Nothing() {}
}
