// Java's own HTTP client, run from its source. Lines in and out as test/support/http-clients.ts describes them.

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.BufferedReader;
import java.io.SequenceInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;

class HttpClientProgram {
  static final int SHOWN_BYTES = 65536;

  public static void main(String[] arguments) throws Exception {
    var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (var line = input.readLine(); line != null; line = input.readLine()) {
      String answer;
      try {
        answer = exchange(client, line.split("\t"));
      } catch (Exception error) {
        answer = "error\t" + error;
      }
      System.out.println(answer);
    }
  }

  static String exchange(HttpClient client, String[] words) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(words[1])).timeout(Duration.ofSeconds(60));
    request.method(words[0], bodyOf(words[2]));
    for (var header : Arrays.asList(words).subList(3, words.length)) {
      var parts = header.split(": ", 2);
      if (parts[0].equalsIgnoreCase("expect")) request.expectContinue(true);
      else request.header(parts[0], parts[1]);
    }
    return lineOf(client.send(request.build(), BodyHandlers.ofByteArray()));
  }

  static BodyPublisher bodyOf(String text) {
    var parts = text.split(" ", 2);
    switch (parts[0]) {
      case "none":
        return BodyPublishers.noBody();
      case "text":
        return BodyPublishers.ofString(parts[1]);
      case "chunked":
        return BodyPublishers.ofInputStream(() -> pattern(Integer.parseInt(parts[1])));
      default:
        var length = Integer.parseInt(parts[1]);
        return BodyPublishers.fromPublisher(BodyPublishers.ofInputStream(() -> pattern(length)), length);
    }
  }

  /** A prime block, so that no buffer size of a program in between is a multiple of it. */
  static InputStream pattern(int length) {
    var block = new byte[65521];
    for (var i = 0; i < block.length; i++) block[i] = (byte) (i * 167 + (i >> 8) * 13);
    List<InputStream> pieces = new ArrayList<>();
    for (var left = length; left > 0; left -= block.length) {
      pieces.add(new ByteArrayInputStream(block, 0, Math.min(left, block.length)));
    }
    return new SequenceInputStream(Collections.enumeration(pieces));
  }

  static String lineOf(HttpResponse<byte[]> response) throws Exception {
    var body = response.body();
    var digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
    var shown = Base64.getEncoder().encodeToString(Arrays.copyOf(body, Math.min(body.length, SHOWN_BYTES)));
    var line = new StringBuilder();
    line.append(response.statusCode()).append('\t').append(body.length).append('\t').append(digest);
    line.append("\tunknown\t").append(shown);
    response.headers().map().forEach((name, values) -> {
      for (var value : values) line.append("\th ").append(name).append(": ").append(value);
    });
    return line.toString();
  }
}
