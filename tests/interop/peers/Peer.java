// SPDX-License-Identifier: Apache-2.0
// A JeroMQ peer; README.md beside it says what it understands and answers.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.zeromq.ZMQ;

public class Peer {
    static final int PATIENCE_MS = 20_000;
    static final Map<String, Integer> TYPES = Map.ofEntries(
        Map.entry("pair", ZMQ.PAIR), Map.entry("pub", ZMQ.PUB), Map.entry("sub", ZMQ.SUB),
        Map.entry("req", ZMQ.REQ), Map.entry("rep", ZMQ.REP), Map.entry("dealer", ZMQ.DEALER),
        Map.entry("router", ZMQ.ROUTER), Map.entry("pull", ZMQ.PULL), Map.entry("push", ZMQ.PUSH),
        Map.entry("xpub", ZMQ.XPUB), Map.entry("xsub", ZMQ.XSUB));
    static final String END = "\0end of input";
    static final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] filled(int size, int value) {
        byte[] all = new byte[size];
        Arrays.fill(all, (byte) value);
        return all;
    }

    static List<byte[]> message(int i, int frameMax) {
        byte[] digits = bytes(Integer.toString(i));
        byte[] empty = {};
        switch (i % 8) {
        case 0: return List.of(bytes("text " + i));
        case 1: return List.of(digits, empty, bytes("end"));
        case 2:
            byte[] values = new byte[256];
            for (int value = 0; value < 256; ++value)
                values[value] = (byte) value;
            return List.of(digits, values);
        case 3: return List.of(digits, filled(255, i));
        case 4: return List.of(digits, filled(256, i));
        case 5: return i == 13 ? List.of(empty) : List.of(empty, digits);
        case 6:
            List<byte[]> many = new ArrayList<>(List.of(digits));
            for (int n = 0; n < 11; ++n)
                many.add(bytes(Integer.toString(n)));
            return many;
        default:
            byte[] large = new byte[Math.min(i == 7 ? 1 << 20 : 70_000, frameMax)];
            for (int j = 0; j < large.length; ++j)
                large[j] = (byte) (i + 7 * j + (j >> 8));
            return List.of(digits, large);
        }
    }

    static class Tally {
        int count = 0;
        final MessageDigest digest;

        Tally() throws NoSuchAlgorithmException {
            digest = MessageDigest.getInstance("SHA-256");
        }

        void number(int value) {
            digest.update(ByteBuffer.allocate(4).putInt(value).array());
        }

        void add(List<byte[]> frames) {
            ++count;
            number(frames.size());
            for (byte[] frame : frames) {
                number(frame.length);
                digest.update(frame);
            }
        }

        public String toString() {
            StringBuilder text = new StringBuilder(count + " ");
            for (byte one : digest.digest())
                text.append(String.format("%02x", one));
            return text.toString();
        }
    }

    static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    // One conversation's words.
    static class Options {
        final String type;
        final String how;
        final String endpoint;
        final List<String> subscribe = new ArrayList<>();
        final Map<String, String> values = new HashMap<>();

        Options(String[] words) {
            type = words[0];
            how = words[1];
            endpoint = words[2];
            for (int i = 3; i + 1 < words.length; i += 2) {
                if (words[i].startsWith("--curve"))
                    throw new IllegalArgumentException("this JeroMQ has no CURVE");
                if (words[i].equals("--subscribe"))
                    subscribe.add(words[i + 1]);
                else
                    values.put(words[i].substring(2), words[i + 1]);
            }
        }

        int number(String name) {
            return number(name, 0);
        }

        int number(String name, int otherwise) {
            return Integer.parseInt(values.getOrDefault(name, Integer.toString(otherwise)));
        }

        boolean subscribes() {
            return type.equals("sub") || type.equals("xsub");
        }

        String topic() {
            return text("topic");
        }

        String text(String name) {
            return values.getOrDefault(name, "");
        }
    }

    static void attach(ZMQ.Socket socket, Options options) {
        if (options.type.equals("sub"))
            for (String prefix : options.subscribe)
                socket.subscribe(bytes(prefix));
        if (!options.how.equals("bind"))
            socket.connect(options.endpoint);
        else if (options.endpoint.endsWith(":*"))
            say("bound tcp://127.0.0.1:" + socket.bindToRandomPort("tcp://127.0.0.1"));
        else {
            socket.bind(options.endpoint);
            say("bound " + options.endpoint);
        }
        if (options.type.equals("xsub"))
            for (String prefix : options.subscribe)
                send(socket, List.of(bytes("\u0001" + prefix)));
        say("ready");
    }

    static void send(ZMQ.Socket socket, List<byte[]> frames) {
        for (int i = 0; i < frames.size(); ++i)
            if (!socket.send(frames.get(i), i + 1 < frames.size() ? ZMQ.SNDMORE : 0))
                throw new IllegalStateException("a send was refused");
    }

    static List<byte[]> receiveOne(ZMQ.Socket socket) {
        List<byte[]> frames = new ArrayList<>();
        do {
            byte[] frame = socket.recv(0);
            if (frame == null)
                throw new IllegalStateException("nothing came in time");
            frames.add(frame);
        } while (socket.hasReceiveMore());
        return frames;
    }

    static boolean isProbe(List<byte[]> frames) {
        return Arrays.equals(frames.get(frames.size() - 1), bytes("probe"));
    }

    static List<byte[]> receive(ZMQ.Socket socket, Options options) {
        List<byte[]> frames = receiveOne(socket);
        if (options.subscribes() && isProbe(frames))
            say("probed");
        while (options.subscribes() && isProbe(frames))
            frames = receiveOne(socket);
        return frames;
    }

    static List<byte[]> withTopic(Options options, List<byte[]> frames) {
        List<byte[]> all = new ArrayList<>();
        if (!options.topic().isEmpty())
            all.add(bytes(options.topic()));
        all.addAll(frames);
        return all;
    }

    static void awaitSubscriber(ZMQ.Socket socket, Options options) throws InterruptedException {
        if (options.type.equals("xpub"))
            receive(socket, options);
        else if (options.type.equals("pub"))
            do
                send(socket, withTopic(options, List.of(bytes("probe"))));
            while (lines.poll(10, TimeUnit.MILLISECONDS) == null);
    }

    // What a source of work answered to one request.
    static class Answer {
        final String verb;
        final Map<String, String> said = new HashMap<>();
        final List<byte[]> body;

        Answer(ZMQ.Socket socket, String request, String options) {
            send(socket, List.of(bytes("FLQ1"), bytes(request), new byte[0], bytes(options)));
            List<byte[]> frames = receiveOne(socket);
            verb = new String(frames.get(1), StandardCharsets.UTF_8);
            String text = frames.size() > 3 ? new String(frames.get(3), StandardCharsets.UTF_8) : "";
            for (String line : text.split("\n"))
                if (line.contains("="))
                    said.put(line.substring(0, line.indexOf('=')),
                             line.substring(line.indexOf('=') + 1));
            body = frames.subList(Math.min(4, frames.size()), frames.size());
        }
    }

    // A worker of docs/protocol/leased.md on a REQ: gives every fifth message back once.
    static void work(ZMQ.Socket socket, int count, Tally received) {
        for (int i = 0; i < count + (count + 4) / 5; ++i) {
            Answer given = new Answer(socket, "take", "wait_ms=20000");
            if (!given.verb.equals("deliver"))
                throw new IllegalStateException("not delivered: " + given.verb + given.said);
            boolean again = !given.said.get("attempt").equals("1");
            if (again != given.said.get("redelivered").equals("yes"))
                throw new IllegalStateException("a redelivery is not told: " + given.said);
            boolean done = again || received.count % 5 != 0;
            if (done)
                received.add(given.body);
            Answer answer =
                new Answer(socket, done ? "ack" : "nack", "lease=" + given.said.get("lease"));
            if (!answer.verb.equals("ok") || !"1".equals(answer.said.get("done")))
                throw new IllegalStateException("not acknowledged: " + answer.verb + answer.said);
        }
    }

    static List<byte[]> frames(Object... texts) {
        List<byte[]> all = new ArrayList<>();
        for (Object each : texts)
            if (each instanceof List<?> list)
                for (Object frame : list)
                    all.add((byte[]) frame);
            else
                all.add(each instanceof byte[] frame ? frame : bytes((String) each));
        return all;
    }

    static boolean begins(List<byte[]> frames, List<byte[]> head) {
        for (int i = 0; i < head.size(); ++i)
            if (i >= frames.size() || !Arrays.equals(frames.get(i), head.get(i)))
                return false;
        return true;
    }

    // A client of 7/MDP or 18/MDP: one request after the other.
    static void ask(ZMQ.Socket socket, Options options, Tally sent, Tally received) {
        boolean old = options.text("version").equals("0.1");
        String service = options.text("service");
        List<byte[]> head = old ? frames("MDPC01", service) : frames("MDPC02", "\u0001", service);
        List<byte[]> answered = old ? head : frames("MDPC02", "\u0003", service);
        if (old && !options.type.equals("req")) { // a REQ puts the empty frame there by itself
            head = frames("", head);
            answered = frames("", answered);
        }
        for (int i = 0; i < options.number("ask"); ++i) {
            List<byte[]> body = message(i, options.number("frame-max", 1 << 20));
            send(socket, frames(head, body));
            sent.add(body);
            List<byte[]> reply = receiveOne(socket);
            if (!begins(reply, answered))
                throw new IllegalStateException("not a reply");
            received.add(reply.subList(answered.size(), reply.size()));
        }
    }

    // A worker of 7/MDP or 18/MDP: answers so many requests with themselves.
    static void serve(ZMQ.Socket socket, Options options, Tally sent, Tally received) {
        boolean old = options.text("version").equals("0.1");
        List<byte[]> head = old ? frames("", "MDPW01") : frames("MDPW02");
        byte last = (byte) (old ? 3 : 4); // FINAL; HEARTBEAT and DISCONNECT follow it
        send(socket, frames(head, "\u0001", options.text("service")));
        while (received.count < options.number("serve")) {
            List<byte[]> got = receiveOne(socket);
            byte command = begins(got, head) ? got.get(head.size())[0] : 0;
            if (command == last + 1)
                continue;
            if (command != 2)
                throw new IllegalStateException("the broker says command " + command);
            List<byte[]> body = got.subList(head.size() + 3, got.size());
            received.add(body);
            send(socket, frames(head, new byte[] {last}, got.get(head.size() + 1), "", body));
            sent.add(body);
            send(socket, frames(head, new byte[] {(byte) (last + 1)}));
        }
        send(socket, frames(head, new byte[] {(byte) (last + 2)}));
    }

    static void talk(ZMQ.Socket socket, Options options) throws Exception {
        Tally sent = new Tally();
        Tally received = new Tally();
        int requests = options.number("request");
        int frameMax = options.number("frame-max", 1 << 20);
        if (options.number("send") > 0)
            awaitSubscriber(socket, options);
        for (int i = 0; i < options.number("send") + requests; ++i) {
            if (!options.topic().isEmpty() && i % 4 == 0)
                send(socket, List.of(bytes("noise"), bytes(Integer.toString(i))));
            List<byte[]> frames = withTopic(options, message(i, frameMax));
            send(socket, frames);
            sent.add(frames);
            if (requests > 0)
                received.add(receive(socket, options));
        }
        for (int i = 0; i < options.number("receive"); ++i)
            received.add(receive(socket, options));
        for (int i = 0; i < options.number("echo"); ++i) {
            List<byte[]> frames = receive(socket, options);
            send(socket, frames);
            if (options.type.equals("router"))
                frames = frames.subList(1, frames.size());
            received.add(frames);
            sent.add(frames);
        }
        if (options.number("work") > 0)
            work(socket, options.number("work"), received);
        if (options.number("ask") > 0)
            ask(socket, options, sent, received);
        if (options.number("serve") > 0)
            serve(socket, options, sent, received);
        say("sent " + sent);
        say("received " + received);
    }

    static void converse(String[] words) {
        ZMQ.Context context = ZMQ.context(1);
        ZMQ.Socket socket = null;
        try {
            Options options = new Options(words);
            socket = context.socket(TYPES.get(options.type));
            // A connected SUB whose publisher has gone would linger to tell it of its end.
            socket.setLinger(options.subscribes() ? 0 : PATIENCE_MS);
            socket.setReceiveTimeOut(PATIENCE_MS);
            socket.setSendTimeOut(PATIENCE_MS);
            attach(socket, options);
            talk(socket, options);
            socket.close();
            say("done");
        } catch (Exception error) {
            say("failed " + error);
            if (socket != null)
                socket.close();
        }
        context.term();
    }

    static void readLines() {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = input.readLine(); line != null; line = input.readLine())
                lines.add(line);
        } catch (java.io.IOException ended) {
            say("failed " + ended);
        }
        lines.add(END);
    }

    public static void main(String[] words) throws Exception {
        Thread reader = new Thread(Peer::readLines);
        reader.setDaemon(true);
        reader.start();
        if (words.length > 0) {
            converse(words);
            return;
        }
        say("JeroMQ " + ZMQ.class.getProtectionDomain().getCodeSource().getLocation().getPath()
            + ", libzmq " + ZMQ.getVersionString() + ", Java " + System.getProperty("java.version"));
        for (String line = lines.take(); !line.equals(END); line = lines.take())
            converse(line.trim().split("\\s+"));
    }
}
